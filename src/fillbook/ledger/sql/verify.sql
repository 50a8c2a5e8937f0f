-- name: head_and_genesis
SELECT h.chain_seq, h.chain_hash, g.chain_hash, a.account_id, a.venue, a.environment,
    a.venue_user_id, h.generation, g.opened_at, g.opened_by, g.reason
FROM ops.chain_heads h
JOIN ops.accounts a USING (account_id)
LEFT JOIN facts.geneses g USING (account_id, generation)
WHERE h.account_id = %(account_id)s;

-- name: raw_batch
SELECT chain_seq, record_key, content_key, received_at, run_id, stream, scope, codec, body, chain_hash
FROM facts.raw_records
WHERE account_id = %(account_id)s AND chain_seq > %(after)s
ORDER BY chain_seq LIMIT %(limit)s;

-- name: all_windows
SELECT chain_seq, stream, scope, starts_at, ends_at, outcome, pages, row_count, read_at, run_id,
    reason, chain_hash
FROM facts.windows WHERE account_id = %(account_id)s ORDER BY chain_seq;

-- name: windows_between
SELECT chain_seq, stream, scope, starts_at, ends_at, outcome, pages, row_count, read_at, run_id,
    reason, chain_hash
FROM facts.windows
WHERE account_id = %(account_id)s AND chain_seq > %(after)s
  AND (%(until)s::bigint IS NULL OR chain_seq <= %(until)s)
ORDER BY chain_seq;

-- name: statements_between
SELECT chain_seq, kind, target, body, stated_at, stated_by, reason, chain_hash
FROM facts.statements
WHERE account_id = %(account_id)s AND chain_seq > %(after)s
  AND (%(until)s::bigint IS NULL OR chain_seq <= %(until)s)
ORDER BY chain_seq;

-- name: repeated_keys
-- Records that are told more than once, with different bytes, or that a person has spoken of.
SELECT record_key FROM facts.raw_records WHERE account_id = %(account_id)s
GROUP BY record_key HAVING count(*) > 1
UNION
SELECT target FROM facts.statements
WHERE account_id = %(account_id)s AND kind IN ('correction', 'void');

-- name: booked_executions
SELECT account_id, revision, revision_reason, chain_seq, booked_at, execution_key, executed_at,
    venue_seq, category, symbol, leg, execution_id, order_id, client_order_id, side, price, qty,
    value, closed_qty, fee, fee_currency, fee_inferred, currency, is_maker, exec_type, order_type,
    create_type, stop_type, mark_price
FROM facts.executions WHERE account_id = %(account_id)s AND execution_key = ANY(%(keys)s);

-- name: booked_cash_flows
SELECT account_id, revision, revision_reason, chain_seq, booked_at, cash_key, occurred_at, kind,
    category, symbol, leg, flow_id, amount, currency, position_qty, price
FROM facts.cash_flows WHERE account_id = %(account_id)s AND cash_key = ANY(%(keys)s);

-- name: booked_orders
SELECT account_id, revision, revision_reason, chain_seq, booked_at, order_key, ordered_at, category,
    symbol, leg, order_id, client_order_id, parent_client_order_id, side, create_type, stop_type,
    cancel_type, reduce_only, close_on_trigger, trigger_price, base_price, oco_trigger
FROM facts.orders WHERE account_id = %(account_id)s AND order_key = ANY(%(keys)s);

-- name: booked_log_entries
SELECT account_id, revision, revision_reason, chain_seq, booked_at, entry_key, occurred_at,
    kind, category, symbol, side, currency, change, balance, cash_flow, funding, fee, qty,
    position, execution_id, order_id, execution_key
FROM facts.log_entries WHERE account_id = %(account_id)s AND entry_key = ANY(%(keys)s);

-- name: booked_closed_pnl
SELECT account_id, revision, revision_reason, chain_seq, booked_at, closed_key, closed_at,
    category, symbol, order_id, side, exec_type, qty, entry_value, exit_value, pnl, open_fee,
    close_fee, fill_count
FROM facts.closed_pnl WHERE account_id = %(account_id)s AND closed_key = ANY(%(keys)s);

-- name: booked_movements
SELECT account_id, revision, revision_reason, chain_seq, booked_at, movement_key, moved_at,
    kind, movement_id, currency, amount, fee, status, is_final, from_account, to_account,
    reference
FROM facts.movements WHERE account_id = %(account_id)s AND movement_key = ANY(%(keys)s);

-- name: booked_quarantined
SELECT account_id, chain_seq, reason, booked_at FROM facts.quarantined
WHERE account_id = %(account_id)s AND chain_seq = ANY(%(seqs)s);

-- name: count_readings
SELECT (SELECT count(*) FROM facts.executions WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM facts.cash_flows WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM facts.orders WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM facts.log_entries WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM facts.closed_pnl WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM facts.movements WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM facts.quarantined WHERE account_id = %(account_id)s);

-- name: all_coverage
SELECT stream, scope, read, settled, unavailable, live FROM derived.coverage
WHERE account_id = %(account_id)s ORDER BY stream, scope;

-- name: all_terms
SELECT t.venue, t.environment, t.category, t.symbol, t.kind, t.base, t.quote, t.settle,
    t.multiplier, t.price_step, t.qty_step, t.qty_min, t.body, t.valid_from, t.content_hash
FROM facts.contract_terms t JOIN ops.accounts a USING (venue, environment)
WHERE a.account_id = %(account_id)s;

-- name: laid_version
SELECT derivation_version, through_seq FROM derived.laid WHERE account_id = %(account_id)s;

-- name: all_stretches
SELECT category, symbol, leg, started_at, opening_qty, opening_evidence, opening_low, opening_high,
    opening_fixed_at, opening_moved, opening_moved_at
FROM derived.stretches WHERE account_id = %(account_id)s;

-- name: all_books
SELECT book_id, category, symbol, leg, owner, currency, kind, multiplier, qty_min
FROM derived.books WHERE account_id = %(account_id)s;

-- name: laid_lines
SELECT account_id, book_id, stretch, side, unit_start, unit_end, executed_at, rank, execution_key,
    order_key, share_start, execution_qty, price, fee, reason, evidence, value, owner_evidence,
    tag_unread
FROM derived.lines
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s) AND side = ANY('{1,-1}')
  AND stretch = %(stretch)s AND executed_at >= %(since)s AND executed_at < %(until)s;

-- name: laid_matches
SELECT account_id, book_id, stretch, unit_start, unit_end, direction, entry_key, exit_key,
    entry_order, exit_order, entry_at, exit_at, entry_price, exit_price, gross, entry_fee, exit_fee,
    funding, entry_reason, entry_evidence, exit_reason, exit_evidence, entry_value, exit_value,
    realized, unvalued
FROM derived.lot_matches
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = %(stretch)s AND exit_at >= %(since)s AND exit_at < %(until)s;

-- name: laid_funding_shares
SELECT account_id, book_id, stretch, cash_key, occurred_at, unit_start, unit_end, amount
FROM derived.funding_shares
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = %(stretch)s AND occurred_at >= %(since)s AND occurred_at < %(until)s;

-- name: laid_alarms
SELECT account_id, category, symbol, leg, stretch, executed_at, rank, kind, execution_key
FROM derived.alarms
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND stretch = %(stretch)s AND executed_at >= %(since)s
  AND executed_at < %(until)s;

-- name: laid_unattached
SELECT account_id, category, symbol, leg, stretch, occurred_at, kind, fact_key, currency, amount
FROM derived.unattached
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND stretch = %(stretch)s AND occurred_at >= %(since)s
  AND occurred_at < %(until)s;

-- name: laid_trips
SELECT account_id, book_id, stretch, unit_start, unit_end, direction, opened_at, ended_at,
    entry_reason, exit_reason, matches, entry_value, exit_value, gross, fee, funding, net
FROM derived.round_trips
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = %(stretch)s AND ended_at >= %(since)s AND ended_at < %(until)s;

-- name: laid_trades
SELECT account_id, trade_id, id, book_id, stretch, direction, entry_order, exit_order, bot_id,
    category, symbol, currency, entry_order_id, entry_client_order_id, entry_price, entry_time,
    entry_reason, entry_evidence, entry_fee, exit_order_id, exit_client_order_id, exit_price,
    exit_time, exit_reason, exit_evidence, exit_fee, qty, gross, fee, funding, net, net_pct, booked_at
FROM derived.completed_trades WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s)
  AND stretch = %(stretch)s;

-- name: count_trades
SELECT count(*) FROM derived.completed_trades
WHERE account_id = %(account_id)s AND book_id = ANY(%(books)s) AND stretch = %(stretch)s;

-- name: count_laid
SELECT (SELECT count(*) FROM derived.lines WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM derived.lot_matches WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM derived.funding_shares WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM derived.alarms WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM derived.unattached WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM derived.completed_trades WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM derived.round_trips WHERE account_id = %(account_id)s);

-- What follows is hashed: times are written in UTC and text is sorted by its bytes, so that neither
-- a server's time zone nor its collation changes the hash. Facts are hashed as they stand, not by
-- how many tellings they came to: two streams may tell the same in either order.

-- name: content_executions
WITH content AS (
  SELECT execution_key, executed_at AT TIME ZONE 'UTC',
    venue_seq, category, symbol, leg, execution_id, order_id, client_order_id, side, price, qty, value, closed_qty, fee, fee_currency,
    fee_inferred, currency, is_maker, exec_type, order_type, create_type, stop_type, mark_price
  FROM facts.current_executions WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_cash_flows
WITH content AS (
  SELECT cash_key, occurred_at AT TIME ZONE 'UTC', kind,
    category, symbol, leg, flow_id, amount, currency, position_qty, price
  FROM facts.current_cash_flows WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_log_entries
WITH content AS (
  SELECT entry_key, occurred_at AT TIME ZONE 'UTC', kind, category, symbol, side, currency,
    change, balance, cash_flow, funding, fee, qty, position, execution_id, order_id,
    execution_key
  FROM facts.current_log_entries WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_closed_pnl
WITH content AS (
  SELECT closed_key, closed_at AT TIME ZONE 'UTC', category, symbol, order_id, side, exec_type,
    qty, entry_value, exit_value, pnl, open_fee, close_fee, fill_count
  FROM facts.current_closed_pnl WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_movements
WITH content AS (
  SELECT movement_key, moved_at AT TIME ZONE 'UTC', kind, movement_id, currency, amount, fee,
    status, is_final, from_account, to_account, reference
  FROM facts.current_movements WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_disputes
WITH content AS (
  SELECT category, at AT TIME ZONE 'UTC', execution_key, missing_in
  FROM derived.disputes WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_lines
WITH content AS (
  SELECT book_id, stretch AT TIME ZONE 'UTC', side, unit_start, unit_end,
    executed_at AT TIME ZONE 'UTC', rank, execution_key, order_key, share_start, execution_qty, price, fee, reason,
    evidence, value, owner_evidence, tag_unread
  FROM derived.lines WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_matches
WITH content AS (
  SELECT book_id, stretch AT TIME ZONE 'UTC', unit_start, unit_end, direction, entry_key, exit_key,
    entry_order, exit_order, entry_at AT TIME ZONE 'UTC', exit_at AT TIME ZONE 'UTC', entry_price,
    exit_price, gross, entry_fee, exit_fee, funding,
    entry_reason, entry_evidence, exit_reason, exit_evidence, entry_value,
    exit_value, realized, unvalued
  FROM derived.lot_matches WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_funding_shares
WITH content AS (
  SELECT book_id, stretch AT TIME ZONE 'UTC', cash_key, occurred_at AT TIME ZONE 'UTC',
    unit_start, unit_end, amount
  FROM derived.funding_shares WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_trades
WITH content AS (
  SELECT trade_id, id, book_id, stretch AT TIME ZONE 'UTC', direction, entry_order, exit_order,
    bot_id, category, symbol, currency, entry_order_id, entry_client_order_id, entry_price,
    entry_time AT TIME ZONE 'UTC', entry_reason, entry_evidence, entry_fee, exit_order_id,
    exit_client_order_id, exit_price, exit_time AT TIME ZONE 'UTC', exit_reason, exit_evidence,
    exit_fee, qty, gross, fee, funding, net, net_pct
  FROM derived.completed_trades WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_alarms
WITH content AS (
  SELECT category, symbol, leg, stretch AT TIME ZONE 'UTC', executed_at AT TIME ZONE 'UTC', rank,
    kind, execution_key
  FROM derived.alarms WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_books
WITH content AS (
  SELECT book_id, category, symbol, leg, owner, currency, kind, multiplier, qty_min
  FROM derived.books WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_unattached
WITH content AS (
  SELECT category, symbol, leg, stretch AT TIME ZONE 'UTC', occurred_at AT TIME ZONE 'UTC', kind,
    fact_key, currency, amount
  FROM derived.unattached WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_trips
WITH content AS (
  SELECT book_id, stretch AT TIME ZONE 'UTC', unit_start, unit_end, direction,
    opened_at AT TIME ZONE 'UTC', ended_at AT TIME ZONE 'UTC', entry_reason, exit_reason, matches,
    entry_value, exit_value, gross, fee, funding, net
  FROM derived.round_trips WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;

-- name: content_stretches
WITH content AS (
  SELECT category, symbol, leg, started_at AT TIME ZONE 'UTC', opening_qty, opening_evidence,
    opening_low, opening_high, opening_fixed_at AT TIME ZONE 'UTC'
  FROM derived.stretches WHERE account_id = %(account_id)s
)
SELECT encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), ''::bytea)), 'hex')
FROM (SELECT sha256(convert_to(content::text, 'UTF8')) AS digest FROM content) AS digests;
