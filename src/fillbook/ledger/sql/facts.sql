-- name: known_contents
-- What each stream told last of these records.
SELECT DISTINCT ON (record_key, stream) record_key, stream, content_key FROM facts.raw_records
WHERE account_id = %(account_id)s AND record_key = ANY(%(keys)s)
ORDER BY record_key, stream, chain_seq DESC;

-- name: latest_executions
SELECT execution_key, revision, executed_at, venue_seq, category, symbol,
    leg, execution_id, order_id, client_order_id, side, price, qty, value, closed_qty, fee,
    fee_currency, fee_inferred, currency, is_maker, exec_type, order_type, create_type, stop_type,
    mark_price
FROM (
    SELECT DISTINCT ON (execution_key) * FROM facts.executions
    WHERE account_id = %(account_id)s AND execution_key = ANY(%(keys)s)
    ORDER BY execution_key, revision DESC
) AS latest
WHERE revision_reason <> 'void';

-- name: latest_cash_flows
SELECT cash_key, revision, occurred_at, kind, category, symbol, leg, flow_id,
    amount, currency, position_qty, price
FROM (
    SELECT DISTINCT ON (cash_key) * FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND cash_key = ANY(%(keys)s)
    ORDER BY cash_key, revision DESC
) AS latest
WHERE revision_reason <> 'void';

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

-- name: copy_quarantined
COPY facts.quarantined (account_id, chain_seq, reason, booked_at) FROM STDIN;

-- name: add_window
INSERT INTO facts.windows (account_id, chain_seq, stream, scope, starts_at, ends_at, outcome, pages,
    row_count, read_at, run_id, reason, chain_hash)
VALUES (%(account_id)s, %(chain_seq)s, %(stream)s, %(scope)s, %(starts_at)s, %(ends_at)s,
    %(outcome)s, %(pages)s, %(row_count)s, %(read_at)s, %(run_id)s, %(reason)s, %(chain_hash)s);
