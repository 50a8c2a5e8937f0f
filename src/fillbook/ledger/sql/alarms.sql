-- name: get_alarms
SELECT kind, subject, raised_at, detail FROM ops.alarms
WHERE account_id = %(account_id)s AND cleared_at IS NULL
ORDER BY raised_at, kind, subject;

-- name: raise_alarm
INSERT INTO ops.alarms (account_id, kind, subject, raised_at, detail)
VALUES (%(account_id)s, %(kind)s, %(subject)s, %(raised_at)s, %(detail)s)
ON CONFLICT DO NOTHING;

-- name: retell_alarm
UPDATE ops.alarms SET detail = %(detail)s
WHERE account_id = %(account_id)s AND kind = %(kind)s AND subject = %(subject)s
  AND cleared_at IS NULL;

-- name: clear_alarm
UPDATE ops.alarms SET cleared_at = greatest(%(now)s, raised_at)
WHERE account_id = %(account_id)s AND kind = %(kind)s AND subject = %(subject)s
  AND cleared_at IS NULL;

-- name: prune_alarms
DELETE FROM ops.alarms WHERE cleared_at < %(before)s;

-- name: clear_of_gone
-- Nobody watches an account that is paused or removed.
UPDATE ops.alarms l SET cleared_at = greatest(%(now)s, l.raised_at)
WHERE l.cleared_at IS NULL AND l.account_id <> 0
  AND NOT EXISTS (SELECT 1 FROM ops.accounts a
                  WHERE a.account_id = l.account_id AND a.state IN ('active', 'stopped'));

-- name: clear_of_strangers
-- What no key here leads to, and no other worker that is heard of attends to. Account 0 has alarms of
-- keys that have led nowhere, by their names; its worker stands for the process as such.
UPDATE ops.alarms l SET cleared_at = greatest(%(now)s, l.raised_at)
WHERE l.cleared_at IS NULL
  AND CASE WHEN l.account_id = 0 THEN l.subject <> '' AND l.subject <> ALL(%(names)s)
           ELSE %(all_known)s AND l.account_id <> ALL(%(account_ids)s) END
  AND NOT EXISTS (SELECT 1 FROM ops.workers w
                  WHERE w.account_id = l.account_id AND w.worker_id <> %(worker_id)s
                    AND w.stopped_at IS NULL AND w.beat_at > %(heard_after)s);

-- name: standing
-- What the ledger itself shows of an account: rows of late that cannot be read, when its key expires,
-- the gaps that were named lately and lie behind the beginning of what is read, open breaks.
SELECT
    (SELECT count(*) FROM facts.quarantined q
     WHERE q.account_id = %(account_id)s AND q.booked_at >= %(lately)s),
    (SELECT c.expires_on FROM ops.key_checks c WHERE c.account_id = %(account_id)s
     ORDER BY c.checked_at DESC LIMIT 1),
    (SELECT coalesce(string_agg(DISTINCT w.stream || ' ' || w.scope, ', '), '')
     FROM facts.windows w
     JOIN derived.coverage c USING (account_id, stream, scope)
     WHERE w.account_id = %(account_id)s AND w.outcome = 'unavailable'
       AND w.read_at >= %(lately)s AND w.starts_at >= lower(c.read)
       AND c.unavailable && tstzmultirange(tstzrange(w.starts_at, w.ends_at))),
    (SELECT count(*) FROM ops.breaks b
     WHERE b.account_id = %(account_id)s AND b.healed_at IS NULL)
    + coalesce((SELECT r.unkept FROM ops.reconciliations r
                WHERE r.account_id = %(account_id)s ORDER BY r.compared_at DESC LIMIT 1), 0);
