-- name: count_unheard
-- Executions in a window that windows have read and a live stream never told of.
SELECT count(*)
FROM facts.executions e
WHERE e.account_id = %(account_id)s AND e.category = %(category)s AND e.revision = 0
  AND e.executed_at >= %(starts_at)s AND e.executed_at < %(ends_at)s
  AND NOT EXISTS (
    SELECT 1 FROM facts.raw_records r
    WHERE r.account_id = e.account_id AND r.record_key = e.execution_key AND r.stream = %(stream)s);
