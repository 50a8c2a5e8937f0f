"""Which trades were completed, what did each earn, and why was it entered and left?

Newest first, by (exit time, trade id). A pair of orders may grow after it first appeared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._paging import Part, opened, sealed
from fillbook.reports._report import Amount, Basis, Percent, Query, Report, Seconds, Table, table

# The index on (exit_time, trade_id) is walked backwards from the cursor.
TRADES: LiteralString = """
SELECT
    t.trade_id, a.name AS account, a.venue AS exchange, t.bot_id, t.category, t.symbol,
    CASE WHEN t.direction = 1 THEN 'long' ELSE 'short' END AS direction,
    CASE WHEN t.direction = 1 THEN 'Buy' ELSE 'Sell' END AS entry_side,
    t.entry_price, t.qty AS entry_qty, t.entry_time, t.entry_reason,
    t.entry_evidence AS entry_reason_evidence,
    CASE WHEN t.direction = 1 THEN 'Sell' ELSE 'Buy' END AS exit_side,
    t.exit_price, t.qty AS exit_qty, t.exit_time, t.exit_reason,
    t.exit_evidence AS exit_reason_evidence,
    t.gross AS gross_pnl, t.net AS net_pnl, t.net_pct AS pnl_pct, t.fee AS total_commission,
    t.funding, t.currency,
    floor(extract(epoch FROM t.exit_time - t.entry_time))::bigint AS holding_duration_seconds,
    t.gross IS NOT NULL AND t.fee IS NULL AS fee_unvalued, b.leg,
    t.account_id
FROM derived.completed_trades t
JOIN ops.accounts a USING (account_id)
JOIN derived.books b USING (account_id, book_id)
WHERE t.account_id = ANY(%(accounts)s)
  AND (%(bot)s::text IS NULL OR t.bot_id = %(bot)s)
  AND (%(symbol)s::text IS NULL OR t.symbol = %(symbol)s)
  AND (%(exit_reason)s::text IS NULL OR t.exit_reason = %(exit_reason)s)
  AND (%(since)s::timestamptz IS NULL OR t.exit_time >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR t.exit_time < %(until)s)
  AND (%(after_time)s::timestamptz IS NULL
       OR (t.exit_time, t.trade_id, t.account_id)
          < (%(after_time)s, %(after_id)s::text, %(after_account)s::bigint))
ORDER BY t.exit_time DESC, t.trade_id DESC, t.account_id DESC
LIMIT %(limit)s
"""

TOTAL: LiteralString = """
SELECT count(*) FROM derived.completed_trades t
WHERE t.account_id = ANY(%(accounts)s)
  AND (%(bot)s::text IS NULL OR t.bot_id = %(bot)s)
  AND (%(symbol)s::text IS NULL OR t.symbol = %(symbol)s)
  AND (%(exit_reason)s::text IS NULL OR t.exit_reason = %(exit_reason)s)
  AND (%(since)s::timestamptz IS NULL OR t.exit_time >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR t.exit_time < %(until)s)
"""

PLACE: Mapping[str, Part] = {
    "after_time": "time",
    "after_account": "number",
    "after_id": "word",
}


@dataclass(frozen=True, slots=True)
class Trade:
    """What one order entered and another left."""

    trade_id: str
    account: str
    exchange: str
    bot_id: str
    category: str
    symbol: str
    direction: str
    entry_side: str
    entry_price: Amount | None
    entry_qty: Amount
    entry_time: datetime
    entry_reason: str
    entry_reason_evidence: str
    exit_side: str
    exit_price: Amount | None
    exit_qty: Amount
    exit_time: datetime
    exit_reason: str
    exit_reason_evidence: str
    gross_pnl: Amount | None
    net_pnl: Amount | None
    pnl_pct: Percent | None
    total_commission: Amount | None
    funding: Amount
    currency: str
    holding_duration_seconds: Seconds
    fee_unvalued: bool  # a fee in a coin without a known price: the net figure is not known
    leg: str


@dataclass(frozen=True, slots=True)
class Trades:
    """A page of trades, and how many there are in all."""

    rows: tuple[Trade, ...]
    next_cursor: str | None
    total: int
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("trades", Trade, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Trades:
    """A page of the trades that a query means."""
    accounts = await account_ids(conn, query)
    place = opened(query.cursor, PLACE)
    words = {
        "accounts": accounts,
        **query.filters(),
    }
    found = await (await conn.execute(TOTAL, words)).fetchone()
    assert found is not None
    paging = place | {"limit": query.rows_max + 1}
    rows = await (await conn.execute(TRADES, words | paging)).fetchall()
    shown = tuple(Trade(*row[:-1]) for row in rows[: query.rows_max])
    more = len(rows) > len(shown)
    return Trades(
        rows=shown,
        next_cursor=_after(shown[-1], rows[len(shown) - 1][-1]) if more else None,
        total=found[0],
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


def _after(last: Trade, account_id: int) -> str:
    return sealed((last.exit_time, account_id, last.trade_id))


REPORT = Report(
    name="trades",
    title="Completed trades",
    takes=frozenset(
        ("account", "bot", "symbol", "exit_reason", "since", "until", "limit", "cursor")
    ),
    answer=answer,
)
