-- name: start_run
INSERT INTO ops.runs (account_id, run_id, kind, status, started_at)
VALUES (%(account_id)s, %(run_id)s, %(kind)s, 'running', %(now)s);

-- name: abandon_runs
-- Runs whose process died: nobody else can say so.
UPDATE ops.runs SET status = 'failed', ended_at = %(now)s,
    error = 'The process ended before the run did; what it booked is kept.'
WHERE account_id = %(account_id)s AND status = 'running';

-- name: put_progress
UPDATE ops.runs SET requests = %(requests)s, pages = %(pages)s, rows_seen = %(rows_seen)s,
    rows_new = %(rows_new)s, trades_new = %(trades_new)s, quarantined = %(quarantined)s,
    revisions = %(revisions)s
WHERE account_id = %(account_id)s AND run_id = %(run_id)s;

-- name: end_run
UPDATE ops.runs SET status = %(status)s, ended_at = %(now)s, error = %(error)s,
    requests = %(requests)s
WHERE account_id = %(account_id)s AND run_id = %(run_id)s;
