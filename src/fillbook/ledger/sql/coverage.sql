-- name: get_coverage
-- What is in dispute is not read: a witness tells of a fill there that is not listed. What was
-- listed and could not be read was read: asking for it again brings the same row.
SELECT c.read - n.disputed, c.settled - n.disputed, c.unavailable, n.disputed, n.unreadable
FROM derived.coverage c
JOIN derived.counted n USING (account_id, stream, scope)
WHERE account_id = %(account_id)s AND stream = %(stream)s AND scope = %(scope)s;

-- name: prove
-- Add a window; what is settled counts as read too. No later proof makes an earlier one worse, and a
-- stream that was merely heard proves nothing.
INSERT INTO derived.coverage AS known (account_id, stream, scope, read, settled, unavailable, live)
VALUES (%(account_id)s, %(stream)s, %(scope)s,
    CASE WHEN %(outcome)s IN ('read', 'settled')
        THEN tstzmultirange(tstzrange(%(starts_at)s, %(ends_at)s)) ELSE '{}'::tstzmultirange END,
    CASE WHEN %(outcome)s = 'settled'
        THEN tstzmultirange(tstzrange(%(starts_at)s, %(ends_at)s)) ELSE '{}'::tstzmultirange END,
    '{}',
    CASE WHEN %(outcome)s = 'live'
        THEN tstzmultirange(tstzrange(%(starts_at)s, %(ends_at)s)) ELSE '{}'::tstzmultirange END)
ON CONFLICT (account_id, stream, scope) DO UPDATE SET
    read = known.read + excluded.read,
    settled = known.settled + excluded.settled,
    live = known.live + excluded.live,
    unavailable = known.unavailable - excluded.read
RETURNING read;

-- name: name_unavailable
INSERT INTO derived.coverage AS known (account_id, stream, scope, read, settled, unavailable)
VALUES (%(account_id)s, %(stream)s, %(scope)s, '{}', '{}',
    tstzmultirange(tstzrange(%(starts_at)s, %(ends_at)s)))
ON CONFLICT (account_id, stream, scope) DO UPDATE SET
    unavailable = known.unavailable + (excluded.unavailable - known.read)
RETURNING read;

-- name: want
INSERT INTO ops.wanted AS known (account_id, stream, scope, ranges)
VALUES (%(account_id)s, %(stream)s, %(scope)s,
    tstzmultirange(tstzrange(%(starts_at)s, %(ends_at)s)))
ON CONFLICT (account_id, stream, scope) DO UPDATE SET ranges = known.ranges + excluded.ranges;

-- name: get_wanted
SELECT ranges FROM ops.wanted
WHERE account_id = %(account_id)s AND stream = %(stream)s AND scope = %(scope)s;

-- name: add_failure
INSERT INTO ops.window_failures AS known
    (account_id, stream, scope, starts_at, ends_at, reason, failed_at, run_id)
VALUES (%(account_id)s, %(stream)s, %(scope)s, %(starts_at)s, %(ends_at)s, %(reason)s,
    %(failed_at)s, %(run_id)s)
ON CONFLICT (account_id, stream, scope, starts_at, ends_at) DO UPDATE SET
    reason = excluded.reason, failed_at = excluded.failed_at, run_id = excluded.run_id;

-- name: clear_failures
-- A failure is forgotten once coverage holds all of its window that anybody wants: a window that was
-- read again may begin before that, and nobody would come back for the rest.
DELETE FROM ops.window_failures f
WHERE f.account_id = %(account_id)s AND f.stream = %(stream)s AND f.scope = %(scope)s
  AND %(read)s::tstzmultirange @> (
      tstzmultirange(tstzrange(f.starts_at, f.ends_at)) * coalesce(
          (SELECT w.ranges FROM ops.wanted w WHERE w.account_id = %(account_id)s
             AND w.stream = %(stream)s AND w.scope = %(scope)s),
          tstzmultirange(tstzrange(f.starts_at, f.ends_at))));

-- name: earliest_wanted
SELECT min(lower(ranges)) FROM ops.wanted WHERE account_id = %(account_id)s;

-- name: count_alarms
SELECT count(*) FROM derived.alarms
WHERE account_id = %(account_id)s AND kind = 'chain_break';
