"""The SQL of the summary: one pass over trades, and counts of what lies beside them."""

from typing import LiteralString

# (): all of it; by bot; by exit reason. Sums are of trades with a known net figure, so that
# net = gross - commission - funding holds in every line; the others are counted.
TRADED: LiteralString = """
SELECT
    CASE WHEN grouping(t.bot_id) = 0 THEN 'bot' WHEN grouping(t.exit_reason) = 0 THEN 'exit_reason'
         ELSE 'all' END,
    coalesce(t.bot_id, t.exit_reason, ''),
    count(*),
    count(*) FILTER (WHERE t.net > 0),
    count(*) FILTER (WHERE t.net < 0),
    count(*) FILTER (WHERE t.net IS NULL),
    round(100.0 * count(*) FILTER (WHERE t.net > 0) / nullif(count(t.net), 0), 2),
    coalesce(sum(t.gross) FILTER (WHERE t.net IS NOT NULL), 0),
    coalesce(sum(t.net), 0),
    coalesce(sum(t.fee) FILTER (WHERE t.net IS NOT NULL), 0),
    coalesce(sum(t.funding) FILTER (WHERE t.net IS NOT NULL), 0),
    round(avg(t.net), 18),
    round(sum(t.net) FILTER (WHERE t.net > 0)
        / nullif(-sum(t.net) FILTER (WHERE t.net < 0), 0), 6),
    floor(avg(extract(epoch FROM t.exit_time - t.entry_time)))::bigint,
    min(t.entry_time),
    max(t.exit_time)
FROM derived.completed_trades t
WHERE t.account_id = ANY(%(accounts)s) AND t.currency = %(currency)s
  AND (%(bot)s::text IS NULL OR t.bot_id = %(bot)s)
  AND (%(symbol)s::text IS NULL OR t.symbol = %(symbol)s)
  AND (%(since)s::timestamptz IS NULL OR t.exit_time >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR t.exit_time < %(until)s)
GROUP BY GROUPING SETS ((), (t.bot_id), (t.exit_reason))
ORDER BY 1, 3 DESC, 2
"""

# Later revisions are rare, so first readings are counted, less those that were voided since.
EXECUTIONS: LiteralString = """
SELECT
    (SELECT count(*) FROM facts.executions e
     WHERE e.account_id = ANY(%(accounts)s) AND e.revision = 0
       AND (%(symbol)s::text IS NULL OR e.symbol = %(symbol)s)
       AND (%(since)s::timestamptz IS NULL OR e.executed_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR e.executed_at < %(until)s))
  - (SELECT count(*) FROM facts.executions v
     JOIN facts.executions e USING (account_id, execution_key)
     WHERE v.account_id = ANY(%(accounts)s) AND v.revision > 0 AND v.revision_reason = 'void'
       AND e.revision = 0
       AND (%(symbol)s::text IS NULL OR e.symbol = %(symbol)s)
       AND (%(since)s::timestamptz IS NULL OR e.executed_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR e.executed_at < %(until)s)
       AND NOT EXISTS (
         SELECT 1 FROM facts.executions later
         WHERE later.account_id = v.account_id AND later.execution_key = v.execution_key
           AND later.revision > v.revision))
"""

EXECUTIONS_OF_BOT: LiteralString = """
SELECT count(DISTINCT (l.account_id, l.execution_key))
FROM derived.books b
JOIN derived.lines l USING (account_id, book_id)
WHERE b.account_id = ANY(%(accounts)s) AND b.owner = %(bot)s
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
  AND (%(since)s::timestamptz IS NULL OR l.executed_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR l.executed_at < %(until)s)
"""

# Costs that belong to no units are in no trade, and are not lost: fees without a quantity, funding
# that met no position that we know. Client ids that nothing reads have an index of their own.
BESIDE: LiteralString = """
SELECT
    (SELECT count(*) FROM facts.quarantined WHERE account_id = ANY(%(accounts)s)),
    (SELECT max(ended_at) FROM ops.runs
     WHERE account_id = ANY(%(accounts)s) AND status = 'completed'),
    coalesce(sum(u.amount) FILTER (WHERE u.kind = 'funding'), 0),
    coalesce(sum(u.amount) FILTER (WHERE u.kind = 'fee'), 0),
    count(*) FILTER (WHERE u.amount IS NULL),
    (SELECT count(DISTINCT (l.account_id, l.execution_key))
     FROM derived.lines l JOIN derived.books b USING (account_id, book_id)
     WHERE l.account_id = ANY(%(accounts)s) AND l.tag_unread
       AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
       AND (%(since)s::timestamptz IS NULL OR l.executed_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR l.executed_at < %(until)s))
FROM derived.unattached u
WHERE u.account_id = ANY(%(accounts)s) AND u.currency = %(currency)s
  AND (%(symbol)s::text IS NULL OR u.symbol = %(symbol)s)
  AND (%(since)s::timestamptz IS NULL OR u.occurred_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR u.occurred_at < %(until)s)
"""
