-- name: witnessed
-- The time in which each category is told by its list and by the account log.
SELECT category, pieces FROM derived.witnessed_time
WHERE account_id = %(account_id)s AND NOT isempty(pieces)
ORDER BY category;

-- name: keys_in_question
-- The executions that were told, or spoken of by the log, since a link of the chain.
WITH told AS (
    SELECT record_key, split_part(stream, '.', 1) AS stream FROM facts.raw_records
    WHERE account_id = %(account_id)s AND chain_seq > %(since)s
      AND split_part(stream, '.', 1) IN ('executions', 'account_log')
)
SELECT record_key FROM told WHERE stream = 'executions'
UNION
SELECT l.execution_key FROM told t
CROSS JOIN LATERAL (
    SELECT execution_key FROM facts.log_entries
    WHERE account_id = %(account_id)s AND entry_key = t.record_key
    ORDER BY revision OFFSET 0) AS l
WHERE t.stream = 'account_log' AND l.execution_key IS NOT NULL
UNION
SELECT d.execution_key FROM told t
CROSS JOIN LATERAL (
    SELECT category, occurred_at FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND cash_key = t.record_key
    ORDER BY revision OFFSET 0) AS paid
JOIN derived.disputes d ON d.account_id = %(account_id)s AND d.category = paid.category
  AND d.at = paid.occurred_at
WHERE t.stream = 'executions';

-- name: in_order_of_index
-- Each look-up below is put in the order of the index that it means, and sorting is made dear: where
-- statistics know nothing of an account, the planner would take any other index.
SELECT set_config('enable_sort', 'off', true);

-- name: sorting_again
SELECT set_config('enable_sort', 'on', true);

-- name: drop_disputes
DELETE FROM derived.disputes
WHERE account_id = %(account_id)s AND execution_key = ANY(%(keys)s);

-- name: put_disputes
-- Followed by disputes_found.
INSERT INTO derived.disputes (account_id, category, at, execution_key, missing_in);

-- name: disputes_found
-- What one witness tells and the other leaves out: in some stretches of witnessed time, and of some
-- executions wherever they stand in it. What the venue told counts, whatever a person said of it.
-- Counting over a LIMIT keeps each look-up by key: the planner would hash whole tables instead. That
-- the log names a payment by the id that the list gives it is documented nowhere, so any payment of
-- the symbol at that instant will do.
WITH stretches AS (
    SELECT * FROM unnest(%(categories)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        AS s (category, starts_at, ends_at)
),
witnessed AS (
    SELECT w.category, p.piece FROM derived.witnessed_time w
    CROSS JOIN LATERAL unnest(w.pieces) AS p (piece)
    WHERE w.account_id = %(account_id)s
),
spoken_of AS (
    SELECT l.category, l.occurred_at AS at, l.execution_key, l.entry_key, l.revision, l.kind, l.symbol
    FROM stretches s
    CROSS JOIN LATERAL (
        SELECT * FROM facts.log_entries
        WHERE account_id = %(account_id)s AND occurred_at >= s.starts_at
          AND occurred_at < s.ends_at AND category = s.category AND execution_key IS NOT NULL
          AND kind = ANY(%(kinds)s) AND chain_seq <= %(through)s
        ORDER BY occurred_at OFFSET 0) AS l
    UNION
    SELECT l.category, l.occurred_at, l.execution_key, l.entry_key, l.revision, l.kind, l.symbol
    FROM unnest(%(keys)s::uuid[]) AS asked (execution_key)
    CROSS JOIN LATERAL (
        SELECT * FROM facts.log_entries
        WHERE account_id = %(account_id)s AND execution_key = asked.execution_key
          AND kind = ANY(%(kinds)s) AND chain_seq <= %(through)s
        ORDER BY revision OFFSET 0) AS l
    JOIN witnessed w ON w.category = l.category AND w.piece @> l.occurred_at
),
listed AS (
    SELECT e.category, e.executed_at AS at, e.execution_key, e.revision
    FROM stretches s
    CROSS JOIN LATERAL (
        SELECT * FROM facts.executions
        WHERE account_id = %(account_id)s AND category = s.category
          AND executed_at >= s.starts_at AND executed_at < s.ends_at
          AND revision_reason IN ('first', 'completion', 'revision')
          AND chain_seq <= %(through)s
        ORDER BY executed_at OFFSET 0) AS e
    UNION
    SELECT e.category, e.executed_at, e.execution_key, e.revision
    FROM unnest(%(keys)s::uuid[]) AS asked (execution_key)
    CROSS JOIN LATERAL (
        SELECT * FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = asked.execution_key
          AND revision_reason IN ('first', 'completion', 'revision')
          AND chain_seq <= %(through)s
        ORDER BY revision OFFSET 0) AS e
    JOIN witnessed w ON w.category = e.category AND w.piece @> e.executed_at
)
SELECT DISTINCT %(account_id)s::bigint, l.category, l.at, l.execution_key, 'executions'
FROM spoken_of l
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = l.execution_key
          AND chain_seq <= %(through)s
        ORDER BY revision LIMIT 1) AS one) AS fill
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.cash_flows
        WHERE fill.known = 0 AND account_id = %(account_id)s AND cash_key = l.execution_key
          AND chain_seq <= %(through)s
        ORDER BY revision LIMIT 1) AS one) AS payment
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.cash_flows
        WHERE l.kind = %(payments)s AND account_id = %(account_id)s AND category = l.category
          AND symbol = l.symbol AND occurred_at = l.at AND kind = 'funding'
          AND chain_seq <= %(through)s
        ORDER BY occurred_at LIMIT 1) AS one) AS paid
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.log_entries
        WHERE account_id = %(account_id)s AND entry_key = l.entry_key AND revision > 0
          AND revision > l.revision AND chain_seq <= %(through)s
        ORDER BY revision LIMIT 1) AS one) AS later
WHERE fill.known = 0 AND payment.known = 0 AND paid.known = 0 AND later.known = 0
UNION ALL
SELECT DISTINCT %(account_id)s::bigint, e.category, e.at, e.execution_key, 'account_log'
FROM listed e
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.log_entries
        WHERE account_id = %(account_id)s AND execution_key = e.execution_key
          AND chain_seq <= %(through)s
        ORDER BY revision LIMIT 1) AS one) AS line
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = e.execution_key AND revision > 0
          AND revision > e.revision AND revision_reason IN ('first', 'completion', 'revision')
          AND chain_seq <= %(through)s
        ORDER BY revision LIMIT 1) AS one) AS later
WHERE line.known = 0 AND later.known = 0;

-- name: all_disputes
SELECT account_id, category, at, execution_key, missing_in FROM derived.disputes
WHERE account_id = %(account_id)s;
