-- name: drop_derived_lines
DELETE FROM derived.lines WHERE account_id = %(account_id)s;

-- name: drop_derived_matches
DELETE FROM derived.lot_matches WHERE account_id = %(account_id)s;

-- name: drop_derived_funding
DELETE FROM derived.funding_shares WHERE account_id = %(account_id)s;

-- name: drop_derived_alarms
DELETE FROM derived.alarms WHERE account_id = %(account_id)s;

-- name: drop_derived_trades
DELETE FROM derived.completed_trades WHERE account_id = %(account_id)s;

-- name: drop_derived_stretches
DELETE FROM derived.stretches WHERE account_id = %(account_id)s;

-- name: drop_derived_books
DELETE FROM derived.books WHERE account_id = %(account_id)s;

-- name: drop_derived_coverage
DELETE FROM derived.coverage WHERE account_id = %(account_id)s;

-- name: drop_derived_laid
DELETE FROM derived.laid WHERE account_id = %(account_id)s;

-- name: drop_derived_unattached
DELETE FROM derived.unattached WHERE account_id = %(account_id)s;

-- name: drop_derived_trips
DELETE FROM derived.round_trips WHERE account_id = %(account_id)s;

-- name: drop_derived_disputes
DELETE FROM derived.disputes WHERE account_id = %(account_id)s;

-- name: drop_derived_breaks
DELETE FROM derived.chain_breaks WHERE account_id = %(account_id)s;

-- name: put_coverage
INSERT INTO derived.coverage (account_id, stream, scope, read, settled, unavailable, live)
VALUES (%(account_id)s, %(stream)s, %(scope)s, %(read)s, %(settled)s, %(unavailable)s, %(live)s);

-- name: last_to_count
-- Facts count up to the last proof or statement.
SELECT greatest(
    (SELECT max(chain_seq) FROM facts.windows
     WHERE account_id = %(account_id)s AND outcome <> 'unavailable'),
    (SELECT max(chain_seq) FROM facts.statements WHERE account_id = %(account_id)s), 0);

-- name: outdated
-- Accounts whose figures were laid by another version of the rules.
SELECT account_id FROM derived.laid WHERE derivation_version <> %(derivation_version)s
ORDER BY account_id;

-- name: outdate_leases
-- Whoever is writing now has read from a chain that is about to go.
UPDATE ops.leases SET fence = fence + 1, expires_at = %(now)s WHERE account_id = %(account_id)s;

-- name: wipe_executions
DELETE FROM facts.executions WHERE account_id = %(account_id)s;

-- name: wipe_cash_flows
DELETE FROM facts.cash_flows WHERE account_id = %(account_id)s;

-- name: wipe_quarantined
DELETE FROM facts.quarantined WHERE account_id = %(account_id)s;

-- name: wipe_windows
DELETE FROM facts.windows WHERE account_id = %(account_id)s;

-- name: wipe_raw_records
DELETE FROM facts.raw_records WHERE account_id = %(account_id)s;

-- name: wipe_failures
DELETE FROM ops.window_failures WHERE account_id = %(account_id)s;

-- name: wipe_orders
DELETE FROM facts.orders WHERE account_id = %(account_id)s;

-- name: wipe_log_entries
DELETE FROM facts.log_entries WHERE account_id = %(account_id)s;

-- name: wipe_closed_pnl
DELETE FROM facts.closed_pnl WHERE account_id = %(account_id)s;

-- name: wipe_movements
DELETE FROM facts.movements WHERE account_id = %(account_id)s;

-- name: wipe_statements
DELETE FROM facts.statements WHERE account_id = %(account_id)s;

-- name: wipe_restatements
DELETE FROM ops.restatements WHERE account_id = %(account_id)s;

-- name: wipe_orders_asked
DELETE FROM ops.orders_asked WHERE account_id = %(account_id)s;

-- name: wipe_breaks
DELETE FROM ops.breaks WHERE account_id = %(account_id)s;

-- name: wipe_comparisons
DELETE FROM ops.comparisons WHERE account_id = %(account_id)s;

-- name: wipe_compared_time
DELETE FROM ops.compared_time WHERE account_id = %(account_id)s;

-- name: wipe_reconciliations
DELETE FROM ops.reconciliations WHERE account_id = %(account_id)s;

-- name: wipe_observed_positions
DELETE FROM ops.observed_positions WHERE account_id = %(account_id)s;

-- name: wipe_observed_balances
DELETE FROM ops.observed_balances WHERE account_id = %(account_id)s;

-- name: wipe_observations
DELETE FROM ops.observations WHERE account_id = %(account_id)s;
