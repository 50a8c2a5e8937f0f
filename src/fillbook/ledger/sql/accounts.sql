-- name: find_account
SELECT account_id, name, venue, environment, venue_user_id FROM ops.accounts
WHERE venue = %(venue)s AND environment = %(environment)s AND venue_user_id = %(venue_user_id)s;

-- name: add_account
INSERT INTO ops.accounts (name, venue, environment, venue_user_id, created_at)
VALUES (%(name)s, %(venue)s, %(environment)s, %(venue_user_id)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING account_id;

-- name: list_accounts
SELECT account_id, name, venue, environment, venue_user_id FROM ops.accounts ORDER BY name;

-- name: add_genesis
INSERT INTO facts.geneses (account_id, generation, opened_at, opened_by, reason, chain_hash)
VALUES (%(account_id)s, %(generation)s, %(opened_at)s, %(opened_by)s, %(reason)s, %(chain_hash)s);

-- name: identity_of
SELECT account_id, venue, environment, venue_user_id FROM ops.accounts
WHERE account_id = %(account_id)s;

-- name: put_head
INSERT INTO ops.chain_heads (account_id, generation, chain_seq, chain_hash)
VALUES (%(account_id)s, %(generation)s, 0, %(chain_hash)s)
ON CONFLICT (account_id) DO UPDATE SET generation = excluded.generation,
    chain_seq = excluded.chain_seq, chain_hash = excluded.chain_hash;

-- name: latest_terms
SELECT DISTINCT ON (category, symbol) category, symbol, body FROM facts.contract_terms
WHERE venue = %(venue)s AND environment = %(environment)s
ORDER BY category, symbol, valid_from DESC;

-- name: add_terms
INSERT INTO facts.contract_terms (venue, environment, category, symbol, valid_from, kind, base,
    quote, settle, multiplier, price_step, qty_step, qty_min, body, content_hash)
VALUES (%(venue)s, %(environment)s, %(category)s, %(symbol)s, %(valid_from)s, %(kind)s, %(base)s,
    %(quote)s, %(settle)s, %(multiplier)s, %(price_step)s, %(qty_step)s, %(qty_min)s, %(body)s,
    %(content_hash)s)
ON CONFLICT DO NOTHING;

-- name: put_mark
INSERT INTO ops.marks (venue, environment, category, symbol, mark_price, observed_at)
VALUES (%(venue)s, %(environment)s, %(category)s, %(symbol)s, %(mark_price)s, %(observed_at)s)
ON CONFLICT (venue, environment, category, symbol) DO UPDATE SET
    mark_price = excluded.mark_price, observed_at = excluded.observed_at;

-- name: add_audit
INSERT INTO ops.audit (account_id, audit_id, happened_at, actor, act, detail)
VALUES (%(account_id)s, %(audit_id)s, %(happened_at)s, %(actor)s, %(act)s, %(detail)s);

-- name: register_bot
-- What is registered stays as it is where nothing else is said; a bot that stands in a setting can
-- still be registered.
INSERT INTO facts.bots AS known
    (bot_id, bot_name, bot_type, status, deployment_mode, known_from)
VALUES (%(bot_id)s, coalesce(%(bot_name)s::text, ''), coalesce(%(bot_type)s::text, ''),
    coalesce(%(status)s::text, 'active'), coalesce(%(deployment_mode)s::text, 'live'),
    %(known_from)s)
ON CONFLICT (bot_id) DO UPDATE SET
    bot_name = coalesce(%(bot_name)s::text, known.bot_name),
    bot_type = coalesce(%(bot_type)s::text, known.bot_type),
    status = coalesce(%(status)s::text, known.status),
    deployment_mode = coalesce(%(deployment_mode)s::text, known.deployment_mode),
    known_from = excluded.known_from
WHERE excluded.known_from = 'registered';

-- name: categories_held
-- The categories in which an account has ever held something.
SELECT DISTINCT category FROM derived.books WHERE account_id = %(account_id)s ORDER BY category;
