-- name: without_order
-- Orders that executions name, that no list told and nobody asked for, newest first. Counting over a
-- LIMIT keeps the look-ups by id.
SELECT named.order_id
FROM (
    SELECT order_id, max(executed_at) AS executed_at FROM facts.executions
    WHERE account_id = %(account_id)s AND category = %(category)s AND executed_at >= %(since)s
      AND order_id <> '' AND NOT exec_type = ANY(%(orderless)s)
    GROUP BY order_id) AS named
CROSS JOIN LATERAL (
    SELECT count(*) AS times FROM (
        SELECT 1 FROM facts.orders
        WHERE account_id = %(account_id)s AND order_id = named.order_id
          AND category = %(category)s LIMIT 1) AS one) AS told
CROSS JOIN LATERAL (
    SELECT count(*) AS times FROM ops.orders_asked
    WHERE told.times = 0 AND account_id = %(account_id)s AND category = %(category)s
      AND order_id = named.order_id) AS asked
WHERE told.times = 0 AND asked.times = 0
ORDER BY named.executed_at DESC, named.order_id
LIMIT %(limit)s;

-- name: note_asked
INSERT INTO ops.orders_asked (account_id, category, order_id, asked_at)
SELECT %(account_id)s, %(category)s, order_id, %(now)s
FROM unnest(%(order_ids)s::text[]) AS asked (order_id)
ON CONFLICT DO NOTHING;

-- name: symbols
-- From each symbol to the next one in the index: a log has many lines and few symbols.
WITH RECURSIVE named AS (
    (SELECT symbol FROM facts.log_entries
     WHERE account_id = %(account_id)s AND category = %(category)s AND symbol > ''
     ORDER BY symbol LIMIT 1)
    UNION ALL
    SELECT later.symbol FROM named
    CROSS JOIN LATERAL (
        SELECT symbol FROM facts.log_entries
        WHERE account_id = %(account_id)s AND category = %(category)s AND symbol > named.symbol
        ORDER BY symbol LIMIT 1) AS later
)
SELECT symbol FROM named;
