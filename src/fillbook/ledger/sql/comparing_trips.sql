-- name: leg_fills
-- The fills of some legs, each since an instant, oldest first: what each did to the leg, what was
-- received for it, and its fee where that is in the coin that settles.
SELECT b.category, b.symbol, b.leg, l.executed_at, x.order_id,
    sum(l.side * (l.unit_end - l.unit_start)) AS signed,
    CASE WHEN min(b.kind) = 'inverse' THEN sum(l.side * (l.unit_end - l.unit_start)) * x.value / x.qty
        ELSE -sum(l.side * (l.unit_end - l.unit_start)) * x.price * min(b.multiplier) END,
    CASE WHEN x.fee = 0 THEN 0 WHEN x.fee_currency = x.currency THEN
        x.fee * sum(l.unit_end - l.unit_start) / x.qty END,
    min(b.currency), min(b.kind)
FROM unnest(%(categories)s::text[], %(symbols)s::text[], %(legs)s::text[], %(since)s::timestamptz[])
    AS asked (category, symbol, leg, since)
JOIN derived.books b
  ON b.account_id = %(account_id)s AND b.category = asked.category AND b.symbol = asked.symbol
 AND b.leg = asked.leg
CROSS JOIN (VALUES (1::smallint), ((-1)::smallint)) AS sides (side)
CROSS JOIN LATERAL (
    SELECT * FROM derived.lines
    WHERE account_id = %(account_id)s AND book_id = b.book_id AND side = sides.side
      AND executed_at >= asked.since AND execution_key IS NOT NULL
    ORDER BY executed_at OFFSET 0) AS l
CROSS JOIN LATERAL (
    SELECT order_id, price, value, qty, fee, fee_currency, currency FROM facts.executions
    WHERE account_id = %(account_id)s AND execution_key = l.execution_key
    ORDER BY revision DESC LIMIT 1) AS x
WHERE x.qty <> 0
GROUP BY b.category, b.symbol, b.leg, l.execution_key, l.executed_at, l.rank, x.order_id, x.price,
    x.value, x.qty, x.fee, x.fee_currency, x.currency
ORDER BY b.category, b.symbol, b.leg, l.executed_at, l.rank;

-- name: counted
-- What the venue counts for the closing orders of those legs: a sale closes a long.
SELECT asked.category, asked.symbol, asked.leg, c.closed_at, c.order_id, c.pnl,
    c.open_fee + c.close_fee, c.exec_type = 'SessionSettlePnL'
FROM unnest(%(categories)s::text[], %(symbols)s::text[], %(legs)s::text[], %(since)s::timestamptz[])
    AS asked (category, symbol, leg, since)
CROSS JOIN LATERAL (
    SELECT * FROM facts.current_closed_pnl
    WHERE account_id = %(account_id)s AND closed_at >= asked.since AND symbol = asked.symbol
      AND category = asked.category
    ORDER BY closed_at OFFSET 0) AS c
WHERE (asked.leg = 'net' OR c.side = CASE asked.leg WHEN 'long' THEN 'Sell' ELSE 'Buy' END)
  AND (c.order_id = '' OR NOT EXISTS (
    SELECT 1 FROM facts.current_closed_pnl later
    WHERE later.account_id = %(account_id)s AND later.order_id = c.order_id
      AND later.category = c.category AND later.symbol = c.symbol
      AND later.closed_at > c.closed_at));
