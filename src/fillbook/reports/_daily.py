"""What was realised on each day (UTC)? Sums of lot matches by the day of their exit.

Matches whose cost or fee has no known value are left out and counted. Days without a match are days
with zero, so that a curve and a calendar need not guess.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import LiteralString

from fillbook.domain.money import EXACT
from fillbook.ledger._pool import Connection
from fillbook.reports._report import Amount, Query

DAILY: LiteralString = """
SELECT (m.exit_at AT TIME ZONE 'UTC')::date,
    coalesce(sum(m.gross - m.entry_fee - m.exit_fee - m.funding), 0),
    count(*) FILTER (WHERE m.gross - m.entry_fee - m.exit_fee IS NULL)
FROM derived.lot_matches m
JOIN derived.books b USING (account_id, book_id)
WHERE m.account_id = ANY(%(accounts)s) AND b.currency = %(currency)s
  AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
  AND (%(exit_reason)s::text IS NULL OR m.exit_reason = %(exit_reason)s)
  AND (%(since)s::timestamptz IS NULL OR m.exit_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR m.exit_at < %(until)s)
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What was realised on a day in UTC, which ends at `at`, and where that leads."""

    day: str
    at: datetime
    net_pnl: Amount
    cumulative: Amount
    drawdown: Amount  # zero or negative: below the highest point so far
    unvalued: int


async def daily(
    conn: Connection, accounts: list[int], query: Query, *, currency: str
) -> tuple[Day, ...]:
    """Every day from the first match to the last."""
    found = await conn.execute(
        DAILY,
        {
            "accounts": accounts,
            "currency": currency,
            "bot": query.bot,
            "symbol": query.symbol,
            "exit_reason": query.exit_reason,
            "since": query.since,
            "until": query.until,
        },
    )
    return curve(await found.fetchall())


def curve(days: Iterable[tuple[date, Decimal, int]]) -> tuple[Day, ...]:
    """The running sum from zero, and how far below its highest point each day ends."""
    known = {day: (net, unvalued) for day, net, unvalued in days}
    if not known:
        return ()
    first, last = min(known), max(known)
    total = highest = Decimal(0)
    laid = []
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        net, unvalued = known.get(date.fromordinal(ordinal), (Decimal(0), 0))
        total = EXACT.add(total, net)
        highest = max(highest, total)
        drawdown = EXACT.subtract(total, highest)
        day = date.fromordinal(ordinal).isoformat()
        laid.append(Day(day, _end_of(ordinal), net, total, drawdown, unvalued))
    return tuple(laid)


def _end_of(ordinal: int) -> datetime:
    """Midnight UTC at which that day ends."""
    next_day = date.fromordinal(ordinal + 1)
    return datetime(next_day.year, next_day.month, next_day.day, tzinfo=UTC)
