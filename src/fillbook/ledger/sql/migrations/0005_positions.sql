-- What is held now, per book, from the last units laid. As-of answers come from the same two look-ups.
--
-- Only a stretch that begins with the last proven interval says what is held now: beyond a gap, or
-- behind an opening that is not known, quantity and side are NULL, which is not the same as flat.

CREATE OR REPLACE VIEW trading.positions AS
SELECT
    b.account_id,
    a.venue AS exchange,
    b.category,
    b.symbol,
    b.leg,
    b.owner AS bot_id,
    CASE WHEN held.qty > 0 THEN 'Buy' WHEN held.qty < 0 THEN 'Sell' WHEN held.qty = 0 THEN '' END
        AS side,
    abs(held.qty) AS quantity,
    lots.cost / nullif(lots.qty, 0) AS avg_entry_price,
    lots.cost,
    (SELECT sum(m.gross - m.entry_fee - m.exit_fee - m.funding) FROM derived.lot_matches m
     WHERE m.account_id = b.account_id AND m.book_id = b.book_id) AS realized_pnl,
    CASE WHEN lots.qty = abs(held.qty) THEN
        sign(held.qty) * (k.mark_price * lots.qty - lots.cost) END AS unrealized_pnl,
    k.mark_price,
    k.observed_at AS mark_time,
    lots.opened_at,
    held.updated_at
FROM derived.books b
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT max(s.started_at) AS started_at FROM derived.stretches s
    WHERE s.account_id = b.account_id AND s.category = b.category AND s.symbol = b.symbol
      AND s.leg = b.leg AND s.opening_evidence <> 'unknown'
      AND s.started_at = (
        SELECT max(lower(proven.piece))
        FROM derived.coverage c CROSS JOIN LATERAL unnest(c.read) AS proven (piece)
        WHERE c.account_id = b.account_id AND c.stream = 'executions' AND c.scope = b.category)
) AS st
CROSS JOIN LATERAL (
    SELECT ends.bought, ends.sold,
           CASE WHEN st.started_at IS NOT NULL THEN ends.bought - ends.sold END AS qty,
           greatest(ends.bought_at, ends.sold_at) AS updated_at
    FROM (
        SELECT coalesce(max(l.unit_end) FILTER (WHERE l.side = 1), 0) AS bought,
               coalesce(max(l.unit_end) FILTER (WHERE l.side = -1), 0) AS sold,
               max(l.executed_at) FILTER (WHERE l.side = 1) AS bought_at,
               max(l.executed_at) FILTER (WHERE l.side = -1) AS sold_at
        FROM (VALUES (1), (-1)) AS sides (side)
        CROSS JOIN LATERAL (
            SELECT last.side, last.unit_end, last.executed_at FROM derived.lines last
            WHERE last.account_id = b.account_id AND last.book_id = b.book_id
              AND last.stretch = st.started_at AND last.side = sides.side
            ORDER BY last.unit_end DESC LIMIT 1) AS l
    ) AS ends
) AS held
LEFT JOIN LATERAL (
    SELECT sum(l.unit_end - greatest(l.unit_start, least(held.bought, held.sold))) AS qty,
           CASE WHEN bool_and(l.price IS NOT NULL) THEN
             sum((l.unit_end - greatest(l.unit_start, least(held.bought, held.sold))) * l.price)
           END AS cost,
           min(l.executed_at) AS opened_at
    FROM derived.lines l
    WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = st.started_at
      AND l.side = sign(held.qty) AND l.unit_end > least(held.bought, held.sold)
) AS lots ON true
LEFT JOIN ops.marks k
  ON k.venue = a.venue AND k.environment = a.environment
 AND k.category = b.category AND k.symbol = b.symbol;
