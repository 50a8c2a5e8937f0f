-- name: put_worker
INSERT INTO ops.workers (account_id, worker_id, holder, state, says, feed, feed_since, started_at,
    beat_at)
VALUES (%(account_id)s, %(worker_id)s, %(holder)s, %(state)s, %(says)s, %(feed)s, %(feed_since)s,
    %(now)s, %(now)s)
ON CONFLICT (account_id, worker_id) DO UPDATE SET
    state = excluded.state, says = excluded.says, feed = excluded.feed,
    feed_since = excluded.feed_since, beat_at = excluded.beat_at, stopped_at = NULL;

-- name: stop_worker
UPDATE ops.workers SET state = 'stopped', says = '', feed = '', feed_since = NULL,
    beat_at = %(now)s, stopped_at = %(now)s
WHERE worker_id = %(worker_id)s AND stopped_at IS NULL;

-- name: stop_worker_of
UPDATE ops.workers SET state = 'stopped', says = %(says)s, feed = '', feed_since = NULL,
    beat_at = %(now)s, stopped_at = %(now)s
WHERE worker_id = %(worker_id)s AND account_id = %(account_id)s AND stopped_at IS NULL;

-- name: open_workers
SELECT worker_id, holder, beat_at FROM ops.workers
WHERE account_id = %(account_id)s AND worker_id <> %(worker_id)s AND stopped_at IS NULL;

-- name: succeed_worker
UPDATE ops.workers SET state = 'stopped', stopped_at = %(now)s, feed = '', feed_since = NULL,
    says = 'It ended without a word; another worker has taken over.'
WHERE account_id = %(account_id)s AND worker_id = %(worker_id)s AND stopped_at IS NULL;

-- name: latest_workers
SELECT holder, state, says, beat_at, stopped_at FROM ops.workers
WHERE account_id = 0 ORDER BY beat_at DESC LIMIT %(limit)s;

-- name: prune_workers
-- The last one of each account stays: it says that somebody should be working.
DELETE FROM ops.workers w
WHERE w.beat_at < %(before)s
  AND EXISTS (SELECT 1 FROM ops.workers later
              WHERE later.account_id = w.account_id AND later.beat_at > w.beat_at);
