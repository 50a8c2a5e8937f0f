"""Which units bought met which units sold, and what did each overlap earn?

The finest grain: matches add up to completed trades and to round trips, to the last digit. Newest
first. Each book's newest matches are found by its index, so that a page costs the same whatever
the length of history.
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

# Ids are looked up in the list of columns, and so for the rows of the page only.
MATCHES: LiteralString = """
SELECT
    a.name, a.venue, b.category, b.symbol, b.leg, b.owner,
    CASE WHEN m.direction = 1 THEN 'long' ELSE 'short' END,
    m.unit_end - m.unit_start, m.entry_price, m.entry_at, m.entry_reason, m.entry_evidence,
    m.exit_price, m.exit_at, m.exit_reason, m.exit_evidence,
    m.gross, m.entry_fee, m.exit_fee, m.funding,
    m.gross - m.entry_fee - m.exit_fee - m.funding, b.currency,
    (SELECT c.trade_id FROM derived.completed_trades c
     WHERE c.account_id = m.account_id AND c.book_id = m.book_id AND c.entry_order = m.entry_order
       AND c.exit_order = m.exit_order AND c.stretch = m.stretch AND c.direction = m.direction
     LIMIT 1),
    (SELECT x.execution_id FROM facts.executions x
     WHERE x.account_id = m.account_id AND x.execution_key = m.entry_key
     ORDER BY x.revision DESC LIMIT 1),
    (SELECT x.execution_id FROM facts.executions x
     WHERE x.account_id = m.account_id AND x.execution_key = m.exit_key
     ORDER BY x.revision DESC LIMIT 1),
    m.account_id, m.book_id, m.stretch, m.unit_start
FROM derived.books b
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT l.* FROM derived.lot_matches l
    WHERE l.account_id = b.account_id AND l.book_id = b.book_id
      AND (%(exit_reason)s::text IS NULL OR l.exit_reason = %(exit_reason)s)
      AND (%(since)s::timestamptz IS NULL OR l.exit_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR l.exit_at < %(until)s)
      AND (%(after_time)s::timestamptz IS NULL OR (l.exit_at <= %(after_time)s
           AND (l.exit_at, l.account_id, l.book_id, l.stretch, l.unit_start)
             < (%(after_time)s, %(after_account)s::bigint, %(after_book)s::bigint,
                %(after_stretch)s::timestamptz, %(after_unit)s::numeric)))
    ORDER BY l.exit_at DESC, l.stretch DESC, l.unit_start DESC
    LIMIT %(limit)s) AS m
WHERE b.account_id = ANY(%(accounts)s)
  AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
ORDER BY m.exit_at DESC, m.account_id DESC, m.book_id DESC, m.stretch DESC, m.unit_start DESC
LIMIT %(limit)s
"""

PLACE: Mapping[str, Part] = {
    "after_time": "time",
    "after_account": "number",
    "after_book": "number",
    "after_stretch": "time",
    "after_unit": "amount",
}


@dataclass(frozen=True, slots=True)
class LotMatch:
    """An overlap of the two lines: units under one entry and one exit."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    direction: str
    qty: Amount
    entry_price: Amount | None
    entry_time: datetime
    entry_reason: str
    entry_reason_evidence: str
    exit_price: Amount | None
    exit_time: datetime
    exit_reason: str
    exit_reason_evidence: str
    gross_pnl: Amount | None
    entry_commission: Amount | None
    exit_commission: Amount | None
    funding: Amount
    net_pnl: Amount | None
    currency: str
    trade_id: str | None
    entry_execution_id: str | None  # None: it was held before proven history
    exit_execution_id: str | None


@dataclass(frozen=True, slots=True)
class Matches:
    """A page of matches."""

    rows: tuple[LotMatch, ...]
    next_cursor: str | None
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("matches", LotMatch, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Matches:
    """A page of the matches that a query means."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        **query.filters(),
        "limit": query.rows_max + 1,
    }
    rows = await (await conn.execute(MATCHES, words | opened(query.cursor, PLACE))).fetchall()
    shown = rows[: query.rows_max]
    more = len(rows) > len(shown)
    return Matches(
        rows=tuple(LotMatch(*row[:-4]) for row in shown),
        next_cursor=sealed((shown[-1][13], *shown[-1][-4:])) if more else None,
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


REPORT = Report(
    name="matches",
    title="Lot matches",
    takes=frozenset(
        ("account", "bot", "symbol", "exit_reason", "since", "until", "limit", "cursor")
    ),
    answer=answer,
)
