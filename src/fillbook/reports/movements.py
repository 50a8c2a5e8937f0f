"""Which money came to the account or left it: deposits, withdrawals, transfers?

Newest first. One that is under way, failed or was taken back is shown with its status; only a final
one has moved money.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._paging import Part, opened, sealed
from fillbook.reports._report import Amount, Basis, Query, Report, Table, table

MOVED: LiteralString = """
SELECT a.name, a.venue, m.moved_at, m.kind, m.currency, m.amount, m.fee, m.status, m.is_final,
    m.from_account, m.to_account, m.movement_id, m.reference,
    m.moved_at, m.account_id, m.movement_key
FROM facts.current_movements m
JOIN ops.accounts a USING (account_id)
WHERE m.account_id = ANY(%(accounts)s)
  AND (%(currency)s::text IS NULL OR m.currency = %(currency)s)
  AND (%(since)s::timestamptz IS NULL OR m.moved_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR m.moved_at < %(until)s)
  AND (%(after_time)s::timestamptz IS NULL OR (m.moved_at, m.account_id, m.movement_key)
       < (%(after_time)s, %(after_account)s::bigint, %(after_key)s::uuid))
ORDER BY m.moved_at DESC, m.account_id DESC, m.movement_key DESC
LIMIT %(limit)s
"""

PLACE: Mapping[str, Part] = {
    "after_time": "time",
    "after_account": "number",
    "after_key": "key",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement of money, as the venue told it last."""

    account: str
    exchange: str
    at: datetime
    kind: str  # deposit, internal_deposit, withdrawal, transfer
    currency: str
    amount: Amount
    fee: Amount | None
    status: str
    is_final: bool
    from_account: str
    to_account: str
    movement_id: str
    reference: str


@dataclass(frozen=True, slots=True)
class Movements:
    """A page of movements."""

    rows: tuple[Moved, ...]
    next_cursor: str | None
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("movements", Moved, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Movements:
    """A page of the movements that a query means."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "currency": query.currency,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max + 1,
    }
    rows = await (await conn.execute(MOVED, words | opened(query.cursor, PLACE))).fetchall()
    shown = rows[: query.rows_max]
    more = len(rows) > len(shown)
    return Movements(
        rows=tuple(Moved(*row[: -len(PLACE)]) for row in shown),
        next_cursor=sealed(shown[-1][-len(PLACE) :]) if more else None,
        basis=await basis(conn, accounts, now=now, since=query.since, until=query.until),
    )


REPORT = Report(
    name="movements",
    title="Movements of money",
    takes=frozenset(("account", "currency", "since", "until", "limit", "cursor")),
    answer=answer,
)
