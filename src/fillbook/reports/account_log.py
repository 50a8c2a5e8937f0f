"""What does the venue's own account log say, line by line?

Newest first. Each line is a change of one coin's balance, with the balance after it: a second
witness beside the list of executions. Signs are those of the log: funding is positive when
received, a fee is positive when paid.
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

LOGGED: LiteralString = """
SELECT a.name, a.venue, l.occurred_at, l.kind, l.category, l.symbol, l.side, l.currency, l.change,
    l.balance, l.cash_flow, l.funding, l.fee, l.qty, l.position, l.execution_id, l.order_id,
    l.occurred_at, l.account_id, l.entry_key
FROM facts.current_log_entries l
JOIN ops.accounts a USING (account_id)
WHERE l.account_id = ANY(%(accounts)s)
  AND (%(symbol)s::text IS NULL OR l.symbol = %(symbol)s)
  AND (%(currency)s::text IS NULL OR l.currency = %(currency)s)
  AND (%(since)s::timestamptz IS NULL OR l.occurred_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR l.occurred_at < %(until)s)
  AND (%(after_time)s::timestamptz IS NULL OR l.occurred_at <= %(after_time)s)
  AND (%(after_time)s::timestamptz IS NULL OR (l.occurred_at, l.account_id, l.entry_key)
       < (%(after_time)s, %(after_account)s::bigint, %(after_entry)s::uuid))
ORDER BY l.occurred_at DESC, l.account_id DESC, l.entry_key DESC
LIMIT %(limit)s
"""

PLACE: Mapping[str, Part] = {
    "after_time": "time",
    "after_account": "number",
    "after_entry": "key",
}


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the log."""

    account: str
    exchange: str
    at: datetime
    kind: str  # in the venue's own words
    category: str
    symbol: str
    side: str
    currency: str
    change: Amount
    balance: Amount | None
    cash_flow: Amount | None
    funding: Amount | None
    fee: Amount | None
    qty: Amount | None
    position: Amount | None
    execution_id: str
    order_id: str


@dataclass(frozen=True, slots=True)
class AccountLog:
    """A page of lines."""

    rows: tuple[Logged, ...]
    next_cursor: str | None
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("account_log", Logged, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> AccountLog:
    """A page of the lines that a query means."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "symbol": query.symbol,
        "currency": query.currency,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max + 1,
    }
    rows = await (await conn.execute(LOGGED, words | opened(query.cursor, PLACE))).fetchall()
    shown = rows[: query.rows_max]
    more = len(rows) > len(shown)
    return AccountLog(
        rows=tuple(Logged(*row[: -len(PLACE)]) for row in shown),
        next_cursor=sealed(shown[-1][-len(PLACE) :]) if more else None,
        basis=await basis(conn, accounts, now=now, since=query.since, until=query.until),
    )


REPORT = Report(
    name="account_log",
    title="Account log",
    takes=frozenset(("account", "symbol", "currency", "since", "until", "limit", "cursor")),
    answer=answer,
)
