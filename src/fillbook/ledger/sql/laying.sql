-- name: stretch_of_leg
SELECT opening_qty, opening_evidence, opening_low, opening_high, opening_fixed_at, opening_moved,
    opening_moved_at
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
SELECT b.book_id, s.side, l.*
FROM unnest(%(books)s::bigint[], %(matched)s::numeric[]) AS b (book_id, matched)
CROSS JOIN (VALUES (1::smallint), ((-1)::smallint)) AS s (side)
CROSS JOIN LATERAL (
    SELECT unit_start, unit_end, executed_at, rank, execution_key, order_key, share_start,
        execution_qty, price, fee, reason, evidence, value, owner_evidence, tag_unread
    FROM derived.lines
    WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
      AND side = s.side AND unit_end > b.matched
    ORDER BY unit_end OFFSET 0) AS l
ORDER BY b.book_id, s.side, l.unit_start;

-- name: open_funding
SELECT f.book_id, f.cash_key, f.occurred_at, f.unit_start, f.unit_end, f.amount
FROM unnest(%(books)s::bigint[], %(matched)s::numeric[]) AS b (book_id, matched)
JOIN derived.funding_shares f ON f.account_id = %(account_id)s AND f.book_id = b.book_id
  AND f.stretch = %(stretch)s AND f.unit_end > b.matched
ORDER BY f.book_id, f.occurred_at, f.cash_key;

-- name: realized
-- What each book has earned so far: its last match says it.
SELECT b.book_id, m.realized, m.unvalued
FROM unnest(%(books)s::bigint[]) AS b (book_id)
CROSS JOIN LATERAL (
    SELECT realized, unvalued FROM derived.lot_matches
    WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
    ORDER BY unit_start DESC LIMIT 1) AS m;

-- name: trip_starts
-- Where the round trip that is under way in each book begins: at the end of the last one.
SELECT b.book_id, t.unit_end
FROM unnest(%(books)s::bigint[]) AS b (book_id)
CROSS JOIN LATERAL (
    SELECT unit_end FROM derived.round_trips
    WHERE account_id = %(account_id)s AND book_id = b.book_id AND stretch = %(stretch)s
    ORDER BY unit_start DESC LIMIT 1) AS t;

-- name: put_stretch
INSERT INTO derived.stretches (account_id, category, symbol, leg, started_at, opening_qty,
    opening_evidence, opening_low, opening_high, opening_fixed_at, opening_moved, opening_moved_at)
VALUES (%(account_id)s, %(category)s, %(symbol)s, %(leg)s, %(started_at)s, %(opening_qty)s,
    %(opening_evidence)s, %(opening_low)s, %(opening_high)s, %(opening_fixed_at)s,
    %(opening_moved)s, %(opening_moved_at)s)
ON CONFLICT (account_id, category, symbol, leg, started_at) DO UPDATE SET
    opening_qty = excluded.opening_qty, opening_evidence = excluded.opening_evidence,
    opening_low = excluded.opening_low, opening_high = excluded.opening_high,
    opening_fixed_at = excluded.opening_fixed_at, opening_moved = excluded.opening_moved,
    opening_moved_at = excluded.opening_moved_at;

-- name: put_books
INSERT INTO derived.books (account_id, book_id, category, symbol, leg, owner, currency, kind,
    multiplier, qty_min)
SELECT %(account_id)s, b.book_id, %(category)s, %(symbol)s, %(leg)s, b.owner, %(currency)s, %(kind)s,
    %(multiplier)s, %(qty_min)s
FROM unnest(%(books)s::bigint[], %(owners)s::text[]) AS b (book_id, owner)
ON CONFLICT (account_id, book_id) DO UPDATE SET
    currency = excluded.currency, kind = excluded.kind, multiplier = excluded.multiplier,
    qty_min = excluded.qty_min
WHERE (books.currency, books.kind, books.multiplier, books.qty_min)
    IS DISTINCT FROM (excluded.currency, excluded.kind, excluded.multiplier, excluded.qty_min);

-- name: copy_lines
COPY derived.lines (account_id, book_id, stretch, side, unit_start, unit_end, executed_at, rank,
    execution_key, order_key, share_start, execution_qty, price, fee, reason, evidence, value,
    owner_evidence, tag_unread) FROM STDIN;

-- name: copy_matches
COPY derived.lot_matches (account_id, book_id, stretch, unit_start, unit_end, direction, entry_key,
    exit_key, entry_order, exit_order, entry_at, exit_at, entry_price, exit_price, gross, entry_fee,
    exit_fee, funding, entry_reason, entry_evidence, exit_reason, exit_evidence,
    entry_value, exit_value, realized, unvalued) FROM STDIN;

-- name: copy_funding_shares
COPY derived.funding_shares (account_id, book_id, stretch, cash_key, occurred_at, unit_start,
    unit_end, amount) FROM STDIN;

-- name: copy_alarms
COPY derived.alarms (account_id, category, symbol, leg, stretch, executed_at, rank, kind,
    execution_key) FROM STDIN;

-- name: copy_unattached
COPY derived.unattached (account_id, category, symbol, leg, stretch, occurred_at, kind, fact_key,
    currency, amount) FROM STDIN;

-- name: drop_unattached
DELETE FROM derived.unattached
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND stretch = ANY(%(stretches)s) AND occurred_at >= %(since)s;

-- name: laid_by
-- By which version of the rules this account's figures were laid, and up to which link of the chain
-- facts count; this version and none, when nothing was laid yet.
WITH known AS (
    SELECT derivation_version, through_seq FROM derived.laid WHERE account_id = %(account_id)s
),
added AS (
    INSERT INTO derived.laid (account_id, derivation_version, through_seq)
    SELECT %(account_id)s, %(derivation_version)s, 0
    WHERE NOT EXISTS (SELECT 1 FROM known)
    ON CONFLICT DO NOTHING
)
SELECT derivation_version, through_seq FROM known;

-- name: move_through
UPDATE derived.laid SET through_seq = %(through)s WHERE account_id = %(account_id)s;
