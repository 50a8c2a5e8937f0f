-- name: plain_forms
-- How values are written as text, the same on every server.
SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
    set_config('IntervalStyle', 'postgres', true), set_config('extra_float_digits', '1', true),
    set_config('bytea_output', 'hex', true), set_config('synchronize_seqscans', 'off', true),
    set_config('statement_timeout', '0', true);

-- name: tables
-- Every table of ours and its columns; generated ones come back by themselves.
SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY n.nspname, c.relname
ORDER BY n.nspname, c.relname;

-- name: sequences
SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences
WHERE schemaname = ANY(%(schemas)s) AND last_value IS NOT NULL ORDER BY 1;

-- name: move_sequence
SELECT setval(%(name)s::regclass, %(last_value)s);

-- name: migrations
SELECT version, name, checksum FROM ops.schema_migrations ORDER BY version;

-- name: accounts_kept
SELECT a.account_id, a.name, a.venue, a.environment, a.venue_user_id,
    h.generation, h.chain_seq, encode(h.chain_hash, 'hex'), l.derivation_version
FROM ops.accounts a
LEFT JOIN ops.chain_heads h USING (account_id)
LEFT JOIN derived.laid l USING (account_id)
ORDER BY a.account_id;

-- name: keep_out
-- Whoever begins to fill this database waits, and then finds it filled.
LOCK TABLE ops.accounts IN ACCESS EXCLUSIVE MODE;

-- name: restores
-- What became of restores of that file: begun, and ended.
SELECT act FROM ops.audit WHERE act IN ('restore begun', 'restore') AND detail LIKE %(digest)s || '%%'
ORDER BY happened_at;

-- name: to_be_laid
-- Nobody may add to figures that are not there yet.
INSERT INTO derived.laid (account_id, derivation_version)
SELECT account_id, 0 FROM ops.accounts;

-- name: views
SELECT viewname FROM pg_views WHERE schemaname = 'trading' AND viewname = ANY(%(names)s);
