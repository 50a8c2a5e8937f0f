"""The SQL of what books hold at an instant: two look-ups for each book, and its open lots.

A position is what was bought less what was sold: the last unit laid on either line at that instant.
Its open lots are the leading side's units beyond the trailing side's end. Neither reads the history
before them. Only a stretch that begins with the last laid piece of time that has begun at that
instant says so: beyond a gap nobody knows what was held, until a fill says it.

LATERAL with LIMIT or OFFSET 0 keeps the look-ups by key when there are no statistics yet.
"""

from typing import LiteralString

# b: the book; a: its account; st: the stretch that the instant lies in; held: what is held then.
BOOKS: LiteralString = """
derived.books b
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT s.started_at, s.opening_evidence
    FROM derived.laid_time t
    JOIN derived.stretches s ON s.account_id = b.account_id AND s.category = b.category
      AND s.symbol = b.symbol AND s.leg = b.leg
      AND s.started_at = (SELECT max(lower(p.piece)) FROM unnest(t.pieces) AS p (piece)
                          WHERE lower(p.piece) <= %(at)s)
    WHERE t.account_id = b.account_id AND t.category = b.category) AS st
CROSS JOIN LATERAL (
    SELECT ends.bought, ends.sold, ends.bought - ends.sold AS qty,
           sign(ends.bought - ends.sold)::smallint AS side,
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
"""

# Each open lot of a book: its units, and what they cost. An inverse contract's lot bears its part
# of the value that was printed for the whole execution.
LOTS: LiteralString = """
    SELECT lot.*,
        CASE WHEN b.kind = 'inverse'
            THEN derived.borne(lot.value, lot.reached, lot.execution_qty)
               - derived.borne(lot.value, lot.reached - lot.qty, lot.execution_qty)
            ELSE lot.qty * lot.price * b.multiplier END AS cost,
        derived.borne(lot.fee, lot.reached, lot.execution_qty)
            - derived.borne(lot.fee, lot.reached - lot.qty, lot.execution_qty) AS commission
    FROM (
        SELECT l.unit_end - greatest(l.unit_start, held.matched) AS qty, l.price, l.value, l.fee,
            l.share_start + l.unit_end - l.unit_start AS reached, l.execution_qty, l.executed_at,
            l.execution_key, l.unit_end, l.reason, l.evidence, l.owner_evidence
        FROM derived.lines l
        WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = st.started_at
          AND l.side = held.side AND l.unit_end > held.matched
          AND l.unit_end <= greatest(held.bought, held.sold) OFFSET 0) AS lot
"""

MARKS: LiteralString = """
LEFT JOIN ops.marks k
  ON k.venue = a.venue AND k.environment = a.environment
 AND k.category = b.category AND k.symbol = b.symbol
"""
