-- name: witnessed
-- The time in which each category is told by its list and by the account log.
SELECT category, pieces FROM derived.witnessed_time
WHERE account_id = %(account_id)s AND NOT isempty(pieces)
ORDER BY category;

-- name: keys_in_question
-- The executions that were told, or spoken of by the log, since a link of the chain; the disputes
-- around them; and those that share their id, because what one of them is answered by answers no
-- other.
WITH told AS (
    SELECT record_key, split_part(stream, '.', 1) AS stream FROM facts.raw_records
    WHERE account_id = %(account_id)s AND chain_seq > %(since)s
      AND split_part(stream, '.', 1) IN ('executions', 'account_log')
),
listed AS (
    SELECT e.category, e.symbol, e.execution_id, e.executed_at AS at FROM told t
    CROSS JOIN LATERAL (
        SELECT category, symbol, execution_id, executed_at FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = t.record_key
        ORDER BY revision OFFSET 0) AS e
    WHERE t.stream = 'executions'
),
paid AS (
    SELECT c.category, c.occurred_at AS at FROM told t
    CROSS JOIN LATERAL (
        SELECT category, occurred_at FROM facts.cash_flows
        WHERE account_id = %(account_id)s AND cash_key = t.record_key
        ORDER BY revision OFFSET 0) AS c
    WHERE t.stream = 'executions'
),
spoken_of AS (
    SELECT l.category, l.symbol, l.execution_id, l.occurred_at AS at, l.execution_key FROM told t
    CROSS JOIN LATERAL (
        SELECT category, symbol, execution_id, occurred_at, execution_key FROM facts.log_entries
        WHERE account_id = %(account_id)s AND entry_key = t.record_key
        ORDER BY revision OFFSET 0) AS l
    WHERE t.stream = 'account_log' AND l.execution_id <> ''
)
SELECT record_key FROM told WHERE stream = 'executions'
UNION
SELECT execution_key FROM spoken_of WHERE execution_key IS NOT NULL
UNION
SELECT d.execution_key FROM (
    SELECT category, at FROM listed
    UNION SELECT category, at FROM paid
    UNION SELECT category, at FROM spoken_of) AS t
CROSS JOIN LATERAL (
    SELECT execution_key FROM derived.disputes
    WHERE account_id = %(account_id)s AND category = t.category
      AND at >= t.at - %(apart)s::interval AND at <= t.at + %(apart)s::interval
    ORDER BY at OFFSET 0) AS d
UNION
SELECT e.execution_key FROM listed t
CROSS JOIN LATERAL (
    SELECT execution_key FROM facts.executions
    WHERE account_id = %(account_id)s AND category = t.category AND symbol = t.symbol
      AND executed_at >= t.at - 2 * %(apart)s::interval
      AND executed_at <= t.at + 2 * %(apart)s::interval AND execution_id = t.execution_id
    ORDER BY executed_at OFFSET 0) AS e
UNION
SELECT l.execution_key FROM spoken_of t
CROSS JOIN LATERAL (
    SELECT execution_key FROM facts.log_entries
    WHERE account_id = %(account_id)s AND occurred_at >= t.at - 2 * %(apart)s::interval
      AND occurred_at <= t.at + 2 * %(apart)s::interval AND category = t.category
      AND symbol = t.symbol AND execution_id = t.execution_id
    ORDER BY occurred_at OFFSET 0) AS l
WHERE l.execution_key IS NOT NULL;

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
-- Counting over a LIMIT keeps each look-up by key: the planner would hash whole tables instead.
--
-- Both lists name a fill by the same id; that they print the same side and order is documented
-- nowhere. So a line is answered by the execution of its key, or else by one of its id, within a
-- second, that no other line of its coin names by its key: both sides of a trade with oneself share
-- an id. The same goes the other way. That the log names a payment by the id that the list gives it
-- is not documented either, so any payment of the symbol at that instant will do. A line that
-- nothing answers, and whose row was listed and set aside, is missing in the readings only.
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
    SELECT l.category, l.occurred_at AS at, l.execution_key, l.entry_key, l.revision, l.kind,
        l.symbol, l.execution_id, l.currency
    FROM stretches s
    CROSS JOIN LATERAL (
        SELECT * FROM facts.log_entries
        WHERE account_id = %(account_id)s AND occurred_at >= s.starts_at
          AND occurred_at < s.ends_at AND category = s.category AND execution_key IS NOT NULL
          AND kind = ANY(%(kinds)s) AND chain_seq <= %(through)s
        ORDER BY occurred_at OFFSET 0) AS l
    UNION
    SELECT l.category, l.occurred_at, l.execution_key, l.entry_key, l.revision, l.kind,
        l.symbol, l.execution_id, l.currency
    FROM unnest(%(keys)s::uuid[]) AS asked (execution_key)
    CROSS JOIN LATERAL (
        SELECT * FROM facts.log_entries
        WHERE account_id = %(account_id)s AND execution_key = asked.execution_key
          AND kind = ANY(%(kinds)s) AND chain_seq <= %(through)s
        ORDER BY revision OFFSET 0) AS l
    JOIN witnessed w ON w.category = l.category AND w.piece @> l.occurred_at
),
listed AS (
    SELECT e.category, e.executed_at AS at, e.execution_key, e.revision, e.symbol, e.execution_id
    FROM stretches s
    CROSS JOIN LATERAL (
        SELECT * FROM facts.executions
        WHERE account_id = %(account_id)s AND category = s.category
          AND executed_at >= s.starts_at AND executed_at < s.ends_at
          AND revision_reason IN ('first', 'completion', 'revision')
          AND chain_seq <= %(through)s
        ORDER BY executed_at OFFSET 0) AS e
    UNION
    SELECT e.category, e.executed_at, e.execution_key, e.revision, e.symbol, e.execution_id
    FROM unnest(%(keys)s::uuid[]) AS asked (execution_key)
    CROSS JOIN LATERAL (
        SELECT * FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = asked.execution_key
          AND revision_reason IN ('first', 'completion', 'revision')
          AND chain_seq <= %(through)s
        ORDER BY revision OFFSET 0) AS e
    JOIN witnessed w ON w.category = e.category AND w.piece @> e.executed_at
)
SELECT DISTINCT %(account_id)s::bigint, l.category, l.at, l.execution_key,
    CASE WHEN (
        SELECT count(*) FROM (
            SELECT 1 FROM facts.raw_records r
            WHERE r.account_id = %(account_id)s AND r.record_key = l.execution_key
              AND split_part(r.stream, '.', 1) = 'executions' AND r.chain_seq <= %(through)s
              AND (SELECT count(*) FROM facts.quarantined q
                   WHERE q.account_id = %(account_id)s AND q.chain_seq = r.chain_seq) > 0
            ORDER BY r.stream, r.chain_seq LIMIT 1) AS one
    ) > 0 THEN 'readings' ELSE 'executions' END
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
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.executions e
        WHERE fill.known = 0 AND payment.known = 0 AND paid.known = 0
          AND e.account_id = %(account_id)s AND e.category = l.category AND e.symbol = l.symbol
          AND e.executed_at >= l.at - %(apart)s::interval
          AND e.executed_at <= l.at + %(apart)s::interval
          AND e.execution_id = l.execution_id AND e.chain_seq <= %(through)s
          AND (SELECT count(*) FROM (
                SELECT 1 FROM facts.log_entries other
                WHERE other.account_id = %(account_id)s AND other.execution_key = e.execution_key
                  AND other.entry_key <> l.entry_key AND other.currency = l.currency
                  AND other.occurred_at >= e.executed_at - %(apart)s::interval
                  AND other.occurred_at <= e.executed_at + %(apart)s::interval
                  AND other.chain_seq <= %(through)s
                ORDER BY other.revision LIMIT 1) AS one) = 0
        ORDER BY e.executed_at LIMIT 1) AS one) AS same_id
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.cash_flows
        WHERE fill.known = 0 AND payment.known = 0 AND paid.known = 0
          AND account_id = %(account_id)s AND category = l.category AND symbol = l.symbol
          AND occurred_at >= l.at - %(apart)s::interval
          AND occurred_at <= l.at + %(apart)s::interval
          AND flow_id = l.execution_id AND chain_seq <= %(through)s
        ORDER BY occurred_at LIMIT 1) AS one) AS same_flow
WHERE fill.known = 0 AND payment.known = 0 AND paid.known = 0 AND later.known = 0
  AND same_id.known = 0 AND same_flow.known = 0
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
CROSS JOIN LATERAL (
    SELECT count(*) AS known FROM (
        SELECT 1 FROM facts.log_entries l
        WHERE line.known = 0 AND l.account_id = %(account_id)s
          AND l.occurred_at >= e.at - %(apart)s::interval
          AND l.occurred_at <= e.at + %(apart)s::interval AND l.category = e.category
          AND l.symbol = e.symbol AND l.execution_id = e.execution_id
          AND l.chain_seq <= %(through)s
          AND (SELECT count(*) FROM (
                SELECT 1 FROM facts.executions other
                WHERE other.account_id = %(account_id)s AND other.execution_key = l.execution_key
                  AND other.execution_key <> e.execution_key
                  AND other.executed_at >= l.occurred_at - %(apart)s::interval
                  AND other.executed_at <= l.occurred_at + %(apart)s::interval
                  AND other.chain_seq <= %(through)s
                ORDER BY other.revision LIMIT 1) AS one) = 0
        ORDER BY l.occurred_at LIMIT 1) AS one) AS same_id
WHERE line.known = 0 AND later.known = 0 AND same_id.known = 0;

-- name: all_disputes
SELECT account_id, category, at, execution_key, missing_in FROM derived.disputes
WHERE account_id = %(account_id)s;
