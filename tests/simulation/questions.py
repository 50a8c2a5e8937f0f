"""What the invariants ask the ledger, beside all workers."""

from typing import LiteralString

SPOKEN_OF: LiteralString = """
SELECT execution_id FROM facts.current_log_entries WHERE account_id = %s
"""
QUARANTINED: LiteralString = """
SELECT r.codec, r.body FROM facts.quarantined q
JOIN facts.raw_records r USING (account_id, chain_seq) WHERE q.account_id = %s
"""
UNTYPED: LiteralString = """
SELECT r.stream, count(*) FROM facts.raw_records r WHERE r.account_id = %(id)s
AND NOT EXISTS (SELECT 1 FROM facts.executions f WHERE f.account_id = %(id)s
    AND f.execution_key = r.record_key)
AND NOT EXISTS (SELECT 1 FROM facts.cash_flows f WHERE f.account_id = %(id)s
    AND f.cash_key = r.record_key)
AND NOT EXISTS (SELECT 1 FROM facts.quarantined q WHERE q.account_id = %(id)s
    AND q.chain_seq = r.chain_seq)
AND r.stream LIKE 'executions%%' GROUP BY 1
"""
UNEVEN: LiteralString = """
SELECT book_id, stretch, side, sum(unit_end - unit_start), max(unit_end) - min(unit_start)
FROM derived.lines WHERE account_id = %s GROUP BY 1, 2, 3
HAVING sum(unit_end - unit_start) <> max(unit_end) - min(unit_start)
"""
UNMATCHED: LiteralString = """
WITH ends AS (
    SELECT book_id, stretch,
        coalesce(sum(unit_end - unit_start) FILTER (WHERE side = 1), 0) AS bought,
        coalesce(sum(unit_end - unit_start) FILTER (WHERE side = -1), 0) AS sold
    FROM derived.lines WHERE account_id = %(id)s GROUP BY 1, 2
), matched AS (
    SELECT book_id, stretch, sum(unit_end - unit_start) AS units
    FROM derived.lot_matches WHERE account_id = %(id)s GROUP BY 1, 2
)
SELECT book_id, stretch, bought, sold, coalesce(units, 0)
FROM ends LEFT JOIN matched USING (book_id, stretch)
WHERE least(bought, sold) <> coalesce(units, 0)
"""
BOOKED_AGAIN: LiteralString = """
SELECT stream, count(*) FROM (
    SELECT stream, content_key, lag(content_key) OVER told AS before FROM facts.raw_records
    WHERE account_id = %s WINDOW told AS (PARTITION BY record_key, stream, scope ORDER BY chain_seq)
) AS kept WHERE content_key = before GROUP BY 1
"""
READ_BEYOND: LiteralString = """
SELECT c.stream, c.scope FROM derived.coverage c WHERE c.account_id = %s AND NOT c.read <@ (
    SELECT coalesce(range_agg(tstzrange(w.starts_at, w.ends_at)), '{}') FROM facts.windows w
    WHERE w.account_id = c.account_id AND w.stream = c.stream AND w.scope = c.scope
      AND w.outcome IN ('read', 'settled'))
"""
COMPLETED_WITH_FAILURES: LiteralString = """
SELECT f.stream, f.scope, f.reason FROM ops.window_failures f JOIN ops.runs r
USING (account_id, run_id) WHERE f.account_id = %s AND r.status = 'completed'
"""
WANTED_AND_NOT_READ: LiteralString = """
SELECT w.stream, w.scope, w.ranges - coalesce(c.read + c.unavailable, '{}')
FROM ops.wanted w LEFT JOIN derived.coverage c USING (account_id, stream, scope)
WHERE w.account_id = %s AND NOT w.ranges <@ coalesce(c.read + c.unavailable, '{}')
"""
HELD: LiteralString = """
SELECT b.category, b.symbol, sum(l.side * (l.unit_end - l.unit_start))
FROM derived.lines l JOIN derived.books b USING (account_id, book_id)
JOIN (SELECT account_id, category, symbol, leg, max(started_at) AS stretch
    FROM derived.stretches GROUP BY 1, 2, 3, 4) s
    ON (s.account_id, s.category, s.symbol, s.leg, s.stretch)
     = (b.account_id, b.category, b.symbol, b.leg, l.stretch)
WHERE l.account_id = %s GROUP BY 1, 2
"""
LOG_SUMS: LiteralString = """
SELECT kind, currency, count(*), sum(change) FROM facts.current_log_entries
WHERE account_id = %s GROUP BY 1, 2
"""
STANDING: LiteralString = """
SELECT md5(string_agg(h, '' ORDER BY h)) FROM (
    SELECT md5(t::text) AS h FROM facts.raw_records t
    WHERE account_id = %(id)s AND chain_seq <= %(seq)s
    UNION ALL
    SELECT md5(t::text) FROM facts.executions t WHERE account_id = %(id)s AND chain_seq <= %(seq)s
    UNION ALL
    SELECT md5(t::text) FROM facts.cash_flows t WHERE account_id = %(id)s AND chain_seq <= %(seq)s
    UNION ALL
    SELECT md5(t::text) FROM facts.windows t WHERE account_id = %(id)s AND chain_seq <= %(seq)s
) AS standing
"""
