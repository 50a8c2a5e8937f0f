"""What did each trip from flat to flat come to, and which ones are still under way?

Trips that are under way come first, summed up as far as they have got. Ended ones follow, newest
first. The limit of a page counts both. All of them together earn what all lot matches earn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._paging import Part, opened, sealed
from fillbook.reports._report import Amount, Basis, Query, Report, Seconds, Table, table

UNDER_WAY: LiteralString = """
SELECT
    a.name, t.exchange, t.category, t.symbol, t.leg, t.bot_id, t.direction, t.status, t.opened_at,
    t.closed_at, t.quantity, t.open_quantity, t.entry_value, t.exit_value, t.gross_pnl,
    t.total_commission, t.funding, t.net_pnl, t.matches, t.entry_reason, t.exit_reason, t.currency,
    t.holding_seconds
FROM trading.round_trips t
JOIN ops.accounts a USING (account_id)
WHERE t.status = 'OPEN' AND t.account_id = ANY(%(accounts)s)
  AND (%(bot)s::text IS NULL OR t.bot_id = %(bot)s)
  AND (%(symbol)s::text IS NULL OR t.symbol = %(symbol)s)
ORDER BY t.opened_at DESC, a.name, t.symbol, t.category, t.leg, t.bot_id
LIMIT %(limit)s OFFSET %(under_way)s
"""

# The index on (account_id, ended_at) is walked backwards from the cursor.
ENDED: LiteralString = """
SELECT
    a.name, a.venue, b.category, b.symbol, b.leg, b.owner,
    CASE WHEN r.direction = 1 THEN 'long' ELSE 'short' END, 'CLOSED', r.opened_at, r.ended_at,
    r.unit_end - r.unit_start, 0::numeric, r.entry_value, r.exit_value, r.gross, r.fee, r.funding,
    r.net, r.matches, r.entry_reason, r.exit_reason, b.currency,
    floor(extract(epoch FROM r.ended_at - r.opened_at))::bigint,
    r.ended_at, r.account_id, r.book_id, r.stretch, r.unit_start
FROM derived.round_trips r
JOIN derived.books b USING (account_id, book_id)
JOIN ops.accounts a USING (account_id)
WHERE r.account_id = ANY(%(accounts)s)
  AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
  AND (%(exit_reason)s::text IS NULL OR r.exit_reason = %(exit_reason)s)
  AND (%(since)s::timestamptz IS NULL OR r.ended_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR r.ended_at < %(until)s)
  AND (%(after_time)s::timestamptz IS NULL OR (r.ended_at <= %(after_time)s
       AND (r.ended_at, r.account_id, r.book_id, r.stretch, r.unit_start)
         < (%(after_time)s, %(after_account)s::bigint, %(after_book)s::bigint,
            %(after_stretch)s::timestamptz, %(after_unit)s::numeric)))
ORDER BY r.ended_at DESC, r.account_id DESC, r.book_id DESC, r.stretch DESC, r.unit_start DESC
LIMIT %(limit)s
"""

PLACE: Mapping[str, Part] = {
    "after_time": "time",
    "after_account": "number",
    "after_book": "number",
    "after_stretch": "time",
    "after_unit": "amount",
    "under_way": "number",  # how many of those were seen; ALL_SEEN: every one
}
ALL_SEEN = -1

# Before the first ended trip: later than any.
NONE_ENDED = (datetime(9999, 12, 31, tzinfo=UTC), 0, 0, datetime(9999, 12, 31, tzinfo=UTC), 0)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """From flat to flat, or to now."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    direction: str
    status: str  # CLOSED or OPEN
    opened_at: datetime
    closed_at: datetime | None
    quantity: Amount  # that was closed
    open_quantity: Amount | None  # None: beyond a gap, so that nobody knows
    entry_value: Amount | None
    exit_value: Amount | None
    gross_pnl: Amount | None
    total_commission: Amount | None
    funding: Amount
    net_pnl: Amount | None
    matches: int
    entry_reason: str
    exit_reason: str | None
    currency: str
    holding_seconds: Seconds | None


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """A page of round trips."""

    rows: tuple[RoundTrip, ...]
    next_cursor: str | None
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("round_trips", RoundTrip, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> RoundTrips:
    """A page of trips; what is under way has no end, and so lies in no interval that has one."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        **query.filters(),
        "limit": query.rows_max + 1,
    }
    rows, next_cursor = await _page(conn, query, words)
    return RoundTrips(
        rows=tuple(RoundTrip(*row) for row in rows),
        next_cursor=next_cursor,
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


async def _page(
    conn: Connection, query: Query, words: dict[str, Any]
) -> tuple[list[tuple[Any, ...]], str | None]:
    """The rows of a page, and where the next one begins."""
    words = words | opened(query.cursor, PLACE)
    seen = words["under_way"] = max(words["under_way"] or 0, ALL_SEEN)
    if query.until is not None or query.exit_reason is not None:
        seen = ALL_SEEN
    under_way: list[tuple[Any, ...]] = []
    if seen != ALL_SEEN:
        under_way = await (await conn.execute(UNDER_WAY, words)).fetchall()
        if len(under_way) > query.rows_max:
            shown = under_way[: query.rows_max]
            return shown, sealed((*NONE_ENDED, seen + len(shown)))
    room = query.rows_max - len(under_way)
    rows = await (await conn.execute(ENDED, words | {"limit": room + 1})).fetchall()
    shown = rows[:room]
    place = shown[-1][-5:] if shown else NONE_ENDED
    more = len(rows) > len(shown)
    return (
        under_way + [row[:-5] for row in shown],
        sealed((*place, ALL_SEEN)) if more else None,
    )


REPORT = Report(
    name="round_trips",
    title="Round trips",
    takes=frozenset(
        ("account", "bot", "symbol", "exit_reason", "since", "until", "limit", "cursor")
    ),
    answer=answer,
)
