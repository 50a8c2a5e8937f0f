-- name: add_token
INSERT INTO ops.tokens (prefix, token_hash, name, scope, created_at)
VALUES (%(prefix)s, %(token_hash)s, %(name)s, %(scope)s, %(now)s);

-- name: find_token
SELECT token_hash, scope FROM ops.tokens WHERE prefix = %(prefix)s AND revoked_at IS NULL;

-- name: revoke_token
UPDATE ops.tokens SET revoked_at = %(now)s WHERE prefix = %(prefix)s AND revoked_at IS NULL
RETURNING name;

-- name: list_tokens
SELECT prefix, name, scope, created_at, revoked_at FROM ops.tokens ORDER BY created_at, prefix;

-- name: forget_revoked
DELETE FROM ops.tokens WHERE revoked_at < %(before)s;
