-- name: last_check
SELECT checked_at, fingerprint, source, can_trade, can_withdraw, expires_on, is_bound, account_kind
FROM ops.key_checks
WHERE account_id = %(account_id)s AND fingerprint = %(fingerprint)s
ORDER BY checked_at DESC, check_id LIMIT 1;

-- name: add_check
INSERT INTO ops.key_checks (account_id, check_id, checked_at, fingerprint, source, can_trade,
    can_withdraw, expires_on, is_bound, account_kind)
VALUES (%(account_id)s, %(check_id)s, %(checked_at)s, %(fingerprint)s, %(source)s, %(can_trade)s,
    %(can_withdraw)s, %(expires_on)s, %(is_bound)s, %(account_kind)s);

-- name: known_accounts
SELECT a.account_id, a.name, a.venue, a.environment, a.venue_user_id, a.state, a.state_reason,
    s.fingerprint
FROM ops.accounts a
LEFT JOIN ops.secrets s USING (account_id)
ORDER BY a.name;

-- name: last_checks
-- The last one of each key.
SELECT DISTINCT ON (account_id, fingerprint) account_id, checked_at, fingerprint, source, can_trade,
    can_withdraw, expires_on, is_bound, account_kind
FROM ops.key_checks
ORDER BY account_id, fingerprint, checked_at DESC, check_id;

-- name: state_of
SELECT state, state_reason FROM ops.accounts WHERE account_id = %(account_id)s;

-- name: put_state
UPDATE ops.accounts SET state = %(state)s, state_reason = %(reason)s
WHERE account_id = %(account_id)s;
