-- name: filled_orders
-- Orders of some pieces of time, and those that are asked for by name: what their fills add up to,
-- and the order's own row as it was told last.
WITH pieces AS (
    SELECT w.category, p.piece
    FROM unnest(%(categories)s::text[], %(pieces)s::tstzmultirange[]) AS w (category, pieces)
    CROSS JOIN LATERAL unnest(w.pieces) AS p (piece)
),
named AS MATERIALIZED (
    SELECT e.category, e.symbol, e.order_id FROM pieces p
    CROSS JOIN LATERAL (
        SELECT category, symbol, order_id FROM facts.executions
        WHERE account_id = %(account_id)s AND category = p.category
          AND executed_at >= lower(p.piece) AND executed_at < upper(p.piece) AND order_id <> ''
        ORDER BY executed_at OFFSET 0) AS e
    UNION
    SELECT o.category, o.symbol, o.order_id FROM pieces p
    CROSS JOIN LATERAL (
        SELECT category, symbol, order_id FROM facts.orders
        WHERE account_id = %(account_id)s AND category = p.category
          AND ordered_at >= lower(p.piece) AND ordered_at < upper(p.piece)) AS o
    UNION
    SELECT * FROM unnest(%(asked_categories)s::text[], %(asked_symbols)s::text[],
        %(asked_orders)s::text[])
)
SELECT n.category, n.symbol, n.order_id, o.ordered_at, f.qty, f.first_at, f.last_at, r.codec, r.body
FROM named n
CROSS JOIN LATERAL (
    SELECT order_key, ordered_at FROM facts.orders
    WHERE account_id = %(account_id)s AND order_id = n.order_id AND category = n.category
      AND symbol = n.symbol
    ORDER BY revision DESC LIMIT 1) AS o
CROSS JOIN LATERAL (
    SELECT codec, body FROM facts.raw_records
    WHERE account_id = %(account_id)s AND record_key = o.order_key AND stream = 'orders'
    ORDER BY record_key, stream, chain_seq DESC LIMIT 1) AS r
CROSS JOIN LATERAL (
    SELECT coalesce(sum(qty), 0) AS qty, min(executed_at) AS first_at, max(executed_at) AS last_at
    FROM facts.current_executions
    WHERE account_id = %(account_id)s AND order_id = n.order_id AND category = n.category
      AND symbol = n.symbol) AS f;
