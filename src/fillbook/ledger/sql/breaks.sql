-- name: open_breaks
SELECT break_id, way, measure, category, symbol, leg, currency, reference, ours, theirs, cause, why,
    tried, starts_at, ends_at, first_seen_at, last_seen_at, times_seen, healed_at, tried_at, tries
FROM ops.breaks
WHERE account_id = %(account_id)s AND healed_at IS NULL
ORDER BY first_seen_at, way, measure, category, symbol, leg, currency, reference;

-- name: put_break
INSERT INTO ops.breaks AS known
    (account_id, break_id, way, measure, category, symbol, leg, currency, reference, ours, theirs,
     cause, why, tried, starts_at, ends_at, first_seen_at, last_seen_at, times_seen, healed_at,
     tried_at, tries)
VALUES (%(account_id)s, %(break_id)s, %(way)s, %(measure)s, %(category)s, %(symbol)s, %(leg)s,
    %(currency)s, %(reference)s, %(ours)s, %(theirs)s, %(cause)s, %(why)s, %(tried)s, %(starts_at)s,
    %(ends_at)s, %(first_seen_at)s, %(last_seen_at)s, %(times_seen)s, %(healed_at)s, %(tried_at)s,
    %(tries)s)
ON CONFLICT (account_id, break_id) DO UPDATE SET
    ours = excluded.ours, theirs = excluded.theirs, cause = excluded.cause, why = excluded.why,
    tried = excluded.tried, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
    last_seen_at = excluded.last_seen_at, times_seen = excluded.times_seen,
    healed_at = excluded.healed_at, tried_at = excluded.tried_at, tries = excluded.tries;

-- name: forget_breaks
-- Closed ones beyond so many, the oldest first.
DELETE FROM ops.breaks
WHERE account_id = %(account_id)s AND healed_at IS NOT NULL AND healed_at <= (
    SELECT healed_at FROM ops.breaks
    WHERE account_id = %(account_id)s AND healed_at IS NOT NULL
    ORDER BY healed_at DESC OFFSET %(kept)s LIMIT 1);

-- name: last_matched
SELECT max(matched_at) FROM ops.reconciliations WHERE account_id = %(account_id)s;

-- name: comparisons
SELECT way, measure, category, symbol, leg, currency, deferrals, agreed_at FROM ops.comparisons
WHERE account_id = %(account_id)s;

-- name: forget_comparisons
-- Legs, coins and lines are looked at whole each time: what was not found now is gone, or agrees. Of
-- orders only some are looked at; theirs stay until their symbol is compared again.
DELETE FROM ops.comparisons c
WHERE c.account_id = %(account_id)s
  AND CASE c.way
        WHEN 'position' THEN %(positions_seen)s
        WHEN 'cash' THEN c.measure <> 'balance' OR %(balances_seen)s
        WHEN 'counts' THEN c.measure = 'log_lines' AND c.verdict <> 'agrees'
        ELSE false END
  AND NOT EXISTS (
    SELECT 1 FROM unnest(%(seen_way)s::text[], %(seen_measure)s::text[], %(seen_category)s::text[],
        %(seen_symbol)s::text[], %(seen_leg)s::text[], %(seen_currency)s::text[])
        AS seen (way, measure, category, symbol, leg, currency)
    WHERE seen.way = c.way AND seen.measure = c.measure AND seen.category = c.category
      AND seen.symbol = c.symbol AND seen.leg = c.leg AND seen.currency = c.currency);

-- name: put_comparison
INSERT INTO ops.comparisons AS known
    (account_id, way, measure, category, symbol, leg, currency, verdict, ours, theirs, items, why,
     matched_at, compared_at, agreed_at, deferrals)
VALUES (%(account_id)s, %(way)s, %(measure)s, %(category)s, %(symbol)s, %(leg)s, %(currency)s,
    %(verdict)s, %(ours)s, %(theirs)s, %(items)s, %(why)s, %(matched_at)s, %(compared_at)s,
    CASE WHEN %(verdict)s = 'agrees' THEN %(matched_at)s::timestamptz END,
    CASE WHEN %(verdict)s = 'deferred' THEN 1 ELSE 0 END)
ON CONFLICT (account_id, way, measure, category, symbol, leg, currency) DO UPDATE SET
    verdict = excluded.verdict, ours = excluded.ours, theirs = excluded.theirs,
    items = excluded.items, why = excluded.why, matched_at = excluded.matched_at,
    compared_at = excluded.compared_at,
    agreed_at = coalesce(excluded.agreed_at, known.agreed_at),
    deferrals = CASE WHEN excluded.verdict = 'deferred' THEN known.deferrals + 1 ELSE 0 END;

-- name: put_reconciliation
INSERT INTO ops.reconciliations
    (account_id, reconciliation_id, observation_id, matched_at, compared_at, agreed, differed,
     deferred, not_compared, opened, healed, unkept, seconds)
VALUES (%(account_id)s, %(reconciliation_id)s, %(observation_id)s, %(matched_at)s, %(compared_at)s,
    %(agreed)s, %(differed)s, %(deferred)s, %(not_compared)s, %(opened)s, %(healed)s, %(unkept)s,
    %(seconds)s);

-- name: forget_reconciliations
DELETE FROM ops.reconciliations
WHERE account_id = %(account_id)s AND compared_at <= (
    SELECT compared_at FROM ops.reconciliations
    WHERE account_id = %(account_id)s
    ORDER BY compared_at DESC OFFSET %(kept)s LIMIT 1);

-- name: compared_time
SELECT way, category, pieces, through_seq FROM ops.compared_time WHERE account_id = %(account_id)s;

-- name: put_compared_time
INSERT INTO ops.compared_time (account_id, way, category, pieces, through_seq)
VALUES (%(account_id)s, %(way)s, %(category)s, %(pieces)s::tstzmultirange, %(through_seq)s)
ON CONFLICT (account_id, way, category) DO UPDATE SET
    pieces = excluded.pieces, through_seq = excluded.through_seq;
