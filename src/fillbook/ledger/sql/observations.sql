-- name: add_observation
INSERT INTO ops.observations
    (account_id, observation_id, asked_at, answered_at, positions_error, balances_error, is_daily)
VALUES (%(account_id)s, %(observation_id)s, %(asked_at)s, %(answered_at)s, %(positions_error)s,
    %(balances_error)s,
    %(positions_error)s::text IS NULL AND %(balances_error)s::text IS NULL AND NOT EXISTS (
        SELECT 1 FROM ops.observations
        WHERE account_id = %(account_id)s AND is_daily
          AND asked_at >= date_trunc('day', %(asked_at)s::timestamptz, 'UTC')
          AND asked_at < date_trunc('day', %(asked_at)s::timestamptz, 'UTC') + interval '24 hours'));

-- name: add_position
INSERT INTO ops.observed_positions
    (account_id, observation_id, category, symbol, leg, observed_at, qty, entry_price, mark_price,
     unrealised, leverage, liquidation_price, take_profit, stop_loss, opened_at, updated_at,
     venue_seq)
VALUES (%(account_id)s, %(observation_id)s, %(category)s, %(symbol)s, %(leg)s, %(observed_at)s,
    %(qty)s, %(entry_price)s, %(mark_price)s, %(unrealised)s, %(leverage)s, %(liquidation_price)s,
    %(take_profit)s, %(stop_loss)s, %(opened_at)s, %(updated_at)s, %(venue_seq)s)
ON CONFLICT DO NOTHING;

-- name: add_balance
INSERT INTO ops.observed_balances
    (account_id, observation_id, wallet, currency, observed_at, balance, borrowed, equity,
     value_usd)
VALUES (%(account_id)s, %(observation_id)s, %(wallet)s, %(currency)s, %(observed_at)s,
    %(balance)s, %(borrowed)s, %(equity)s, %(value_usd)s)
ON CONFLICT DO NOTHING;

-- name: oldest_kept
-- The last observation but so many, and the last daily one but so many; what is older is forgotten.
SELECT
    (SELECT asked_at FROM ops.observations WHERE account_id = %(account_id)s
     ORDER BY asked_at DESC OFFSET %(kept)s LIMIT 1),
    (SELECT asked_at FROM ops.observations WHERE account_id = %(account_id)s AND is_daily
     ORDER BY asked_at DESC OFFSET %(daily_kept)s LIMIT 1);

-- name: forget_positions
DELETE FROM ops.observed_positions p USING ops.observations o
WHERE p.account_id = %(account_id)s AND o.account_id = %(account_id)s
  AND o.observation_id = p.observation_id AND o.asked_at <= %(until)s
  AND (NOT o.is_daily OR o.asked_at <= %(daily_until)s::timestamptz);

-- name: forget_balances
DELETE FROM ops.observed_balances b USING ops.observations o
WHERE b.account_id = %(account_id)s AND o.account_id = %(account_id)s
  AND o.observation_id = b.observation_id AND o.asked_at <= %(until)s
  AND (NOT o.is_daily OR o.asked_at <= %(daily_until)s::timestamptz);

-- name: forget_observations
DELETE FROM ops.observations WHERE account_id = %(account_id)s AND asked_at <= %(until)s
  AND (NOT is_daily OR asked_at <= %(daily_until)s::timestamptz);
