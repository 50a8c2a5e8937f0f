-- name: unlaid
-- Legs with facts that the books do not know yet, and the first instant of each stretch they touch.
-- `since` is the chain's sequence at this stream's last proof; `fresh` is what the new proof adds.
-- A record that was booked again counts with all its readings: it may have moved.
-- LATERAL with OFFSET 0 keeps the look-ups by key: without statistics (a new database) the planner
-- would scan whole tables instead.
WITH booked AS (
    SELECT r.record_key, r.chain_seq FROM facts.raw_records r
    WHERE r.account_id = %(account_id)s AND r.chain_seq > %(since)s AND r.stream = %(stream)s
),
touched AS (
    SELECT e.symbol, e.leg, e.executed_at AS at
    FROM facts.executions e
    WHERE e.account_id = %(account_id)s AND e.category = %(category)s
      AND e.executed_at >= lower(%(fresh)s::tstzmultirange)
      AND e.executed_at < upper(%(fresh)s::tstzmultirange)
      AND %(fresh)s::tstzmultirange @> e.executed_at
    UNION ALL
    SELECT c.symbol, c.leg, c.occurred_at
    FROM facts.cash_flows c
    WHERE c.account_id = %(account_id)s AND c.category = %(category)s
      AND c.occurred_at >= lower(%(fresh)s::tstzmultirange)
      AND c.occurred_at < upper(%(fresh)s::tstzmultirange)
      AND %(fresh)s::tstzmultirange @> c.occurred_at
    UNION ALL
    SELECT other.symbol, other.leg, other.executed_at
    FROM booked b
    CROSS JOIN LATERAL (
        SELECT category, symbol, leg, executed_at FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = b.record_key OFFSET 0
    ) AS other
    WHERE other.category = %(category)s
    UNION ALL
    SELECT other.symbol, other.leg, other.occurred_at
    FROM booked b
    CROSS JOIN LATERAL (
        SELECT category, symbol, leg, occurred_at FROM facts.cash_flows
        WHERE account_id = %(account_id)s AND cash_key = b.record_key OFFSET 0
    ) AS other
    WHERE other.category = %(category)s
)
SELECT t.symbol, t.leg, proven.piece, min(t.at)
FROM touched t
JOIN unnest(%(read)s::tstzmultirange) AS proven (piece) ON proven.piece @> t.at
GROUP BY t.symbol, t.leg, proven.piece;

-- name: joined_stretches
-- Stretches that begin inside a proven interval: a gap before them has closed.
SELECT s.symbol, s.leg, proven.piece, s.started_at
FROM derived.stretches s
JOIN unnest(%(read)s::tstzmultirange) AS proven (piece)
  ON proven.piece @> s.started_at AND lower(proven.piece) < s.started_at
WHERE s.account_id = %(account_id)s AND s.category = %(category)s;

-- name: all_legs
-- Every leg that has facts inside proven intervals, from its first one on. Facts that were booked
-- after the last proof wait for the next one.
SELECT t.symbol, t.leg, proven.piece, min(t.at)
FROM (
    SELECT e.symbol, e.leg, e.executed_at AS at FROM facts.executions e
    WHERE e.account_id = %(account_id)s AND e.category = %(category)s
      AND e.chain_seq <= %(through)s AND e.revision_reason <> 'void'
      AND NOT EXISTS (
        SELECT 1 FROM facts.executions later
        WHERE later.account_id = e.account_id AND later.execution_key = e.execution_key
          AND later.revision > 0 AND later.revision > e.revision
          AND later.chain_seq <= %(through)s)
    UNION ALL
    SELECT c.symbol, c.leg, c.occurred_at FROM facts.cash_flows c
    WHERE c.account_id = %(account_id)s AND c.category = %(category)s
      AND c.chain_seq <= %(through)s AND c.revision_reason <> 'void'
      AND NOT EXISTS (
        SELECT 1 FROM facts.cash_flows later
        WHERE later.account_id = c.account_id AND later.cash_key = c.cash_key
          AND later.revision > 0 AND later.revision > c.revision
          AND later.chain_seq <= %(through)s)
) t
JOIN unnest(%(read)s::tstzmultirange) AS proven (piece) ON proven.piece @> t.at
GROUP BY t.symbol, t.leg, proven.piece;

-- name: executions_of_leg
-- The latest readings up to a sequence of the chain: what was booked later waits for its proof.
SELECT execution_key, executed_at, venue_seq, category, symbol, leg, execution_id, order_id,
    client_order_id, side, price, qty, value, closed_qty, fee, fee_currency, fee_inferred, currency,
    is_maker, exec_type, order_type, create_type, stop_type, mark_price
FROM facts.executions e
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
  AND chain_seq <= %(through)s AND revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.executions later
    WHERE later.account_id = e.account_id AND later.execution_key = e.execution_key
      AND later.revision > 0 AND later.revision > e.revision AND later.chain_seq <= %(through)s);

-- name: cash_flows_of_leg
SELECT cash_key, occurred_at, kind, category, symbol, leg, flow_id, amount, currency, position_qty,
    price
FROM facts.cash_flows c
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s
  AND kind = 'funding' AND chain_seq <= %(through)s AND revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.cash_flows later
    WHERE later.account_id = c.account_id AND later.cash_key = c.cash_key
      AND later.revision > 0 AND later.revision > c.revision AND later.chain_seq <= %(through)s);

-- name: stretch_of_leg
SELECT opening_qty, opening_evidence, opening_low, opening_high, opening_fixed_at
FROM derived.stretches
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND started_at = %(started_at)s;

-- name: books_of_leg
SELECT book_id, owner FROM derived.books
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s;

-- name: drop_lines
DELETE FROM derived.lines
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s) AND side = ANY('{1,-1}')
  AND stretch = ANY(%(stretches)s) AND executed_at >= %(since)s;

-- name: drop_matches
DELETE FROM derived.lot_matches
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = ANY(%(stretches)s) AND exit_at >= %(since)s;

-- name: drop_funding_shares
DELETE FROM derived.funding_shares
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = ANY(%(stretches)s) AND occurred_at >= %(since)s;

-- name: drop_trades
-- After drop_matches. How many went, and which of them still have matches: a trade that ended at or
-- after the instant may have begun to end before it.
WITH gone AS (
    DELETE FROM derived.completed_trades
    WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
      AND stretch = ANY(%(stretches)s) AND exit_time >= %(since)s
    RETURNING book_id, stretch, direction, entry_order, exit_order
),
shrunk AS (
    SELECT g.* FROM gone g
    WHERE EXISTS (
        SELECT 1 FROM derived.lot_matches m
        WHERE m.account_id = %(account_id)s AND m.book_id = g.book_id
          AND m.entry_order = g.entry_order AND m.exit_order = g.exit_order
          AND m.stretch = g.stretch AND m.direction = g.direction)
)
SELECT (SELECT count(*) FROM gone), coalesce(array_agg(book_id), '{}'),
    coalesce(array_agg(direction), '{}'), coalesce(array_agg(entry_order), '{}'),
    coalesce(array_agg(exit_order), '{}')
FROM shrunk;

-- name: drop_alarms
DELETE FROM derived.alarms
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND stretch = ANY(%(stretches)s) AND executed_at >= %(since)s;

-- name: drop_stretches
DELETE FROM derived.stretches
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND started_at = ANY(%(stretches)s);

-- name: drop_empty_books
DELETE FROM derived.books b
WHERE b.account_id = %(account_id)s AND b.category = %(category)s AND b.symbol = %(symbol)s
  AND b.leg = %(leg)s
  AND NOT EXISTS (SELECT 1 FROM derived.lines l
                  WHERE l.account_id = b.account_id AND l.book_id = b.book_id);

-- name: line_ends
-- Where each side's line of each book has got to: one look-up per book and side.
SELECT b.book_id, s.side, l.unit_end
FROM unnest(%(books)s::bigint[]) AS b (book_id)
CROSS JOIN (VALUES (1::smallint), ((-1)::smallint)) AS s (side)
CROSS JOIN LATERAL (
    SELECT unit_end FROM derived.lines
    WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
      AND side = s.side
    ORDER BY unit_end DESC LIMIT 1) AS l;

-- name: open_lines
SELECT l.book_id, l.side, l.unit_start, l.unit_end, l.executed_at, l.rank, l.execution_key,
    l.order_key, l.share_start, l.execution_qty, l.price, l.fee, l.reason, l.evidence
FROM unnest(%(books)s::bigint[], %(matched)s::numeric[]) AS b (book_id, matched)
JOIN derived.lines l ON l.account_id = %(account_id)s AND l.book_id = b.book_id
  AND l.stretch = %(stretch)s AND l.side = ANY('{1,-1}') AND l.unit_end > b.matched
ORDER BY l.book_id, l.side, l.unit_start;

-- name: open_funding
SELECT f.book_id, f.cash_key, f.occurred_at, f.unit_start, f.unit_end, f.amount
FROM unnest(%(books)s::bigint[], %(matched)s::numeric[]) AS b (book_id, matched)
JOIN derived.funding_shares f ON f.account_id = %(account_id)s AND f.book_id = b.book_id
  AND f.stretch = %(stretch)s AND f.unit_end > b.matched
ORDER BY f.book_id, f.occurred_at, f.cash_key;

-- name: put_stretch
INSERT INTO derived.stretches (account_id, category, symbol, leg, started_at, opening_qty,
    opening_evidence, opening_low, opening_high, opening_fixed_at)
VALUES (%(account_id)s, %(category)s, %(symbol)s, %(leg)s, %(started_at)s, %(opening_qty)s,
    %(opening_evidence)s, %(opening_low)s, %(opening_high)s, %(opening_fixed_at)s)
ON CONFLICT (account_id, category, symbol, leg, started_at) DO UPDATE SET
    opening_qty = excluded.opening_qty, opening_evidence = excluded.opening_evidence,
    opening_low = excluded.opening_low, opening_high = excluded.opening_high,
    opening_fixed_at = excluded.opening_fixed_at;

-- name: put_book
INSERT INTO derived.books (account_id, book_id, category, symbol, leg, owner, currency)
VALUES (%(account_id)s, %(book_id)s, %(category)s, %(symbol)s, %(leg)s, %(owner)s, %(currency)s)
ON CONFLICT (account_id, book_id) DO NOTHING;

-- name: copy_lines
COPY derived.lines (account_id, book_id, stretch, side, unit_start, unit_end, executed_at, rank,
    execution_key, order_key, share_start, execution_qty, price, fee, reason, evidence) FROM STDIN;

-- name: copy_matches
COPY derived.lot_matches (account_id, book_id, stretch, unit_start, unit_end, direction, entry_key,
    exit_key, entry_order, exit_order, entry_at, exit_at, entry_price, exit_price, gross, entry_fee,
    exit_fee, funding, entry_reason, entry_evidence, exit_reason, exit_evidence) FROM STDIN;

-- name: copy_funding_shares
COPY derived.funding_shares (account_id, book_id, stretch, cash_key, occurred_at, unit_start,
    unit_end, amount) FROM STDIN;

-- name: copy_alarms
COPY derived.alarms (account_id, category, symbol, leg, stretch, executed_at, rank, kind,
    execution_key) FROM STDIN;

-- name: drop_grown_trades
-- Trades whose group gained a match: they are laid again whole.
DELETE FROM derived.completed_trades t USING (
    SELECT DISTINCT m.book_id, m.direction, m.entry_order, m.exit_order
    FROM derived.lot_matches m
    WHERE m.account_id = %(account_id)s AND m.book_id = ANY(%(books)s)
      AND m.stretch = %(stretch)s AND m.exit_at >= %(since)s
) g
WHERE t.account_id = %(account_id)s AND t.stretch = %(stretch)s AND t.book_id = g.book_id
  AND t.entry_order = g.entry_order AND t.exit_order = g.exit_order AND t.direction = g.direction;

-- name: put_trades
-- Followed by trades_of_books.
INSERT INTO derived.completed_trades (account_id, trade_id, id, book_id, stretch, direction,
    entry_order, exit_order, bot_id, category, symbol, currency,
    entry_order_id, entry_client_order_id, entry_price, entry_time, entry_reason, entry_evidence,
    entry_fee, exit_order_id, exit_client_order_id, exit_price, exit_time, exit_reason,
    exit_evidence, exit_fee, qty, gross, fee, funding, net, net_pct, booked_at);

-- name: trades_of_books
-- Group the matches of these books that ended at or after an instant, whole groups only: by book,
-- direction, entry order and exit order; and the groups that shrank. An average is for display;
-- profit is a sum over matches.
WITH touched AS (
    SELECT m.book_id, m.stretch, m.direction, m.entry_order, m.exit_order
    FROM derived.lot_matches m
    WHERE m.account_id = %(account_id)s AND m.book_id = ANY(%(books)s)
      AND m.stretch = %(stretch)s AND m.exit_at >= %(since)s
    UNION
    SELECT s.book_id, %(stretch)s::timestamptz, s.direction, s.entry_order, s.exit_order
    FROM unnest(%(shrunk_books)s::bigint[], %(shrunk_directions)s::smallint[],
        %(shrunk_entries)s::uuid[], %(shrunk_exits)s::uuid[])
        AS s (book_id, direction, entry_order, exit_order)
),
grouped AS (
    SELECT m.book_id, m.stretch, m.direction, m.entry_order, m.exit_order,
        (array_agg(m.entry_key ORDER BY m.unit_start))[1] AS entry_key,
        (array_agg(m.exit_key ORDER BY m.unit_start))[1] AS exit_key,
        min(m.entry_at) AS entry_time,
        max(m.exit_at) AS exit_time,
        (array_agg(m.entry_reason ORDER BY m.unit_start))[1] AS entry_reason,
        (array_agg(m.entry_evidence ORDER BY m.unit_start))[1] AS entry_evidence,
        (array_agg(m.exit_reason ORDER BY m.unit_start))[1] AS exit_reason,
        (array_agg(m.exit_evidence ORDER BY m.unit_start))[1] AS exit_evidence,
        sum(m.unit_end - m.unit_start) AS qty,
        CASE WHEN bool_and(m.entry_price IS NOT NULL)
            THEN sum((m.unit_end - m.unit_start) * m.entry_price) END AS entry_value,
        CASE WHEN bool_and(m.exit_price IS NOT NULL)
            THEN sum((m.unit_end - m.unit_start) * m.exit_price) END AS exit_value,
        CASE WHEN bool_and(m.gross IS NOT NULL) THEN sum(m.gross) END AS gross,
        CASE WHEN bool_and(m.entry_fee IS NOT NULL) THEN sum(m.entry_fee) END AS entry_fee,
        CASE WHEN bool_and(m.exit_fee IS NOT NULL) THEN sum(m.exit_fee) END AS exit_fee,
        sum(m.funding) AS funding
    FROM touched g
    CROSS JOIN LATERAL (
        SELECT * FROM derived.lot_matches
        WHERE account_id = %(account_id)s AND book_id = g.book_id
          AND entry_order = g.entry_order AND exit_order = g.exit_order
          AND stretch = g.stretch AND direction = g.direction OFFSET 0
    ) AS m
    GROUP BY m.book_id, m.stretch, m.direction, m.entry_order, m.exit_order
),
keyed AS (
    SELECT g.*, b.owner, b.category, b.symbol, b.currency,
        g.gross - g.entry_fee - g.exit_fee - g.funding AS net,
        -- The stretch is no part of it: proving older history must not rename a trade. Only a pair
        -- of orders that stands on both sides of a gap needs it.
        encode(sha256(convert_to(concat_ws('|', b.category, b.symbol, b.leg, b.owner,
            g.direction::text, g.entry_order::text, g.exit_order::text,
            CASE WHEN EXISTS (
                SELECT 1 FROM derived.lot_matches twin
                WHERE twin.account_id = %(account_id)s AND twin.book_id = g.book_id
                  AND twin.entry_order = g.entry_order AND twin.exit_order = g.exit_order
                  AND twin.direction = g.direction AND twin.stretch <> g.stretch
            ) THEN extract(epoch FROM g.stretch)::text END), 'UTF8')), 'hex') AS digest
    FROM grouped g
    JOIN derived.books b ON b.account_id = %(account_id)s AND b.book_id = g.book_id
)
SELECT %(account_id)s, left(k.digest, 32), ('x' || left(k.digest, 15))::bit(60)::bigint,
    k.book_id, k.stretch, k.direction, k.entry_order, k.exit_order,
    k.owner, k.category, k.symbol, k.currency,
    entry.order_id, entry.client_order_id, trim_scale(k.entry_value / k.qty), k.entry_time,
    k.entry_reason, k.entry_evidence, k.entry_fee,
    leave.order_id, leave.client_order_id, trim_scale(k.exit_value / k.qty), k.exit_time,
    k.exit_reason, k.exit_evidence, k.exit_fee,
    k.qty, k.gross, k.entry_fee + k.exit_fee, k.funding, k.net,
    round(100 * k.net / nullif(k.entry_value, 0), 6),
    coalesce(greatest(entry.booked_at, leave.booked_at), k.exit_time)
FROM keyed k
LEFT JOIN LATERAL (
    SELECT e.order_id, e.client_order_id, CASE WHEN e.revision = 0 THEN e.booked_at ELSE (
        SELECT booked_at FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = k.entry_key AND revision = 0) END
        AS booked_at
    FROM facts.executions e
    WHERE e.account_id = %(account_id)s AND e.execution_key = k.entry_key
      AND e.chain_seq <= %(through)s
    ORDER BY e.revision DESC LIMIT 1
) AS entry ON true
LEFT JOIN LATERAL (
    SELECT e.order_id, e.client_order_id, CASE WHEN e.revision = 0 THEN e.booked_at ELSE (
        SELECT booked_at FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = k.exit_key AND revision = 0) END
        AS booked_at
    FROM facts.executions e
    WHERE e.account_id = %(account_id)s AND e.execution_key = k.exit_key
      AND e.chain_seq <= %(through)s
    ORDER BY e.revision DESC LIMIT 1
) AS leave ON true;

-- name: laid_by
-- By which version of the rules this account's figures were laid; this one, when there are none yet.
WITH known AS (
    SELECT derivation_version FROM derived.laid WHERE account_id = %(account_id)s
),
added AS (
    INSERT INTO derived.laid (account_id, derivation_version)
    SELECT %(account_id)s, %(derivation_version)s
    WHERE NOT EXISTS (SELECT 1 FROM known)
    ON CONFLICT DO NOTHING
)
SELECT derivation_version FROM known;
