"""Do the balances that the venue's account log tells add up, coin by coin?

Each balance is the one before it plus the line's change. Where it is not, lines are missing from
the log, or were changed. Only time in which the log is read is looked at, each stretch by itself:
what happened in a gap is not known. Nothing is stored; the lines are added up when this is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import LiteralString

from fillbook.accounting.cash_chain import Break, Step, breaks
from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Amount, Basis, Query, Report, Table, table

STRETCHES: LiteralString = """
SELECT a.account_id, a.name, lower(p.piece), upper(p.piece)
FROM ops.accounts a
CROSS JOIN LATERAL (
    SELECT range_agg(c.read) AS pieces FROM derived.coverage c
    WHERE c.account_id = a.account_id AND split_part(c.stream, '.', 1) = 'account_log') AS log
CROSS JOIN LATERAL unnest(
    log.pieces * tstzmultirange(tstzrange(%(since)s, %(until)s))) AS p (piece)
WHERE a.account_id = ANY(%(accounts)s)
ORDER BY a.name, lower(p.piece)
"""

LINES: LiteralString = """
SELECT currency, occurred_at, change, balance FROM facts.current_log_entries
WHERE account_id = %(account)s AND occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s
  AND (%(currency)s::text IS NULL OR currency = %(currency)s)
ORDER BY currency, occurred_at
"""


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """An instant at which a coin's balance is not what its lines explain."""

    account: str
    currency: str
    at: datetime
    expected: Amount
    told: Amount
    difference: Amount  # positive: more is there than the lines explain


@dataclass(frozen=True, slots=True)
class Chain:
    """The lines of one coin in one stretch of time that is read."""

    account: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    lines: int
    breaks: int


@dataclass(frozen=True, slots=True)
class CashChain:
    """What does not add up, and what was looked at."""

    rows: tuple[ChainBreak, ...]
    chains: tuple[Chain, ...]
    is_cut: bool  # there are more breaks than were asked for
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """The breaks, then all that was added up."""
        return (
            table("breaks", ChainBreak, self.rows),
            table("chains", Chain, self.chains),
        )


async def answer(conn: Connection, query: Query, *, now: datetime) -> CashChain:
    """Add up what the log tells of the interval."""
    accounts = await account_ids(conn, query)
    words = {"accounts": accounts, "since": query.since, "until": query.until}
    rows: list[ChainBreak] = []
    chains: list[Chain] = []
    for number, name, starts_at, ends_at in await (await conn.execute(STRETCHES, words)).fetchall():
        what = {
            "account": number,
            "currency": query.currency,
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        found = await (await conn.execute(LINES, what)).fetchall()
        for currency, count, broken in _by_coin(found):
            rows += [
                ChainBreak(name, currency, one.at, one.expected, one.told, one.difference)
                for one in broken
            ]
            chains.append(Chain(name, currency, starts_at, ends_at, count, len(broken)))
    return CashChain(
        rows=tuple(rows[: query.rows_max]),
        chains=tuple(chains),
        is_cut=len(rows) > query.rows_max,
        basis=await basis(conn, accounts, now=now, since=query.since, until=query.until),
    )


def _by_coin(found: list[tuple[object, ...]]) -> Iterator[tuple[str, int, list[Break]]]:
    for currency, group in groupby(found, key=itemgetter(0)):
        steps = [Step(*line[1:]) for line in group]  # type: ignore[arg-type]
        yield str(currency), len(steps), list(breaks(steps))


REPORT = Report(
    name="cash_chain",
    title="Balances that do not add up",
    takes=frozenset(("account", "currency", "since", "until", "limit")),
    answer=answer,
)
