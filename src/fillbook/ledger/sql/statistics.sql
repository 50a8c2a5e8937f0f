-- name: misjudged
-- Tables that have grown by a multiple since their statistics were taken (a table that was never
-- measured says 0 pages), and tables in which an account has many rows that the statistics, which
-- list every account they saw, know nothing of: so many that a sample must find it.
WITH grown AS (
    SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('facts', 'derived') AND c.relkind = 'r'
      AND pg_relation_size(c.oid) / current_setting('block_size')::int
          > greatest(%(pages_min)s, c.relpages * %(growth)s)
),
unknown AS (
    SELECT s.schemaname, s.tablename,
        greatest(%(rows_max)s, (c.reltuples / %(sample_share)s)::bigint) AS rows_max
    FROM pg_stats s
    JOIN pg_namespace n ON n.nspname = s.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
    WHERE s.schemaname IN ('facts', 'derived') AND s.attname = 'account_id'
      AND s.n_distinct BETWEEN 1 AND array_length(s.most_common_vals::text::text[], 1)
      AND NOT %(account_id)s::text = ANY(s.most_common_vals::text::text[])
)
SELECT nspname, relname FROM grown
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('facts', 'raw_records')
  AND EXISTS (SELECT 1 FROM facts.raw_records WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('facts', 'executions')
  AND EXISTS (SELECT 1 FROM facts.executions WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('facts', 'cash_flows')
  AND EXISTS (SELECT 1 FROM facts.cash_flows WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('facts', 'orders')
  AND EXISTS (SELECT 1 FROM facts.orders WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('facts', 'log_entries')
  AND EXISTS (SELECT 1 FROM facts.log_entries WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('derived', 'lines')
  AND EXISTS (SELECT 1 FROM derived.lines WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('derived', 'lot_matches')
  AND EXISTS (SELECT 1 FROM derived.lot_matches WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('derived', 'completed_trades')
  AND EXISTS (SELECT 1 FROM derived.completed_trades WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1)
UNION
SELECT schemaname, tablename FROM unknown
WHERE (schemaname, tablename) = ('derived', 'round_trips')
  AND EXISTS (SELECT 1 FROM derived.round_trips WHERE account_id = %(account_id)s OFFSET rows_max LIMIT 1);
