-- name: known_contents
-- What each stream told last of these records.
SELECT DISTINCT ON (record_key, stream) record_key, stream, content_key FROM facts.raw_records
WHERE account_id = %(account_id)s AND record_key = ANY(%(keys)s)
ORDER BY record_key, stream, chain_seq DESC;

-- name: latest_executions
-- What the venue told last of each record, the revision it came as, and the newest revision there is.
SELECT DISTINCT ON (execution_key) execution_key, revision,
    (SELECT max(revision) FROM facts.executions
     WHERE account_id = e.account_id AND execution_key = e.execution_key),
    executed_at, venue_seq, category, symbol, leg, execution_id, order_id, client_order_id, side,
    price, qty, value, closed_qty, fee, fee_currency, fee_inferred, currency, is_maker, exec_type,
    order_type, create_type, stop_type, mark_price
FROM facts.executions e
WHERE account_id = %(account_id)s AND execution_key = ANY(%(keys)s)
  AND revision_reason IN ('first', 'completion', 'revision')
ORDER BY execution_key, revision DESC;

-- name: latest_cash_flows
SELECT DISTINCT ON (cash_key) cash_key, revision,
    (SELECT max(revision) FROM facts.cash_flows
     WHERE account_id = c.account_id AND cash_key = c.cash_key),
    occurred_at, kind, category, symbol, leg, flow_id, amount, currency, position_qty, price
FROM facts.cash_flows c
WHERE account_id = %(account_id)s AND cash_key = ANY(%(keys)s)
  AND revision_reason IN ('first', 'completion', 'revision')
ORDER BY cash_key, revision DESC;

-- name: latest_orders
SELECT DISTINCT ON (order_key) order_key, revision,
    (SELECT max(revision) FROM facts.orders
     WHERE account_id = o.account_id AND order_key = o.order_key),
    ordered_at, category, symbol, leg, order_id, client_order_id, parent_client_order_id, side,
    create_type, stop_type, cancel_type, reduce_only, close_on_trigger, trigger_price, base_price,
    oco_trigger
FROM facts.orders o
WHERE account_id = %(account_id)s AND order_key = ANY(%(keys)s)
  AND revision_reason IN ('first', 'completion', 'revision')
ORDER BY order_key, revision DESC;

-- name: latest_log_entries
SELECT DISTINCT ON (entry_key) entry_key, revision,
    (SELECT max(revision) FROM facts.log_entries
     WHERE account_id = l.account_id AND entry_key = l.entry_key),
    occurred_at, kind, category, symbol, side, currency, change, balance, cash_flow, funding, fee,
    qty, position, execution_id, order_id, execution_key
FROM facts.log_entries l
WHERE account_id = %(account_id)s AND entry_key = ANY(%(keys)s)
  AND revision_reason IN ('first', 'completion', 'revision')
ORDER BY entry_key, revision DESC;

-- name: latest_closed_pnl
SELECT DISTINCT ON (closed_key) closed_key, revision,
    (SELECT max(revision) FROM facts.closed_pnl
     WHERE account_id = p.account_id AND closed_key = p.closed_key),
    closed_at, category, symbol, order_id, side, exec_type, qty, entry_value, exit_value, pnl,
    open_fee, close_fee, fill_count
FROM facts.closed_pnl p
WHERE account_id = %(account_id)s AND closed_key = ANY(%(keys)s)
  AND revision_reason IN ('first', 'completion', 'revision')
ORDER BY closed_key, revision DESC;

-- name: latest_movements
SELECT DISTINCT ON (movement_key) movement_key, revision,
    (SELECT max(revision) FROM facts.movements
     WHERE account_id = m.account_id AND movement_key = m.movement_key),
    moved_at, kind, movement_id, currency, amount, fee, status, is_final, from_account, to_account,
    reference
FROM facts.movements m
WHERE account_id = %(account_id)s AND movement_key = ANY(%(keys)s)
  AND revision_reason IN ('first', 'completion', 'revision')
ORDER BY movement_key, revision DESC;

-- name: said_of_executions
-- The last correction or void of each execution.
SELECT DISTINCT ON (target) target, kind, body FROM facts.statements
WHERE account_id = %(account_id)s AND kind IN ('correction', 'void') AND target = ANY(%(keys)s)
ORDER BY target, chain_seq DESC;

-- name: copy_raw
COPY facts.raw_records (account_id, chain_seq, record_key, content_key, received_at, run_id, stream,
    scope, codec, body, chain_hash) FROM STDIN;

-- name: copy_executions
COPY facts.executions (account_id, revision, revision_reason, chain_seq, booked_at, execution_key,
    executed_at, venue_seq, category, symbol, leg, execution_id, order_id, client_order_id, side,
    price, qty, value, closed_qty, fee, fee_currency, fee_inferred, currency, is_maker, exec_type,
    order_type, create_type, stop_type, mark_price) FROM STDIN;

-- name: copy_cash_flows
COPY facts.cash_flows (account_id, revision, revision_reason, chain_seq, booked_at, cash_key,
    occurred_at, kind, category, symbol, leg, flow_id, amount, currency, position_qty, price)
FROM STDIN;

-- name: copy_orders
COPY facts.orders (account_id, revision, revision_reason, chain_seq, booked_at, order_key,
    ordered_at, category, symbol, leg, order_id, client_order_id, parent_client_order_id, side,
    create_type, stop_type, cancel_type, reduce_only, close_on_trigger, trigger_price, base_price,
    oco_trigger) FROM STDIN;

-- name: copy_log_entries
COPY facts.log_entries (account_id, revision, revision_reason, chain_seq, booked_at, entry_key,
    occurred_at, kind, category, symbol, side, currency, change, balance, cash_flow, funding,
    fee, qty, position, execution_id, order_id, execution_key) FROM STDIN;

-- name: copy_closed_pnl
COPY facts.closed_pnl (account_id, revision, revision_reason, chain_seq, booked_at, closed_key,
    closed_at, category, symbol, order_id, side, exec_type, qty, entry_value, exit_value, pnl,
    open_fee, close_fee, fill_count) FROM STDIN;

-- name: copy_movements
COPY facts.movements (account_id, revision, revision_reason, chain_seq, booked_at, movement_key,
    moved_at, kind, movement_id, currency, amount, fee, status, is_final, from_account,
    to_account, reference) FROM STDIN;

-- name: copy_quarantined
COPY facts.quarantined (account_id, chain_seq, reason, booked_at) FROM STDIN;

-- name: add_window
INSERT INTO facts.windows (account_id, chain_seq, stream, scope, starts_at, ends_at, outcome, pages,
    row_count, read_at, run_id, reason, chain_hash)
VALUES (%(account_id)s, %(chain_seq)s, %(stream)s, %(scope)s, %(starts_at)s, %(ends_at)s,
    %(outcome)s, %(pages)s, %(row_count)s, %(read_at)s, %(run_id)s, %(reason)s, %(chain_hash)s);

-- name: add_statement
INSERT INTO facts.statements (account_id, chain_seq, kind, target, body, stated_at, stated_by,
    reason, chain_hash)
VALUES (%(account_id)s, %(chain_seq)s, %(kind)s, %(target)s, %(body)s, %(stated_at)s,
    %(stated_by)s, %(reason)s, %(chain_hash)s);
