"""What does each book hold, now or at any past instant?

A position is what was bought less what was sold: the last unit laid on either line at that instant,
found by two look-ups. Its open lots are the leading side's units beyond the trailing side's end.
Neither reads the history before them.

A leg whose opening balance is not known has no books: it is named, with an unknown quantity.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._report import Amount, Query

UNKNOWN = "unknown"

# LATERAL with LIMIT or OFFSET 0 keeps the look-ups by key when there are no statistics yet.
HELD: LiteralString = """
SELECT
    a.name AS account, a.venue AS exchange, b.category, b.symbol, b.leg, b.owner AS bot_id,
    CASE WHEN held.qty > 0 THEN 'Buy' ELSE 'Sell' END AS side,
    abs(held.qty) AS quantity,
    CASE WHEN lots.qty = abs(held.qty) THEN trim_scale(lots.cost / lots.qty) END AS avg_entry_price,
    CASE WHEN lots.qty = abs(held.qty) THEN lots.cost END AS cost,
    CASE WHEN lots.qty = abs(held.qty) AND %(as_of)s::timestamptz IS NULL
        THEN sign(held.qty) * (k.mark_price * lots.qty - lots.cost) END AS unrealized_pnl,
    CASE WHEN %(as_of)s::timestamptz IS NULL THEN k.mark_price END AS mark_price,
    CASE WHEN %(as_of)s::timestamptz IS NULL THEN k.observed_at END AS mark_at,
    lots.opened_at, held.updated_at, b.currency, st.opening_evidence, proven.until AS proven_until
FROM derived.books b
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT s.started_at, s.opening_evidence FROM derived.stretches s
    WHERE s.account_id = b.account_id AND s.category = b.category AND s.symbol = b.symbol
      AND s.leg = b.leg AND s.started_at <= %(at)s
    ORDER BY s.started_at DESC LIMIT 1) AS st
CROSS JOIN LATERAL (
    SELECT ends.bought, ends.sold, ends.bought - ends.sold AS qty,
           least(ends.bought, ends.sold) AS matched, ends.updated_at
    FROM (
        SELECT coalesce(max(l.unit_end) FILTER (WHERE l.side = 1), 0) AS bought,
               coalesce(max(l.unit_end) FILTER (WHERE l.side = -1), 0) AS sold,
               max(l.executed_at) AS updated_at
        FROM (VALUES (1::smallint), ((-1)::smallint)) AS sides (side)
        CROSS JOIN LATERAL (
            SELECT last.side, last.unit_end, last.executed_at FROM derived.lines last
            WHERE last.account_id = b.account_id AND last.book_id = b.book_id
              AND last.side = sides.side AND last.executed_at <= %(at)s
              AND last.executed_at >= st.started_at AND last.stretch = st.started_at
            ORDER BY last.executed_at DESC, last.unit_end DESC LIMIT 1) AS l
    ) AS ends
) AS held
CROSS JOIN LATERAL (
    SELECT sum(lot.qty) AS qty,
           CASE WHEN bool_and(lot.price IS NOT NULL) THEN sum(lot.qty * lot.price) END AS cost,
           min(lot.executed_at) AS opened_at
    FROM (
        SELECT l.unit_end - greatest(l.unit_start, held.matched) AS qty, l.price, l.executed_at
        FROM derived.lines l
        WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = st.started_at
          AND l.side = sign(held.qty)::smallint AND l.unit_end > held.matched
          AND l.unit_end <= greatest(held.bought, held.sold) OFFSET 0) AS lot
) AS lots
LEFT JOIN LATERAL (
    SELECT least(upper(p.piece), %(at)s) AS until
    FROM derived.coverage c CROSS JOIN LATERAL unnest(c.read) AS p (piece)
    WHERE c.account_id = b.account_id AND c.stream = 'executions' AND c.scope = b.category
      AND p.piece @> st.started_at) AS proven ON true
LEFT JOIN ops.marks k
  ON k.venue = a.venue AND k.environment = a.environment
 AND k.category = b.category AND k.symbol = b.symbol
WHERE b.account_id = ANY(%(accounts)s) AND held.qty <> 0 AND st.opening_evidence <> 'unknown'
  AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
ORDER BY account, b.symbol, b.category, b.leg, b.owner
LIMIT %(limit)s
"""

UNKNOWN_LEGS: LiteralString = """
SELECT a.name, a.venue, st.category, st.symbol, st.leg
FROM (
    SELECT DISTINCT ON (s.account_id, s.category, s.symbol, s.leg)
        s.account_id, s.category, s.symbol, s.leg, s.opening_evidence
    FROM derived.stretches s
    WHERE s.account_id = ANY(%(accounts)s) AND s.started_at <= %(at)s
      AND (%(symbol)s::text IS NULL OR s.symbol = %(symbol)s)
    ORDER BY s.account_id, s.category, s.symbol, s.leg, s.started_at DESC
) AS st
JOIN ops.accounts a USING (account_id)
WHERE st.opening_evidence = 'unknown'
ORDER BY a.name, st.symbol, st.category, st.leg
LIMIT %(limit)s
"""

BOOKS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Position:
    """What one book holds."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str | None
    side: (
        str  # Buy is long, Sell is short; unknown: what was held before proven history is not known
    )
    quantity: Amount | None
    avg_entry_price: Amount | None
    cost: Amount | None
    unrealized_pnl: Amount | None
    mark_price: Amount | None
    mark_at: datetime | None
    opened_at: datetime | None
    updated_at: datetime | None
    currency: str | None
    opening_evidence: str
    proven_until: datetime | None


async def held(
    conn: Connection, accounts: list[int], query: Query, *, now: datetime
) -> tuple[Position, ...]:
    """What the books hold at the query's instant; unknown legs come last."""
    words = {
        "accounts": accounts,
        "as_of": query.as_of,
        "at": query.as_of or now,
        "bot": query.bot,
        "symbol": query.symbol,
        "limit": BOOKS_MAX,
    }
    known = await (await conn.execute(HELD, words)).fetchall()
    positions = [Position(*row) for row in known]
    legs = await (await conn.execute(UNKNOWN_LEGS, words)).fetchall()
    return (*positions, *(_unknown(leg) for leg in legs))


def _unknown(leg: tuple[str, ...]) -> Position:
    account, exchange, category, symbol, name = leg
    return Position(
        account=account,
        exchange=exchange,
        category=category,
        symbol=symbol,
        leg=name,
        bot_id=None,
        side=UNKNOWN,
        quantity=None,
        avg_entry_price=None,
        cost=None,
        unrealized_pnl=None,
        mark_price=None,
        mark_at=None,
        opened_at=None,
        updated_at=None,
        currency=None,
        opening_evidence=UNKNOWN,
        proven_until=None,
    )
