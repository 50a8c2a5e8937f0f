"""What did each fill do to its owner's position: open, increase, reduce, close or reverse it?

Newest first. A fill that several bots share is one event for each of them.
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

# What was held before a fill is its own place on the line less the end of the other side's line; a
# line without an execution precedes the fill of the same rank.
EVENTS: LiteralString = """
SELECT
    a.name, a.venue, l.category, l.symbol, l.leg, l.owner,
    CASE
        WHEN p.before = 0 THEN 'opened'
        WHEN p.after = 0 THEN 'closed'
        WHEN sign(p.before) <> sign(p.after) THEN 'reversed'
        WHEN sign(p.before) = l.side THEN 'increased'
        ELSE 'reduced' END,
    l.executed_at, CASE WHEN l.side = 1 THEN 'Buy' ELSE 'Sell' END, l.unit_end - l.unit_start,
    l.price, p.before, p.after, l.reason, l.evidence, l.owner_evidence, e.execution_id, e.order_id,
    l.executed_at, l.rank, l.keyed, l.account_id, l.book_id, l.side, l.unit_end
FROM (
    SELECT b.category, b.symbol, b.leg, b.owner, own.*,
        (own.execution_key IS NOT NULL)::int AS keyed
    FROM derived.books b
    CROSS JOIN (VALUES (1::smallint), ((-1)::smallint)) AS sides (side)
    CROSS JOIN LATERAL (
        SELECT x.* FROM derived.lines x
        WHERE x.account_id = b.account_id AND x.book_id = b.book_id AND x.side = sides.side
          AND (%(since)s::timestamptz IS NULL OR x.executed_at >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR x.executed_at < %(until)s)
          AND (%(after_time)s::timestamptz IS NULL OR (x.executed_at <= %(after_time)s
               AND (x.executed_at, x.rank, (x.execution_key IS NOT NULL)::int, x.account_id,
                    x.book_id, x.side, x.unit_end)
                 < (%(after_time)s, %(after_rank)s::int, %(after_keyed)s::int,
                    %(after_account)s::bigint, %(after_book)s::bigint, %(after_side)s::smallint,
                    %(after_unit)s::numeric)))
        ORDER BY x.executed_at DESC, x.unit_end DESC
        LIMIT %(limit)s) AS own
    WHERE b.account_id = ANY(%(accounts)s)
      AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
      AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
    ORDER BY own.executed_at DESC, own.rank DESC, keyed DESC, own.account_id DESC, own.book_id DESC,
        own.side DESC, own.unit_end DESC
    LIMIT %(limit)s
) AS l
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT coalesce((
        SELECT o.unit_end FROM derived.lines o
        WHERE o.account_id = l.account_id AND o.book_id = l.book_id AND o.side = -l.side
          AND o.stretch = l.stretch AND o.executed_at <= l.executed_at
          AND (o.executed_at < l.executed_at OR o.rank < l.rank
               OR (o.rank = l.rank AND o.execution_key IS NULL AND l.execution_key IS NOT NULL))
        ORDER BY o.executed_at DESC, o.unit_end DESC LIMIT 1), 0) AS unit_end
) AS other
CROSS JOIN LATERAL (
    SELECT l.side * (l.unit_start - other.unit_end) AS before,
           l.side * (l.unit_end - other.unit_end) AS after) AS p
LEFT JOIN LATERAL (
    SELECT x.execution_id, x.order_id FROM facts.executions x
    WHERE x.account_id = l.account_id AND x.execution_key = l.execution_key
    ORDER BY x.revision DESC LIMIT 1) AS e ON true
ORDER BY l.executed_at DESC, l.rank DESC, l.keyed DESC, l.account_id DESC, l.book_id DESC,
    l.side DESC, l.unit_end DESC
"""

PLACE: Mapping[str, Part] = {
    "after_time": "time",
    "after_rank": "number",
    "after_keyed": "number",
    "after_account": "number",
    "after_book": "number",
    "after_side": "number",
    "after_unit": "amount",
}


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """What one fill did to one owner's position."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    event: str  # opened, increased, reduced, closed, reversed
    at: datetime
    side: str
    qty: Amount
    price: Amount | None
    position_before: Amount  # signed: negative is short
    position_after: Amount
    reason: str
    reason_evidence: str
    owner_evidence: str
    execution_id: str | None
    order_id: str | None


@dataclass(frozen=True, slots=True)
class Events:
    """A page of events."""

    rows: tuple[PositionEvent, ...]
    next_cursor: str | None
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("events", PositionEvent, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Events:
    """A page of the events that a query means."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        **query.filters(),
        "limit": query.rows_max + 1,
    }
    rows = await (await conn.execute(EVENTS, words | opened(query.cursor, PLACE))).fetchall()
    shown = rows[: query.rows_max]
    more = len(rows) > len(shown)
    return Events(
        rows=tuple(PositionEvent(*row[: -len(PLACE)]) for row in shown),
        next_cursor=sealed(shown[-1][-len(PLACE) :]) if more else None,
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


REPORT = Report(
    name="events",
    title="Position events",
    takes=frozenset(("account", "bot", "symbol", "since", "until", "limit", "cursor")),
    answer=answer,
)
