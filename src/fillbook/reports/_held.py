"""What does each book hold, now or at any past instant?

How it is found is said in `_standing`. Realised profit is what the book's matches came to until
that instant, over those with a known figure: the last match of each stretch says it, and how many
have none.

A leg whose opening balance is not known has no books, and one without a fill since a gap has none
that count: it is named, with an unknown quantity.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._report import Amount, Query
from fillbook.reports._standing import BOOKS, LOTS, MARKS

UNKNOWN = "unknown"

HELD: LiteralString = (
    """
SELECT
    a.name AS account, a.venue AS exchange, b.category, b.symbol, b.leg, b.owner AS bot_id,
    CASE WHEN held.qty > 0 THEN 'Buy' ELSE 'Sell' END AS side,
    abs(held.qty) AS quantity,
    trim_scale(CASE
        WHEN lots.qty IS DISTINCT FROM abs(held.qty) THEN NULL
        WHEN b.kind = 'inverse' THEN lots.qty * b.multiplier / nullif(lots.cost, 0)
        ELSE lots.cost / lots.qty / b.multiplier END) AS avg_entry_price,
    CASE WHEN lots.qty = abs(held.qty) THEN lots.cost END AS cost,
    CASE
        WHEN lots.qty IS DISTINCT FROM abs(held.qty) OR %(as_of)s::timestamptz IS NOT NULL THEN NULL
        WHEN b.kind = 'inverse'
            THEN held.side * (lots.cost - lots.qty * b.multiplier / nullif(k.mark_price, 0))
        ELSE held.side * (k.mark_price * lots.qty * b.multiplier - lots.cost)
    END AS unrealized_pnl,
    CASE WHEN %(as_of)s::timestamptz IS NULL THEN k.mark_price END AS mark_price,
    CASE WHEN %(as_of)s::timestamptz IS NULL THEN k.observed_at END AS mark_at,
    lots.opened_at, held.updated_at, b.currency, st.opening_evidence, laid.until AS proven_until,
    earned.realized_pnl,
    NOT laid.proven @> held.updated_at AS is_provisional, b.kind, earned.unvalued
FROM"""  # noqa: S608 - literals only
    + BOOKS
    + """
CROSS JOIN LATERAL (
    SELECT sum(o.qty) AS qty, CASE WHEN bool_and(o.cost IS NOT NULL) THEN sum(o.cost) END AS cost,
           min(o.executed_at) AS opened_at
    FROM ("""
    + LOTS
    + """) AS o
) AS lots
CROSS JOIN LATERAL (
    SELECT coalesce(sum(last.realized), 0) AS realized_pnl,
           coalesce(sum(last.unvalued), 0)::bigint AS unvalued
    FROM (
        SELECT s.started_at, lead(s.started_at, 1, 'infinity') OVER (ORDER BY s.started_at) AS until
        FROM derived.stretches s
        WHERE s.account_id = b.account_id AND s.category = b.category AND s.symbol = b.symbol
          AND s.leg = b.leg AND s.started_at <= %(at)s) AS s
    CROSS JOIN LATERAL (
        SELECT m.realized, m.unvalued FROM derived.lot_matches m
        WHERE m.account_id = b.account_id AND m.book_id = b.book_id AND m.stretch = s.started_at
          AND m.exit_at >= s.started_at AND m.exit_at < s.until AND m.exit_at <= %(at)s
        ORDER BY m.exit_at DESC, m.unit_start DESC LIMIT 1) AS last
) AS earned
LEFT JOIN LATERAL (
    SELECT t.proven, (
        SELECT least(upper(p.piece), %(at)s) FROM unnest(t.proven) AS p (piece)
        WHERE p.piece @> st.started_at) AS until
    FROM derived.laid_time t
    WHERE t.account_id = b.account_id AND t.category = b.category) AS laid ON true
"""
    + MARKS
    + """
WHERE b.account_id = ANY(%(accounts)s) AND held.qty <> 0 AND st.opening_evidence <> 'unknown'
  AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
ORDER BY account, b.symbol, b.category, b.leg, b.owner
LIMIT %(limit)s
"""
)

UNKNOWN_LEGS: LiteralString = """
WITH begun AS MATERIALIZED (
    SELECT t.account_id, t.category, max(lower(p.piece)) AS started_at
    FROM derived.laid_time t
    CROSS JOIN LATERAL unnest(t.pieces) AS p (piece)
    WHERE t.account_id = ANY(%(accounts)s) AND lower(p.piece) <= %(at)s
    GROUP BY t.account_id, t.category
),
legs AS (
    SELECT DISTINCT s.account_id, s.category, s.symbol, s.leg
    FROM derived.stretches s
    WHERE s.account_id = ANY(%(accounts)s) AND s.started_at <= %(at)s
      AND (%(symbol)s::text IS NULL OR s.symbol = %(symbol)s)
)
SELECT a.name, a.venue, l.category, l.symbol, l.leg
FROM legs l
JOIN ops.accounts a USING (account_id)
WHERE NOT EXISTS (
    SELECT FROM begun
    JOIN derived.stretches s USING (account_id, category, started_at)
    WHERE s.account_id = l.account_id AND s.category = l.category AND s.symbol = l.symbol
      AND s.leg = l.leg AND s.opening_evidence <> 'unknown')
ORDER BY a.name, l.symbol, l.category, l.leg
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
    realized_pnl: Amount | None  # of what is known
    is_provisional: bool | None  # its newest fill was heard live, and is not proven yet
    kind: str | None
    unvalued: int | None  # matches without a known net, which `realized_pnl` leaves out


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
        realized_pnl=None,
        is_provisional=None,
        kind=None,
        unvalued=None,
    )
