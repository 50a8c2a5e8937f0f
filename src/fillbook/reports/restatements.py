"""Why is this trade different from yesterday? What it said before and says now, by whom and why.

Newest first. The cause is a fact that came late, a revision by the venue, a gap that was closed, or
the kind of a statement; a statement has somebody who made it. A trade that is new has no before,
one that is gone has no after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Amount, Basis, Query, Report, Table, table

RESTATED: LiteralString = """
SELECT
    a.name, r.category, r.symbol, r.leg, r.trade_id, r.restated_at, r.cause, s.stated_by, s.reason,
    r.caused_by, r.before_bot_id, r.after_bot_id, r.before_exit_time, r.after_exit_time,
    r.before_qty, r.after_qty, r.before_net, r.after_net, r.before_exit_reason, r.after_exit_reason
FROM ops.restatements r
JOIN ops.accounts a USING (account_id)
LEFT JOIN facts.statements s ON s.account_id = r.account_id AND s.chain_seq = r.caused_by
WHERE r.account_id = ANY(%(accounts)s)
  AND (%(trade)s::text IS NULL OR r.trade_id = %(trade)s)
  AND (%(symbol)s::text IS NULL OR r.symbol = %(symbol)s)
  AND (%(since)s::timestamptz IS NULL OR r.restated_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR r.restated_at < %(until)s)
ORDER BY r.restated_at DESC, r.caused_by DESC, r.symbol, r.trade_id
LIMIT %(limit)s
"""

TRADES: LiteralString = """
SELECT count(DISTINCT trade_id) FROM ops.restatements
WHERE account_id = %(account_id)s AND caused_by = ANY(%(links)s)
"""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A trade that says something else than it did."""

    account: str
    category: str
    symbol: str
    leg: str
    trade_id: str
    restated_at: datetime
    cause: str
    stated_by: str | None
    stated_reason: str | None
    caused_by: int  # the link of the account's chain
    before_bot_id: str | None
    after_bot_id: str | None
    before_exit_time: datetime | None
    after_exit_time: datetime | None
    before_qty: Amount | None
    after_qty: Amount | None
    before_net_pnl: Amount | None
    after_net_pnl: Amount | None
    before_exit_reason: str | None
    after_exit_reason: str | None


@dataclass(frozen=True, slots=True)
class Restatements:
    """The newest first."""

    rows: tuple[Restatement, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("restatements", Restatement, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Restatements:
    """The restatements of a trade, a symbol or an interval."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "trade": query.trade,
        "symbol": query.symbol,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max,
    }
    found = await (await conn.execute(RESTATED, words)).fetchall()
    return Restatements(
        rows=tuple(Restatement(*row) for row in found),
        basis=await basis(conn, accounts, now=now, symbol=query.symbol),
    )


async def count_trades(conn: Connection, account_id: int, links: Sequence[int]) -> int:
    """How many trades these links of the chain have changed, each counted once."""
    found = await conn.execute(TRADES, {"account_id": account_id, "links": list(links)})
    row = await found.fetchone()
    return int(row[0]) if row else 0


REPORT = Report(
    name="restatements",
    title="Restatements",
    takes=frozenset(("account", "symbol", "trade", "since", "until", "limit")),
    answer=answer,
)
