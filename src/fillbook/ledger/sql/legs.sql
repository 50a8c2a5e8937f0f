-- name: is_hedged
-- Whether any order of the account is on a long or a short leg.
SELECT EXISTS (
    SELECT 1 FROM facts.orders
    WHERE account_id = %(account_id)s AND leg IN ('long', 'short'));

-- name: legs_of_orders
-- The legs that orders are on, where the venue says so.
SELECT o.order_key, o.leg
FROM unnest(%(keys)s::uuid[]) AS asked (order_key)
CROSS JOIN LATERAL (
    SELECT order_key, leg FROM facts.orders
    WHERE account_id = %(account_id)s AND order_key = asked.order_key
    ORDER BY revision DESC LIMIT 1) AS o
WHERE o.leg IS NOT NULL;

-- name: legs_at
-- The leg of the last order that was made before an instant, or else of the first one after it.
SELECT asked.category, asked.symbol, asked.at, coalesce(before.leg, after.leg)
FROM unnest(%(categories)s::text[], %(symbols)s::text[], %(instants)s::timestamptz[])
    AS asked (category, symbol, at)
LEFT JOIN LATERAL (
    SELECT o.leg FROM facts.orders o
    WHERE o.account_id = %(account_id)s AND o.category = asked.category
      AND o.symbol = asked.symbol AND o.ordered_at <= asked.at AND o.leg IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM facts.orders later
        WHERE later.account_id = o.account_id AND later.order_key = o.order_key
          AND later.revision > 0 AND later.revision > o.revision)
    ORDER BY o.ordered_at DESC, o.order_key DESC LIMIT 1) AS before ON true
LEFT JOIN LATERAL (
    SELECT o.leg FROM facts.orders o
    WHERE before.leg IS NULL
      AND o.account_id = %(account_id)s AND o.category = asked.category
      AND o.symbol = asked.symbol AND o.ordered_at > asked.at AND o.leg IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM facts.orders later
        WHERE later.account_id = o.account_id AND later.order_key = o.order_key
          AND later.revision > 0 AND later.revision > o.revision)
    ORDER BY o.ordered_at, o.order_key LIMIT 1) AS after ON true
WHERE coalesce(before.leg, after.leg) IS NOT NULL;

-- name: may_move
-- The rows of some orders, and the rows from the first of some instants to the next order after the
-- last of them; where no order was made before, the rows before as well.
WITH spans AS (
    SELECT asked.category, asked.symbol,
        CASE WHEN EXISTS (
            SELECT 1 FROM facts.orders o
            WHERE o.account_id = %(account_id)s AND o.category = asked.category
              AND o.symbol = asked.symbol AND o.ordered_at < min(asked.at) AND o.leg IS NOT NULL)
            THEN min(asked.at) ELSE '-infinity' END AS starts_at,
        coalesce((
            SELECT o.ordered_at FROM facts.orders o
            WHERE o.account_id = %(account_id)s AND o.category = asked.category
              AND o.symbol = asked.symbol AND o.ordered_at > max(asked.at) AND o.leg IS NOT NULL
            ORDER BY o.ordered_at LIMIT 1), 'infinity') AS ends_at
    FROM unnest(%(categories)s::text[], %(symbols)s::text[], %(instants)s::timestamptz[])
        AS asked (category, symbol, at)
    GROUP BY asked.category, asked.symbol
)
SELECT e.execution_key
FROM unnest(%(order_categories)s::text[], %(order_symbols)s::text[], %(order_ids)s::text[])
    AS told (category, symbol, order_id)
CROSS JOIN LATERAL (
    SELECT execution_key FROM facts.executions
    WHERE account_id = %(account_id)s AND order_id = told.order_id AND category = told.category
      AND symbol = told.symbol OFFSET 0) AS e
UNION
SELECT e.execution_key FROM spans s
CROSS JOIN LATERAL (
    SELECT execution_key FROM facts.executions
    WHERE account_id = %(account_id)s AND category = s.category AND symbol = s.symbol
      AND executed_at >= s.starts_at AND executed_at <= s.ends_at
    ORDER BY executed_at OFFSET 0) AS e
UNION
SELECT c.cash_key FROM spans s
CROSS JOIN LATERAL (
    SELECT cash_key FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND category = s.category AND symbol = s.symbol
      AND occurred_at >= s.starts_at AND occurred_at <= s.ends_at
    ORDER BY occurred_at OFFSET 0) AS c;

-- name: told_records
-- The raw records that the last readings of some rows came from, in order of the chain.
SELECT last.key, r.stream, r.content_key, r.codec, r.body
FROM unnest(%(keys)s::uuid[]) AS asked (key)
CROSS JOIN LATERAL (
    SELECT told.key, told.chain_seq FROM (
        (SELECT execution_key AS key, revision, chain_seq FROM facts.executions
         WHERE account_id = %(account_id)s AND execution_key = asked.key
           AND revision_reason IN ('first', 'completion', 'revision')
         ORDER BY revision DESC LIMIT 1)
        UNION ALL
        (SELECT cash_key, revision, chain_seq FROM facts.cash_flows
         WHERE account_id = %(account_id)s AND cash_key = asked.key
           AND revision_reason IN ('first', 'completion', 'revision')
         ORDER BY revision DESC LIMIT 1)
    ) AS told
    ORDER BY told.revision DESC LIMIT 1
) AS last
JOIN facts.raw_records r ON r.account_id = %(account_id)s AND r.chain_seq = last.chain_seq
ORDER BY r.chain_seq;
