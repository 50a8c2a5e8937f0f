-- name: unlaid
-- Legs with facts that the books do not know yet, and the first instant of each stretch they touch.
-- `since` is the link of the chain up to which facts count so far; `fresh` is what a proof adds to
-- the time in which one category is laid. A record that was booked again counts with all its
-- readings: it may have moved. An order that was told counts for the executions it explains. No
-- line rests on what other streams tell.
-- LATERAL with OFFSET 0 keeps the look-ups by key: without statistics (a new database) the planner
-- would scan whole tables instead.
WITH booked AS (
    SELECT r.record_key FROM facts.raw_records r
    WHERE r.account_id = %(account_id)s AND r.chain_seq > %(since)s
      AND split_part(r.stream, '.', 1) IN ('executions', 'orders')
),
touched AS (
    SELECT e.category, e.symbol, e.leg, e.executed_at AS at, e.revision > 0 AS revised
    FROM facts.executions e
    WHERE e.account_id = %(account_id)s AND e.category = %(category)s
      AND e.executed_at >= lower(%(fresh)s::tstzmultirange)
      AND e.executed_at < upper(%(fresh)s::tstzmultirange)
      AND %(fresh)s::tstzmultirange @> e.executed_at
    UNION ALL
    SELECT c.category, c.symbol, c.leg, c.occurred_at, c.revision > 0
    FROM facts.cash_flows c
    WHERE c.account_id = %(account_id)s AND c.category = %(category)s
      AND c.occurred_at >= lower(%(fresh)s::tstzmultirange)
      AND c.occurred_at < upper(%(fresh)s::tstzmultirange)
      AND %(fresh)s::tstzmultirange @> c.occurred_at
    UNION ALL
    SELECT other.category, other.symbol, other.leg, other.executed_at, other.revised
    FROM booked b
    CROSS JOIN LATERAL (
        SELECT category, symbol, leg, executed_at, revision > 0 AS revised FROM facts.executions
        WHERE account_id = %(account_id)s AND execution_key = b.record_key OFFSET 0
    ) AS other
    UNION ALL
    SELECT other.category, other.symbol, other.leg, other.occurred_at, other.revised
    FROM booked b
    CROSS JOIN LATERAL (
        SELECT category, symbol, leg, occurred_at, revision > 0 AS revised FROM facts.cash_flows
        WHERE account_id = %(account_id)s AND cash_key = b.record_key OFFSET 0
    ) AS other
    UNION ALL
    SELECT e.category, e.symbol, e.leg, e.executed_at, true
    FROM booked b
    CROSS JOIN LATERAL (
        SELECT DISTINCT category, symbol, order_id FROM facts.orders
        WHERE account_id = %(account_id)s AND order_key = b.record_key OFFSET 0
    ) AS told
    JOIN facts.executions e ON e.account_id = %(account_id)s AND e.category = told.category
      AND e.symbol = told.symbol AND e.order_id = told.order_id
)
SELECT t.category, t.symbol, t.leg, piece, min(t.at), bool_or(t.revised)
FROM touched t
JOIN derived.laid_time l ON l.account_id = %(account_id)s AND l.category = t.category
JOIN LATERAL unnest(l.pieces) AS piece ON piece @> t.at
GROUP BY t.category, t.symbol, t.leg, piece;

-- name: joined_stretches
-- Stretches that begin inside a laid interval: a gap before them has closed.
SELECT s.category, s.symbol, s.leg, piece, s.started_at
FROM derived.stretches s
JOIN derived.laid_time l ON l.account_id = s.account_id AND l.category = s.category
JOIN LATERAL unnest(l.pieces) AS piece
  ON piece @> s.started_at AND lower(piece) < s.started_at
WHERE s.account_id = %(account_id)s AND s.category = %(category)s;

-- name: laid_pieces
-- The time in which a category is laid.
SELECT pieces FROM derived.laid_time WHERE account_id = %(account_id)s AND category = %(category)s;

-- name: all_legs
-- Every leg with facts or a stated opening, or those of some contracts only, in every interval in
-- which their category is laid, from its start.
SELECT legs.category, legs.symbol, legs.leg, piece, lower(piece)
FROM (
    SELECT DISTINCT category, symbol, leg FROM facts.executions
    WHERE account_id = %(account_id)s AND (%(only_symbols)s::text[] IS NULL
      OR (category = ANY(%(only_categories)s::text[]) AND symbol = ANY(%(only_symbols)s::text[])))
    UNION
    SELECT DISTINCT category, symbol, leg FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND (%(only_symbols)s::text[] IS NULL
      OR (category = ANY(%(only_categories)s::text[]) AND symbol = ANY(%(only_symbols)s::text[])))
    UNION
    SELECT o.category, o.symbol, o.leg
    FROM unnest(%(categories)s::text[], %(symbols)s::text[], %(legs)s::text[])
        AS o (category, symbol, leg)
    WHERE %(only_symbols)s::text[] IS NULL
      OR (o.category = ANY(%(only_categories)s::text[]) AND o.symbol = ANY(%(only_symbols)s::text[]))
) AS legs
JOIN derived.laid_time l ON l.account_id = %(account_id)s AND l.category = legs.category
JOIN LATERAL unnest(l.pieces) AS piece ON true
ORDER BY legs.category, legs.symbol, legs.leg, piece;

-- name: legs_of_symbol
SELECT DISTINCT leg FROM facts.current_executions
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s;

-- name: touched_by_executions
-- Where executions stand, and where they stood.
SELECT e.category, e.symbol, e.leg, piece, min(e.executed_at)
FROM facts.executions e
JOIN derived.laid_time l ON l.account_id = e.account_id AND l.category = e.category
JOIN LATERAL unnest(l.pieces) AS piece ON piece @> e.executed_at
WHERE e.account_id = %(account_id)s AND e.execution_key = ANY(%(keys)s)
GROUP BY e.category, e.symbol, e.leg, piece;

-- name: executions_of_client
-- Executions of orders with this client id, or attached to the order with this client id.
SELECT execution_key FROM facts.executions
WHERE account_id = %(account_id)s AND client_order_id = %(client_order_id)s
  AND client_order_id <> ''
UNION
SELECT e.execution_key
FROM facts.orders o
JOIN facts.executions e ON e.account_id = o.account_id AND e.category = o.category
  AND e.symbol = o.symbol AND e.order_id = o.order_id
WHERE o.account_id = %(account_id)s
  AND ((o.client_order_id = %(client_order_id)s AND o.client_order_id <> '')
    OR (o.parent_client_order_id = %(client_order_id)s AND o.parent_client_order_id <> ''));

-- name: touched_by_price
-- Executions whose fee, and payments whose amount, is in a coin, in an interval.
SELECT t.category, t.symbol, t.leg, piece, min(t.at)
FROM (
    SELECT category, symbol, leg, executed_at AS at FROM facts.executions
    WHERE account_id = %(account_id)s AND fee_currency = %(coin)s
      AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
    UNION ALL
    SELECT category, symbol, leg, occurred_at FROM facts.cash_flows
    WHERE account_id = %(account_id)s AND currency = %(coin)s
      AND occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s
) AS t
JOIN derived.laid_time l ON l.account_id = %(account_id)s AND l.category = t.category
JOIN LATERAL unnest(l.pieces) AS piece ON piece @> t.at
GROUP BY t.category, t.symbol, t.leg, piece;

-- name: executions_of_leg
-- A part of a leg's latest readings up to a link of the chain, in order of time.
SELECT execution_key, executed_at, venue_seq, category, symbol, leg, execution_id, order_id,
    client_order_id, side, price, qty, value, closed_qty, fee, fee_currency, fee_inferred, currency,
    is_maker, exec_type, order_type, create_type, stop_type, mark_price
FROM facts.executions e
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
  AND chain_seq <= %(through)s AND revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.executions later
    WHERE later.account_id = e.account_id AND later.execution_key = e.execution_key
      AND later.revision > 0 AND later.revision > e.revision AND later.chain_seq <= %(through)s)
ORDER BY executed_at LIMIT %(limit)s;

-- name: cash_flows_of_leg
SELECT cash_key, occurred_at, kind, category, symbol, leg, flow_id, amount, currency, position_qty,
    price
FROM facts.cash_flows c
WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
  AND leg = %(leg)s AND occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s
  AND kind = 'funding' AND chain_seq <= %(through)s AND revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.cash_flows later
    WHERE later.account_id = c.account_id AND later.cash_key = c.cash_key
      AND later.revision > 0 AND later.revision > c.revision AND later.chain_seq <= %(through)s);

-- name: is_long_and_told
-- Whether a leg has more fills in an interval than a chunk holds, and prints closed sizes at all.
SELECT EXISTS (
    SELECT 1 FROM facts.executions
    WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
      AND leg = %(leg)s AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
    ORDER BY executed_at OFFSET %(offset)s LIMIT 1
) AND EXISTS (
    SELECT 1 FROM facts.executions
    WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
      AND leg = %(leg)s AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
      AND closed_qty IS NOT NULL);

-- name: any_fill
-- Whether a fill of a leg stands in an interval: the first one decides which opening fits.
SELECT EXISTS (
    SELECT 1 FROM facts.executions e
    WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
      AND leg = %(leg)s AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
      AND chain_seq <= %(through)s AND revision_reason <> 'void'
      AND NOT EXISTS (
        SELECT 1 FROM facts.executions later
        WHERE later.account_id = e.account_id AND later.execution_key = e.execution_key
          AND later.revision > 0 AND later.revision > e.revision
          AND later.chain_seq <= %(through)s));

-- name: any_payment
-- Whether a payment of a leg stands in an interval.
SELECT EXISTS (
    SELECT 1 FROM facts.cash_flows c
    WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
      AND leg = %(leg)s AND occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s
      AND kind = 'funding' AND chain_seq <= %(through)s AND revision_reason <> 'void'
      AND NOT EXISTS (
        SELECT 1 FROM facts.cash_flows later
        WHERE later.account_id = c.account_id AND later.cash_key = c.cash_key
          AND later.revision > 0 AND later.revision > c.revision
          AND later.chain_seq <= %(through)s));

-- name: leg_currency
-- What profit and loss of a leg are counted in: the coin of its first execution.
(SELECT currency FROM facts.executions
 WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
   AND leg = %(leg)s AND chain_seq <= %(through)s
 ORDER BY executed_at, execution_key LIMIT 1)
UNION ALL
(SELECT currency FROM facts.cash_flows
 WHERE account_id = %(account_id)s AND category = %(category)s AND symbol = %(symbol)s
   AND leg = %(leg)s AND chain_seq <= %(through)s
 ORDER BY occurred_at, cash_key LIMIT 1)
LIMIT 1;

-- name: stated_rules
-- What was stated of an account's contracts, tags and openings, in the order stated.
SELECT kind, target, body FROM facts.statements
WHERE account_id = %(account_id)s AND chain_seq <= %(through)s
  AND kind IN ('terms', 'tag_pattern', 'opening_balance')
ORDER BY chain_seq;

-- name: stated_prices
SELECT body FROM facts.statements
WHERE account_id = %(account_id)s AND chain_seq <= %(through)s AND kind = 'price'
ORDER BY chain_seq;

-- name: any_stated
SELECT
    EXISTS (SELECT 1 FROM facts.statements
            WHERE account_id = %(account_id)s AND kind = 'assign'),
    EXISTS (SELECT 1 FROM facts.statements
            WHERE account_id = %(account_id)s AND kind = 'intent'),
    EXISTS (SELECT 1 FROM facts.statements
            WHERE account_id = %(account_id)s AND kind = 'price'),
    EXISTS (SELECT 1 FROM facts.orders WHERE account_id = %(account_id)s);

-- name: stated_of
-- The last statement of a kind on each of these targets.
SELECT DISTINCT ON (target) target, body FROM facts.statements
WHERE account_id = %(account_id)s AND kind = %(kind)s AND target = ANY(%(targets)s)
  AND chain_seq <= %(through)s
ORDER BY target, chain_seq DESC;

-- name: orders_of
SELECT DISTINCT ON (order_key) order_key, ordered_at, category, symbol, leg, order_id,
    client_order_id, parent_client_order_id, side, create_type, stop_type, cancel_type, reduce_only,
    close_on_trigger, trigger_price, base_price, oco_trigger
FROM facts.orders
WHERE account_id = %(account_id)s AND order_key = ANY(%(keys)s) AND chain_seq <= %(through)s
ORDER BY order_key, revision DESC;

-- name: unstated_terms
-- The first known terms of contracts that nothing was stated of.
SELECT DISTINCT ON (t.category, t.symbol) t.category, t.symbol, t.kind, t.base, t.multiplier,
    t.qty_min
FROM ops.accounts a
JOIN facts.contract_terms t USING (venue, environment)
JOIN unnest(%(categories)s::text[], %(symbols)s::text[]) AS asked (category, symbol)
  ON asked.category = t.category AND asked.symbol = t.symbol
WHERE a.account_id = %(account_id)s
ORDER BY t.category, t.symbol, t.valid_from;

-- name: find_executions
-- Executions by any id that a person has at hand.
SELECT execution_key, category, symbol, leg, side, qty, price, executed_at, execution_id, order_id,
    client_order_id
FROM facts.current_executions
WHERE account_id = %(account_id)s
  AND (execution_id = %(id)s OR order_id = %(id)s OR client_order_id = %(id)s)
ORDER BY executed_at, execution_id LIMIT %(limit)s;
