-- name: put_secret
INSERT INTO ops.secrets
    (account_id, base_url, may_trade, fingerprint, key_id, sealed, stored_at)
VALUES (%(account_id)s, %(base_url)s, %(may_trade)s, %(fingerprint)s, %(key_id)s, %(sealed)s,
    %(now)s)
ON CONFLICT (account_id) DO UPDATE SET base_url = excluded.base_url,
    may_trade = excluded.may_trade, fingerprint = excluded.fingerprint,
    key_id = excluded.key_id, sealed = excluded.sealed, stored_at = excluded.stored_at;

-- name: list_secrets
SELECT s.account_id, a.venue, a.environment, s.base_url, s.may_trade, s.key_id, s.sealed, a.name
FROM ops.secrets s
JOIN ops.accounts a USING (account_id)
ORDER BY a.name;

-- name: lock_secrets
-- Nothing is sealed with an old key while all is sealed with a new one.
LOCK TABLE ops.secrets IN EXCLUSIVE MODE;

-- name: seal_again
UPDATE ops.secrets SET key_id = %(key_id)s, sealed = %(sealed)s
WHERE account_id = %(account_id)s;

-- name: delete_secret
DELETE FROM ops.secrets WHERE account_id = %(account_id)s RETURNING fingerprint;
