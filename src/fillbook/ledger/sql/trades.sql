-- name: drop_trades
-- After drop_matches. How many went, and which of them still have matches: a trade that ended at or
-- after the instant may have begun to end before it.
WITH gone AS (
    DELETE FROM derived.completed_trades
    WHERE account_id = %(account_id)s AND bot_id = ANY(%(owners)s) AND book_id = ANY(%(books)s)
      AND stretch = ANY(%(stretches)s) AND exit_time >= %(since)s
    RETURNING book_id, stretch, direction, entry_order, exit_order
),
shrunk AS (
    SELECT g.* FROM gone g
    WHERE EXISTS (
        SELECT 1 FROM derived.lot_matches m
        WHERE m.account_id = %(account_id)s AND m.book_id = g.book_id
          AND m.entry_order = g.entry_order AND m.exit_order = g.exit_order
          AND (m.stretch, m.direction) IS NOT DISTINCT FROM (g.stretch, g.direction))
)
SELECT (SELECT count(*) FROM gone), coalesce(array_agg(book_id), '{}'),
    coalesce(array_agg(direction), '{}'), coalesce(array_agg(entry_order), '{}'),
    coalesce(array_agg(exit_order), '{}')
FROM shrunk;

-- name: drop_trips
DELETE FROM derived.round_trips
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = ANY(%(stretches)s) AND ended_at >= %(since)s;

-- name: drop_grown_trades
-- Trades whose group gained a match: they are laid again whole.
DELETE FROM derived.completed_trades t USING (
    SELECT DISTINCT b.book_id, m.direction, m.entry_order, m.exit_order
    FROM unnest(%(books)s::bigint[]) AS b (book_id)
    CROSS JOIN LATERAL (
        SELECT direction, entry_order, exit_order FROM derived.lot_matches
        WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
          AND exit_at >= %(since)s OFFSET 0) AS m
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
    SELECT b.book_id, %(stretch)s::timestamptz AS stretch, m.direction, m.entry_order, m.exit_order
    FROM unnest(%(books)s::bigint[]) AS b (book_id)
    CROSS JOIN LATERAL (
        SELECT direction, entry_order, exit_order FROM derived.lot_matches
        WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
          AND exit_at >= %(since)s OFFSET 0) AS m
    UNION
    SELECT s.book_id, %(stretch)s::timestamptz, s.direction, s.entry_order, s.exit_order
    FROM unnest(%(shrunk_books)s::bigint[], %(shrunk_directions)s::smallint[],
        %(shrunk_entries)s::uuid[], %(shrunk_exits)s::uuid[])
        AS s (book_id, direction, entry_order, exit_order)
),
grouped AS (
    SELECT m.book_id, m.stretch, m.direction, m.entry_order, m.exit_order,
        (array_agg(m.entry_key ORDER BY m.unit_start))[1] AS entry_key,
        (array_agg(m.exit_key ORDER BY m.unit_start))[1] AS first_exit_key,
        (array_agg(m.exit_key ORDER BY m.unit_start DESC))[1] AS exit_key,  -- the last one booked
        min(m.entry_at) AS entry_time,
        max(m.exit_at) AS exit_time,
        (array_agg(m.entry_reason ORDER BY m.unit_start))[1] AS entry_reason,
        (array_agg(m.entry_evidence ORDER BY m.unit_start))[1] AS entry_evidence,
        (array_agg(m.exit_reason ORDER BY m.unit_start))[1] AS exit_reason,
        (array_agg(m.exit_evidence ORDER BY m.unit_start))[1] AS exit_evidence,
        sum(m.unit_end - m.unit_start) AS qty,
        CASE WHEN bool_and(m.entry_price IS NOT NULL)
            THEN sum((m.unit_end - m.unit_start) * m.entry_price) END AS entry_priced,
        CASE WHEN bool_and(m.exit_price IS NOT NULL)
            THEN sum((m.unit_end - m.unit_start) * m.exit_price) END AS exit_priced,
        CASE WHEN bool_and(m.entry_value IS NOT NULL) THEN sum(m.entry_value) END AS entry_printed,
        CASE WHEN bool_and(m.exit_value IS NOT NULL) THEN sum(m.exit_value) END AS exit_printed,
        CASE WHEN bool_and(m.gross IS NOT NULL) THEN sum(m.gross) END AS gross,
        CASE WHEN bool_and(m.entry_fee IS NOT NULL) THEN sum(m.entry_fee) END AS entry_fee,
        CASE WHEN bool_and(m.exit_fee IS NOT NULL) THEN sum(m.exit_fee) END AS exit_fee,
        sum(m.funding) AS funding
    FROM touched g
    CROSS JOIN LATERAL (
        SELECT * FROM derived.lot_matches
        WHERE account_id = %(account_id)s AND book_id = g.book_id
          AND entry_order = g.entry_order AND exit_order = g.exit_order
          AND (stretch, direction) IS NOT DISTINCT FROM (g.stretch, g.direction) OFFSET 0
    ) AS m
    GROUP BY m.book_id, m.stretch, m.direction, m.entry_order, m.exit_order
),
keyed AS (
    SELECT g.*, b.owner, b.category, b.symbol, b.currency,
        -- What entry and exit cost, and their average prices: harmonic where value is in the base.
        CASE WHEN b.kind = 'inverse' THEN g.entry_printed ELSE g.entry_priced * b.multiplier END
            AS entry_value,
        CASE WHEN b.kind = 'inverse' THEN g.qty * b.multiplier / nullif(g.entry_printed, 0)
            ELSE g.entry_priced / g.qty END AS entry_price,
        CASE WHEN b.kind = 'inverse' THEN g.qty * b.multiplier / nullif(g.exit_printed, 0)
            ELSE g.exit_priced / g.qty END AS exit_price,
        g.gross - g.entry_fee - g.exit_fee - g.funding AS net,
        -- The stretch is no part of it: proving older history must not rename a trade. The first
        -- execution tells apart a pair of orders that stands on both sides of a gap.
        encode(sha256(convert_to(concat_ws('|', b.category, b.symbol, b.leg, b.owner,
            g.direction::text, g.entry_order::text, g.exit_order::text,
            coalesce(g.entry_key, g.first_exit_key)::text), 'UTF8')), 'hex') AS digest
    FROM grouped g
    JOIN derived.books b ON b.account_id = %(account_id)s AND b.book_id = g.book_id
)
SELECT %(account_id)s, left(k.digest, 32), ('x' || left(k.digest, 15))::bit(60)::bigint,
    k.book_id, k.stretch, k.direction, k.entry_order, k.exit_order,
    k.owner, k.category, k.symbol, k.currency,
    entry.order_id, entry.client_order_id, trim_scale(k.entry_price), k.entry_time,
    k.entry_reason, k.entry_evidence, k.entry_fee,
    leave.order_id, leave.client_order_id, trim_scale(k.exit_price), k.exit_time,
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

-- name: put_trips
-- Followed by trips_of_books.
INSERT INTO derived.round_trips (account_id, book_id, stretch, unit_start, unit_end, direction,
    opened_at, ended_at, entry_reason, exit_reason, matches, entry_value, exit_value, gross, fee,
    funding, net);

-- name: trips_of_books
-- Sum up the matches of each round trip: the units [unit_start, unit_end) of a book's line.
SELECT %(account_id)s, t.book_id, %(stretch)s::timestamptz, t.unit_start, t.unit_end,
    CASE WHEN m.signed < 0 THEN -1 ELSE 1 END::smallint, m.opened_at, t.ended_at, m.entry_reason,
    m.exit_reason, m.matches, m.entry_value, m.exit_value, m.gross, m.entry_fee + m.exit_fee,
    m.funding, m.gross - m.entry_fee - m.exit_fee - m.funding
FROM unnest(%(trip_books)s::bigint[], %(trip_starts)s::numeric[], %(trip_ends)s::numeric[],
    %(trip_times)s::timestamptz[]) AS t (book_id, unit_start, unit_end, ended_at)
JOIN derived.books b ON b.account_id = %(account_id)s AND b.book_id = t.book_id
CROSS JOIN LATERAL (
    SELECT
        sum(direction * (l.unit_end - l.unit_start)) AS signed,
        min(entry_at) AS opened_at,
        (array_agg(l.entry_reason ORDER BY l.unit_start))[1] AS entry_reason,
        (array_agg(l.exit_reason ORDER BY l.unit_start DESC))[1] AS exit_reason,
        count(*) AS matches,
        CASE WHEN b.kind = 'inverse' THEN
            CASE WHEN bool_and(l.entry_value IS NOT NULL) THEN sum(l.entry_value) END
        WHEN bool_and(l.entry_price IS NOT NULL) THEN
            sum((l.unit_end - l.unit_start) * l.entry_price) * b.multiplier END AS entry_value,
        CASE WHEN b.kind = 'inverse' THEN
            CASE WHEN bool_and(l.exit_value IS NOT NULL) THEN sum(l.exit_value) END
        WHEN bool_and(l.exit_price IS NOT NULL) THEN
            sum((l.unit_end - l.unit_start) * l.exit_price) * b.multiplier END AS exit_value,
        CASE WHEN bool_and(l.gross IS NOT NULL) THEN sum(l.gross) END AS gross,
        CASE WHEN bool_and(l.entry_fee IS NOT NULL) THEN sum(l.entry_fee) END AS entry_fee,
        CASE WHEN bool_and(l.exit_fee IS NOT NULL) THEN sum(l.exit_fee) END AS exit_fee,
        sum(l.funding) AS funding
    FROM derived.lot_matches l
    WHERE l.account_id = %(account_id)s AND l.book_id = t.book_id
      AND l.stretch = %(stretch)s AND l.unit_start >= t.unit_start AND l.unit_start < t.unit_end
) AS m;

-- name: stage_restatements
-- Before trades are dropped: what they said. What they say afterwards is filled in later.
INSERT INTO ops.restatements (account_id, caused_by, trade_id, restated_at, cause, category, symbol,
    leg,
    before_bot_id, before_entry_time, before_entry_reason, before_exit_time, before_exit_reason,
    before_qty, before_gross, before_fee, before_funding, before_net)
SELECT account_id, %(caused_by)s, trade_id, %(restated_at)s, %(cause)s, category, symbol, %(leg)s,
    bot_id, entry_time, entry_reason, exit_time, exit_reason, qty, gross, fee, funding, net
FROM derived.completed_trades
WHERE account_id = %(account_id)s AND bot_id = ANY(%(owners)s) AND book_id = ANY(%(books)s)
  AND stretch = ANY(%(stretches)s) AND exit_time >= %(since)s
ON CONFLICT DO NOTHING;

-- name: stage_grown
-- Before trades that ended earlier gain a match: what they said.
INSERT INTO ops.restatements (account_id, caused_by, trade_id, restated_at, cause, category, symbol,
    leg,
    before_bot_id, before_entry_time, before_entry_reason, before_exit_time, before_exit_reason,
    before_qty, before_gross, before_fee, before_funding, before_net)
SELECT t.account_id, %(caused_by)s, t.trade_id, %(restated_at)s, %(cause)s, t.category, t.symbol,
    %(leg)s,
    t.bot_id, t.entry_time, t.entry_reason, t.exit_time, t.exit_reason, t.qty, t.gross, t.fee,
    t.funding, t.net
FROM (
    SELECT DISTINCT b.book_id, m.direction, m.entry_order, m.exit_order
    FROM unnest(%(books)s::bigint[]) AS b (book_id)
    CROSS JOIN LATERAL (
        SELECT direction, entry_order, exit_order FROM derived.lot_matches
        WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
          AND exit_at >= %(since)s OFFSET 0) AS m
) g
JOIN derived.completed_trades t ON t.account_id = %(account_id)s AND t.book_id = g.book_id
  AND t.entry_order = g.entry_order AND t.exit_order = g.exit_order AND t.direction = g.direction
WHERE t.stretch = %(stretch)s
ON CONFLICT DO NOTHING;

-- name: restate_trades
-- What the staged trades say now; those that are gone keep NULL.
UPDATE ops.restatements r
SET after_bot_id = t.bot_id, after_entry_time = t.entry_time, after_entry_reason =
    t.entry_reason, after_exit_time = t.exit_time, after_exit_reason = t.exit_reason, after_qty
    = t.qty, after_gross = t.gross, after_fee = t.fee, after_funding = t.funding, after_net =
    t.net
FROM derived.completed_trades t
WHERE r.account_id = %(account_id)s AND r.caused_by = %(caused_by)s
  AND r.category = %(category)s AND r.symbol = %(symbol)s AND r.leg = %(leg)s
  AND t.account_id = %(account_id)s AND t.trade_id = r.trade_id;

-- name: restate_new_trades
-- Trades that appeared: after a proof only between those that were there before.
INSERT INTO ops.restatements (account_id, caused_by, trade_id, restated_at, cause, category, symbol,
    leg,
    after_bot_id, after_entry_time, after_entry_reason, after_exit_time, after_exit_reason,
    after_qty, after_gross, after_fee, after_funding, after_net)
SELECT t.account_id, %(caused_by)s, t.trade_id, %(restated_at)s, %(cause)s, t.category, t.symbol,
    %(leg)s,
    t.bot_id, t.entry_time, t.entry_reason, t.exit_time, t.exit_reason, t.qty, t.gross, t.fee,
    t.funding, t.net
FROM derived.books b
JOIN derived.completed_trades t
  ON t.account_id = b.account_id AND t.bot_id = b.owner AND t.book_id = b.book_id
WHERE b.account_id = %(account_id)s AND b.category = %(category)s AND b.symbol = %(symbol)s
  AND b.leg = %(leg)s AND t.exit_time >= %(since)s
  AND (NOT %(of_proof)s OR t.exit_time <= (
    SELECT max(before_exit_time) FROM ops.restatements
    WHERE account_id = %(account_id)s AND caused_by = %(caused_by)s
      AND category = %(category)s AND symbol = %(symbol)s AND leg = %(leg)s))
ON CONFLICT DO NOTHING;

-- name: forget_unchanged
DELETE FROM ops.restatements
WHERE account_id = %(account_id)s AND caused_by = %(caused_by)s
  AND category = %(category)s AND symbol = %(symbol)s AND leg = %(leg)s
  AND (before_bot_id, before_entry_time, before_entry_reason, before_exit_time, before_exit_reason,
    before_qty, before_gross, before_fee, before_funding, before_net)
    IS NOT DISTINCT FROM
      (after_bot_id, after_entry_time, after_entry_reason, after_exit_time, after_exit_reason,
    after_qty, after_gross, after_fee, after_funding, after_net);

-- name: count_restated
SELECT count(*) FROM ops.restatements
WHERE account_id = %(account_id)s AND caused_by = %(caused_by)s;
