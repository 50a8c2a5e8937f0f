-- name: legs
-- Every leg of a contract that was ever booked: what it holds after all that is laid, as far as the
-- last stretch of proven time says so, and where that stretch begins and ends.
WITH laid AS (
    SELECT t.category, lower(last.piece) AS since, upper(last.piece) AS until
    FROM derived.laid_time t
    CROSS JOIN LATERAL (
        SELECT p.piece FROM unnest(t.pieces) AS p (piece) ORDER BY lower(p.piece) DESC LIMIT 1
    ) AS last
    WHERE t.account_id = %(account_id)s AND t.category <> 'spot'
)
SELECT laid.category, b.symbol, b.leg, laid.since, laid.until,
    coalesce(s.opening_evidence, CASE WHEN b.symbol IS NOT NULL THEN 'unknown' END),
    CASE WHEN s.opening_evidence <> 'unknown' THEN b.qty END
FROM laid
LEFT JOIN (
    SELECT k.category, k.symbol, k.leg, sum(coalesce(last.side * last.unit_end, 0)) AS qty
    FROM laid
    JOIN derived.books k ON k.account_id = %(account_id)s AND k.category = laid.category
    CROSS JOIN (VALUES (1::smallint), ((-1)::smallint)) AS sides (side)
    LEFT JOIN LATERAL (
        SELECT side, unit_end FROM derived.lines
        WHERE account_id = %(account_id)s AND book_id = k.book_id AND stretch = laid.since
          AND side = sides.side
        ORDER BY unit_end DESC LIMIT 1) AS last ON true
    GROUP BY k.category, k.symbol, k.leg
) AS b USING (category)
LEFT JOIN derived.stretches s
  ON s.account_id = %(account_id)s AND s.category = laid.category AND s.symbol = b.symbol
 AND s.leg = b.leg AND s.started_at = laid.since;

-- name: recent_fills
-- What each fill since an instant did to its leg, and the venue's number for it, oldest first.
SELECT b.category, b.symbol, b.leg, l.executed_at, x.venue_seq,
    sum(l.side * (l.unit_end - l.unit_start))
FROM derived.books b
CROSS JOIN (VALUES (1::smallint), ((-1)::smallint)) AS sides (side)
CROSS JOIN LATERAL (
    SELECT * FROM derived.lines
    WHERE account_id = %(account_id)s AND book_id = b.book_id AND side = sides.side
      AND executed_at >= %(since)s AND execution_key IS NOT NULL
    ORDER BY executed_at OFFSET 0) AS l
CROSS JOIN LATERAL (
    SELECT venue_seq FROM facts.executions
    WHERE account_id = %(account_id)s AND execution_key = l.execution_key
    ORDER BY revision DESC LIMIT 1) AS x
WHERE b.account_id = %(account_id)s AND b.category <> 'spot'
GROUP BY b.category, b.symbol, b.leg, l.execution_key, l.executed_at, l.rank, x.venue_seq
ORDER BY l.executed_at, l.rank;

-- name: coin_lines
-- Coin by coin: the lines of the last instant of the account log before the question, and all since.
WITH RECURSIVE coins AS (
    (SELECT currency FROM facts.log_entries
     WHERE account_id = %(account_id)s ORDER BY currency LIMIT 1)
    UNION ALL
    SELECT later.currency FROM coins
    CROSS JOIN LATERAL (
        SELECT currency FROM facts.log_entries
        WHERE account_id = %(account_id)s AND currency > coins.currency
        ORDER BY currency LIMIT 1) AS later
),
log AS (
    SELECT range_agg(read) AS pieces FROM derived.coverage
    WHERE account_id = %(account_id)s AND split_part(stream, '.', 1) = 'account_log'
)
SELECT c.currency, l.occurred_at, l.change, l.balance,
    log.pieces @> tstzrange(last.at, greatest(%(answered_at)s, last.at + interval '1 ms')),
    upper(log.pieces)
FROM coins c
CROSS JOIN log
CROSS JOIN LATERAL (
    SELECT occurred_at AS at FROM facts.log_entries
    WHERE account_id = %(account_id)s AND currency = c.currency AND occurred_at < %(near)s
    ORDER BY currency, occurred_at DESC LIMIT 1) AS last
CROSS JOIN LATERAL (
    SELECT occurred_at, change, balance FROM facts.current_log_entries
    WHERE account_id = %(account_id)s AND currency = c.currency AND occurred_at >= last.at
      AND (occurred_at = last.at OR occurred_at >= %(near)s)
    ORDER BY occurred_at OFFSET 0) AS l
ORDER BY c.currency, l.occurred_at;

-- name: read_together
-- The time in which fills of a category are told by both of two lists.
SELECT e.scope, e.read * w.read
FROM derived.coverage e
JOIN (
    SELECT scope, read FROM derived.coverage
    WHERE account_id = %(account_id)s AND stream = %(stream)s AND %(stream)s <> 'account_log'
    UNION ALL
    SELECT s.scope, range_agg(log.read) FROM derived.coverage s
    CROSS JOIN derived.coverage log
    WHERE s.account_id = %(account_id)s AND s.stream = 'executions' AND %(stream)s = 'account_log'
      AND log.account_id = %(account_id)s AND log.stream = 'account_log'
    GROUP BY s.scope
) AS w USING (scope)
WHERE e.account_id = %(account_id)s AND e.stream = 'executions';

-- name: chain_end
SELECT chain_seq FROM ops.chain_heads WHERE account_id = %(account_id)s;

-- name: touched_since
-- When what was told since a link of the chain happened, by category; of much, the first and last.
WITH told AS (
    SELECT record_key FROM facts.raw_records
    WHERE account_id = %(account_id)s AND chain_seq > %(since)s
      AND split_part(stream, '.', 1) IN ('executions', 'account_log', 'closed_pnl', 'orders')
    UNION
    SELECT target FROM facts.statements
    WHERE account_id = %(account_id)s AND chain_seq > %(since)s
)
SELECT at.category, CASE WHEN %(is_much)s
    THEN tstzmultirange(tstzrange(min(at.at), max(at.at) + interval '1 ms'))
    ELSE range_agg(tstzrange(at.at, at.at + interval '1 ms')) FILTER (WHERE NOT %(is_much)s) END
FROM told t
CROSS JOIN LATERAL (
    SELECT category, executed_at AS at FROM facts.executions
    WHERE account_id = %(account_id)s AND execution_key = t.record_key
    UNION ALL
    SELECT category, occurred_at FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND cash_key = t.record_key
    UNION ALL
    SELECT category, occurred_at FROM facts.log_entries
    WHERE account_id = %(account_id)s AND entry_key = t.record_key
    UNION ALL
    SELECT category, closed_at FROM facts.closed_pnl
    WHERE account_id = %(account_id)s AND closed_key = t.record_key
    UNION ALL
    SELECT category, ordered_at FROM facts.orders
    WHERE account_id = %(account_id)s AND order_key = t.record_key) AS at
GROUP BY at.category;

-- name: closing_orders
-- Orders that closed something in some pieces of time, and those that are asked for by name: what
-- their closing fills come to, beside what the venue counts for them. Of each symbol: how many there
-- are, and those that are off, or were asked for.
WITH pieces AS (
    SELECT w.category, p.piece
    FROM unnest(%(categories)s::text[], %(pieces)s::tstzmultirange[]) AS w (category, pieces)
    CROSS JOIN LATERAL unnest(w.pieces) AS p (piece)
),
named AS MATERIALIZED (
    SELECT e.category, e.symbol, e.order_id FROM pieces p
    CROSS JOIN LATERAL (
        SELECT category, symbol, order_id FROM facts.executions
        WHERE account_id = %(account_id)s AND category = p.category
          AND executed_at >= lower(p.piece) AND executed_at < upper(p.piece)
          AND closed_qty <> 0 AND order_id <> ''
        ORDER BY executed_at OFFSET 0) AS e
    UNION
    SELECT c.category, c.symbol, c.order_id FROM pieces p
    CROSS JOIN LATERAL (
        SELECT category, symbol, order_id FROM facts.closed_pnl
        WHERE account_id = %(account_id)s AND closed_at >= lower(p.piece)
          AND closed_at < upper(p.piece) AND category = p.category AND order_id <> ''
        ORDER BY closed_at OFFSET 0) AS c
    UNION
    SELECT * FROM unnest(%(asked_categories)s::text[], %(asked_symbols)s::text[],
        %(asked_orders)s::text[])
),
fills AS (
    SELECT n.category, n.symbol, n.order_id, min(e.currency) AS currency, count(*) AS fills,
        min(e.executed_at) AS first_at, max(e.executed_at) AS last_at,
        CASE WHEN bool_and(e.closed_qty IS NOT NULL) THEN sum(e.closed_qty) END AS closed_qty,
        CASE WHEN bool_and(e.closed_qty IS NOT NULL) THEN
            sum(CASE WHEN b.kind = 'inverse' THEN e.value * e.closed_qty / nullif(e.qty, 0)
                ELSE e.price * e.closed_qty * b.multiplier END) END AS exit_value,
        CASE WHEN bool_and(e.closed_qty IS NOT NULL AND e.fee_currency = e.currency
                           AND e.fee IS NOT NULL) THEN
            sum(e.fee * e.closed_qty / nullif(e.qty, 0)) END AS close_fee
    FROM named n
    JOIN facts.current_executions e
      ON e.account_id = %(account_id)s AND e.order_id = n.order_id AND e.category = n.category
     AND e.symbol = n.symbol
    LEFT JOIN (
        SELECT category, symbol, min(kind) AS kind, min(multiplier) AS multiplier
        FROM derived.books WHERE account_id = %(account_id)s GROUP BY category, symbol
    ) AS b ON b.category = n.category AND b.symbol = n.symbol
    GROUP BY n.category, n.symbol, n.order_id
),
counted AS (
    SELECT n.category, n.symbol, n.order_id, count(*) AS parts, max(c.closed_at) AS last_at,
        sum(c.qty) AS closed_qty, sum(c.exit_value) AS exit_value,
        CASE WHEN bool_and(c.close_fee IS NOT NULL) THEN sum(c.close_fee) END AS close_fee
    FROM named n
    JOIN facts.current_closed_pnl c
      ON c.account_id = %(account_id)s AND c.order_id = n.order_id AND c.category = n.category
     AND c.symbol = n.symbol AND c.exec_type <> 'SessionSettlePnL'
    WHERE NOT EXISTS (
        SELECT 1 FROM facts.current_closed_pnl later
        WHERE later.account_id = %(account_id)s AND later.order_id = c.order_id
          AND later.category = c.category AND later.symbol = c.symbol
          AND later.closed_at > c.closed_at)
    GROUP BY n.category, n.symbol, n.order_id
),
beside AS (
    SELECT n.category, n.symbol, n.order_id, coalesce(f.currency, '') AS currency,
        CASE WHEN f.fills IS NULL THEN 0 ELSE f.closed_qty END AS our_qty,
        coalesce(c.closed_qty, 0) AS their_qty,
        f.exit_value AS our_value, c.exit_value AS their_value,
        f.close_fee AS our_fee, c.close_fee AS their_fee,
        (coalesce(f.fills, 0) + coalesce(c.parts, 0)) * 0.00000001 AS tolerance,
        least(f.first_at, c.last_at) AS first_at, greatest(f.last_at, c.last_at) AS last_at
    FROM named n
    LEFT JOIN fills f USING (category, symbol, order_id)
    LEFT JOIN counted c USING (category, symbol, order_id)
    WHERE f.fills IS NOT NULL OR c.parts IS NOT NULL
),
marked AS (
    SELECT *, our_qty <> their_qty OR abs(our_value - their_value) > tolerance
        OR abs(our_fee - their_fee) > tolerance OR order_id = ANY(%(asked_orders)s) AS is_shown
    FROM beside
)
SELECT s.category, s.symbol, s.orders, m.order_id, m.currency, m.our_qty, m.their_qty, m.our_value,
    m.their_value, m.our_fee, m.their_fee, m.tolerance, m.first_at, m.last_at,
    (SELECT min(o.ordered_at) FROM facts.orders o
     WHERE o.account_id = %(account_id)s AND o.order_id = m.order_id)
FROM (SELECT category, symbol, count(*) AS orders FROM marked GROUP BY category, symbol) AS s
LEFT JOIN marked m ON m.category = s.category AND m.symbol = s.symbol AND m.is_shown
ORDER BY s.category, s.symbol, m.last_at, m.order_id;

-- name: log_disputes
-- Fills that one witness tells and the other leaves out, by symbol.
SELECT d.category, coalesce(named.symbol, ''), d.missing_in, count(DISTINCT d.execution_key),
    min(d.at), max(d.at)
FROM derived.disputes d
LEFT JOIN LATERAL (
    SELECT symbol FROM (
        SELECT symbol FROM facts.log_entries
        WHERE account_id = %(account_id)s AND execution_key = d.execution_key
        UNION ALL
        SELECT symbol FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = d.execution_key) AS either
    LIMIT 1) AS named ON true
WHERE d.account_id = %(account_id)s
GROUP BY d.category, named.symbol, d.missing_in;

-- name: witnessed_symbols
-- How many fills and payments of each symbol the log speaks of, in some pieces of time.
SELECT p.category, l.symbol, count(DISTINCT l.execution_key)
FROM (
    SELECT w.category, p.piece
    FROM unnest(%(categories)s::text[], %(pieces)s::tstzmultirange[]) AS w (category, pieces)
    CROSS JOIN LATERAL unnest(w.pieces) AS p (piece)
) AS p
CROSS JOIN LATERAL (
    SELECT symbol, execution_key FROM facts.log_entries
    WHERE account_id = %(account_id)s AND occurred_at >= lower(p.piece)
      AND occurred_at < upper(p.piece) AND category = p.category AND execution_key IS NOT NULL
    ORDER BY occurred_at OFFSET 0) AS l
GROUP BY p.category, l.symbol;

-- name: log_amounts
-- Fees and funding as fills and payments tell them, beside the account log's, where they differ.
WITH pieces AS (
    SELECT w.category, p.piece
    FROM unnest(%(categories)s::text[], %(pieces)s::tstzmultirange[]) AS w (category, pieces)
    CROSS JOIN LATERAL unnest(w.pieces) AS p (piece)
),
lines AS (
    SELECT DISTINCT l.* FROM pieces p
    CROSS JOIN LATERAL (
        SELECT entry_key, category, symbol, currency, occurred_at, fee, funding, execution_key
        FROM facts.current_log_entries
        WHERE account_id = %(account_id)s AND occurred_at >= lower(p.piece)
          AND occurred_at < upper(p.piece) AND category = p.category AND execution_key IS NOT NULL
        ORDER BY occurred_at OFFSET 0) AS l
)
SELECT l.category, l.symbol, l.currency, 'fee', count(*), sum(e.fee), sum(l.fee),
    min(l.occurred_at), max(l.occurred_at)
FROM lines l
CROSS JOIN LATERAL (
    SELECT CASE WHEN x.fee_currency = l.currency THEN x.fee
        WHEN x.fee = 0 OR x.fee_currency <> '' THEN 0 END AS fee
    FROM facts.executions x
    WHERE x.account_id = %(account_id)s AND x.execution_key = l.execution_key
    ORDER BY x.revision DESC LIMIT 1) AS e
WHERE l.fee IS NOT NULL AND abs(e.fee - l.fee) > 0.00000001
GROUP BY l.category, l.symbol, l.currency
UNION ALL
SELECT l.category, l.symbol, l.currency, 'funding', count(*), sum(c.amount), -sum(l.funding),
    min(l.occurred_at), max(l.occurred_at)
FROM lines l
CROSS JOIN LATERAL (
    SELECT amount FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND cash_key = l.execution_key AND kind = 'funding'
      AND currency = l.currency
    ORDER BY revision DESC LIMIT 1) AS c
WHERE l.funding IS NOT NULL AND abs(c.amount + l.funding) > 0.00000001
GROUP BY l.category, l.symbol, l.currency;

-- name: log_chains
-- Where the balances that the log tells do not add up, by coin.
SELECT currency, count(*), sum(told - expected), min(after_at), max(at)
FROM derived.chain_breaks WHERE account_id = %(account_id)s
GROUP BY currency;

-- name: unread_rows
-- The lists that told rows which could not be read, and never could be since; of the newest rows.
SELECT DISTINCT split_part(r.stream, '.', 1), r.scope FROM (
    SELECT account_id, chain_seq FROM facts.quarantined
    WHERE account_id = %(account_id)s
    ORDER BY chain_seq DESC LIMIT %(rows_max)s) AS q
JOIN facts.raw_records r ON r.account_id = q.account_id AND r.chain_seq = q.chain_seq
WHERE NOT EXISTS (
    SELECT 1 FROM facts.raw_records later
    WHERE later.account_id = r.account_id AND later.record_key = r.record_key
      AND later.stream = r.stream AND later.chain_seq > r.chain_seq
      AND NOT EXISTS (
        SELECT 1 FROM facts.quarantined again
        WHERE again.account_id = r.account_id AND again.chain_seq = later.chain_seq));

-- name: misfits
-- Where fills do not fit the position chain of their leg: something is missing there, or changed.
SELECT category, symbol, leg, min(executed_at), max(executed_at) FROM derived.alarms
WHERE account_id = %(account_id)s AND kind = 'chain_break'
GROUP BY category, symbol, leg;
