-- name: get_jobs
SELECT job, served, started_at, ended_at, done_at, outcome, failures, missed, error,
    first_at, unproven
FROM ops.jobs WHERE account_id = %(account_id)s;

-- name: put_job
INSERT INTO ops.jobs AS known (account_id, job, period_seconds, served, started_at, ended_at,
    done_at, due_at, outcome, failures, missed, error, first_at, unproven, worker_id)
VALUES (%(account_id)s, %(job)s, %(period_seconds)s, %(served)s, %(started_at)s, %(ended_at)s,
    %(done_at)s, %(due_at)s, %(outcome)s, %(failures)s, %(missed)s, %(error)s, %(first_at)s,
    %(unproven)s, %(worker_id)s)
ON CONFLICT (account_id, job) DO UPDATE SET
    period_seconds = excluded.period_seconds, served = excluded.served,
    started_at = excluded.started_at, ended_at = excluded.ended_at, done_at = excluded.done_at,
    due_at = excluded.due_at, outcome = excluded.outcome, failures = excluded.failures,
    missed = excluded.missed, error = excluded.error, first_at = excluded.first_at,
    unproven = excluded.unproven, worker_id = excluded.worker_id;

-- name: hold_lease
-- No row: another worker has the account now. Nobody takes the lease until this transaction ends.
SELECT fence FROM ops.leases
WHERE account_id = %(account_id)s AND stream = %(stream)s AND fence = %(fence)s FOR SHARE;

-- name: forget_jobs
-- Of accounts that are gone.
DELETE FROM ops.jobs j
WHERE j.account_id <> 0
  AND NOT EXISTS (SELECT 1 FROM ops.accounts a
                  WHERE a.account_id = j.account_id AND a.state <> 'removed');
