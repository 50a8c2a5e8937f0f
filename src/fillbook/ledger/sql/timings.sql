-- name: put_slowest
-- A window that a run read twice counts by the slower time.
INSERT INTO ops.window_timings AS t (account_id, run_id, stream, scope, starts_at, ends_at, pages,
    row_count, milliseconds, failed, noted_at)
VALUES (%(account_id)s, %(run_id)s, %(stream)s, %(scope)s, %(starts_at)s, %(ends_at)s, %(pages)s,
    %(row_count)s, %(milliseconds)s, %(failed)s, %(noted_at)s)
ON CONFLICT (account_id, run_id, stream, scope, starts_at) DO UPDATE SET
    ends_at = excluded.ends_at, pages = excluded.pages, row_count = excluded.row_count,
    milliseconds = excluded.milliseconds, failed = excluded.failed, noted_at = excluded.noted_at
WHERE excluded.milliseconds > t.milliseconds;

-- name: forget_timings
DELETE FROM ops.window_timings WHERE account_id = %(account_id)s AND noted_at < %(before)s;
