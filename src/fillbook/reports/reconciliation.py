"""Does the book agree with the venue, when was it compared, and what differs since when?

Four ways of comparing: what fills add up to with the venue's position, with the venue's closed
profit, the account log with the wallet, and counts with counts. A break is a difference with its
size, its likely cause, what was tried and what to do next; it closes by itself when both sides
agree. Where nothing differs, the last comparison of each leg, coin and symbol says so with a date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Amount, Basis, Query, Report, Seconds, Table, table

# Breaks that are open whenever they began; of those that healed, the ones of the interval.
BREAKS: LiteralString = """
SELECT a.name, a.venue, CASE WHEN b.healed_at IS NULL THEN 'open' ELSE 'healed' END, b.way,
    b.measure, b.category, b.symbol, b.leg, b.currency, b.reference, b.ours, b.theirs,
    b.theirs - b.ours, b.cause, b.why, array_to_string(b.tried, '; '), b.starts_at, b.ends_at,
    b.first_seen_at, b.last_seen_at, b.times_seen, b.healed_at
FROM ops.breaks b
JOIN ops.accounts a USING (account_id)
WHERE b.account_id = ANY(%(accounts)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
  AND (b.healed_at IS NULL OR (%(since)s::timestamptz IS NOT NULL AND b.healed_at >= %(since)s))
  AND (%(until)s::timestamptz IS NULL OR b.first_seen_at < %(until)s)
ORDER BY b.healed_at IS NOT NULL, b.first_seen_at DESC, a.name, b.way, b.measure, b.symbol,
    b.reference
LIMIT %(limit)s
"""

COMPARED: LiteralString = """
SELECT a.name, c.way, c.measure, c.category, c.symbol, c.leg, c.currency, c.verdict, c.ours,
    c.theirs, c.items, c.why, c.matched_at, c.agreed_at
FROM ops.comparisons c
JOIN ops.accounts a USING (account_id)
WHERE c.account_id = ANY(%(accounts)s)
  AND (%(symbol)s::text IS NULL OR c.symbol = %(symbol)s)
ORDER BY a.name, c.verdict <> 'differs', c.verdict <> 'not_compared', c.way, c.measure, c.category,
    c.symbol, c.leg, c.currency
"""

LAST: LiteralString = """
SELECT a.name, a.venue, r.matched_at, r.agreed, r.differed, r.deferred, r.not_compared,
    coalesce(r.unkept, 0), (SELECT count(*) FROM ops.breaks b
     WHERE b.account_id = a.account_id AND b.healed_at IS NULL),
    floor(extract(epoch FROM %(now)s - r.matched_at))::bigint
FROM ops.accounts a
LEFT JOIN LATERAL (
    SELECT * FROM ops.reconciliations
    WHERE account_id = a.account_id ORDER BY compared_at DESC LIMIT 1) AS r ON true
WHERE a.account_id = ANY(%(accounts)s)
ORDER BY a.name
"""

NEXT: Mapping[str, str] = {
    "late_data": "wait: the venue may still list what is missing; every pass compares again",
    "missing_history": "fetch what is older (fillbook backfill --from), or state what was held"
    " (fillbook opening-balance)",
    "unknown_record_type": "update Fillbook: rows were listed that this version cannot read;"
    " they are kept, and fillbook rebuild reads them again",
    "rounding": "nothing: the venue prints rounded figures",
    "venue_hole": "ask the venue's support, with the time and the symbol: its own lists leave"
    " something out; fillbook correct can state what happened",
    "in_doubt": "fillbook backfill --again over that time; then look at fillbook coverage",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the book and the venue, open or healed."""

    account: str
    exchange: str
    state: str
    way: str
    measure: str
    category: str
    symbol: str
    leg: str
    currency: str
    reference: str
    ours: Amount | None
    theirs: Amount | None
    difference: Amount | None  # positive: the venue tells more
    cause: str
    why: str
    tried: str
    starts_at: datetime | None
    ends_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    times_seen: int
    healed_at: datetime | None
    next_step: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last time that a leg, a coin or a symbol was compared."""

    account: str
    way: str
    measure: str
    category: str
    symbol: str
    leg: str
    currency: str
    verdict: str
    ours: Amount | None
    theirs: Amount | None
    items: int
    why: str
    matched_at: datetime
    agreed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastCompared:
    """When an account was compared last, and what that came to."""

    account: str
    exchange: str
    matched_at: datetime | None
    agreed: int | None
    differed: int | None
    deferred: int | None
    not_compared: int | None
    unkept_differences: int  # as many more than are kept as breaks
    open_breaks: int
    age_seconds: Seconds | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What differs, what was compared, and when."""

    rows: tuple[Difference, ...]
    accounts: tuple[LastCompared, ...]
    compared: tuple[Comparison, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """The breaks, each account's last comparison, and each leg's and coin's."""
        return (
            table("breaks", Difference, self.rows),
            table("accounts", LastCompared, self.accounts),
            table("compared", Comparison, self.compared),
        )


async def answer(conn: Connection, query: Query, *, now: datetime) -> Reconciliation:
    """What differs now, and what healed in the interval that is asked for."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "symbol": query.symbol,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max,
        "now": now,
    }
    found = await (await conn.execute(BREAKS, words)).fetchall()
    last = await (await conn.execute(LAST, words)).fetchall()
    compared = await (await conn.execute(COMPARED, words)).fetchall()
    return Reconciliation(
        rows=tuple(Difference(*row) for row in ((*row, _next(row[2], row[13])) for row in found)),
        accounts=tuple(LastCompared(*row) for row in last),
        compared=tuple(Comparison(*row) for row in compared),
        basis=await basis(conn, accounts, now=now, symbol=query.symbol),
    )


def _next(state: str, cause: str) -> str:
    return NEXT.get(cause, "") if state == "open" else "nothing: it healed"


REPORT = Report(
    name="reconciliation",
    title="Reconciliation with the venue",
    takes=frozenset(("account", "symbol", "since", "until", "limit")),
    answer=answer,
)
