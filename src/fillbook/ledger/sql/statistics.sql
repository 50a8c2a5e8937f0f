-- name: grown
-- Tables that have grown by a multiple since their statistics were taken (a table that was never
-- measured says 0 pages).
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('facts', 'derived') AND c.relkind = 'r'
  AND pg_relation_size(c.oid) / current_setting('block_size')::int
      > greatest(%(pages_min)s, c.relpages * %(growth)s);

-- name: silent
-- Tables whose statistics list every account they saw, and this one not; and how many rows of it
-- such a table must hold before a sample is sure to find it.
SELECT s.schemaname, s.tablename,
    greatest(%(rows_max)s, (c.reltuples / %(sample_share)s)::bigint)
FROM pg_stats s
JOIN pg_namespace n ON n.nspname = s.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
WHERE (s.schemaname || '.' || s.tablename) = ANY(%(tables)s) AND s.attname = 'account_id'
  AND s.n_distinct BETWEEN 1 AND array_length(s.most_common_vals::text::text[], 1)
  AND NOT %(account_id)s::text = ANY(s.most_common_vals::text::text[]);
