-- The SQL face, second edition: kinds of contract, live tails, round trips, events, statements.
-- Existing columns keep their names and their order; new ones stand at the end.

-- Whether a bot was registered by its owner or stands in a setting. Others are seen in client tags.
ALTER TABLE facts.bots ADD COLUMN known_from text NOT NULL DEFAULT 'registered';

-- What the units [0, reached) of [0, whole) bear of a total: the kernel's telescoping share, rounded
-- half to even at 18 decimals, or at the total's own when it has more.
CREATE FUNCTION derived.borne(total numeric, reached numeric, whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN reached = 0 THEN 0
        WHEN reached = whole THEN total
        ELSE (
            SELECT sign(total) * (div(n.amount, whole) + CASE
                WHEN 2 * mod(n.amount, whole) > whole THEN 1
                WHEN 2 * mod(n.amount, whole) = whole THEN mod(div(n.amount, whole), 2)
                ELSE 0 END) * ('1e-' || n.places)::numeric
            FROM (
                SELECT p.places, abs(total) * ('1e' || p.places)::numeric * reached AS amount
                FROM (SELECT greatest(18, min_scale(total)) AS places) AS p
            ) AS n)
        END
$$;

-- What each book holds now. Only a stretch that begins with the last laid piece of time says so:
-- beyond a gap, or behind an opening that is not known, the quantity is NULL, which is not flat.
CREATE VIEW derived.held AS
SELECT
    b.account_id, b.book_id, st.started_at AS stretch, st.opening_evidence, ends.bought, ends.sold,
    least(ends.bought, ends.sold) AS matched,
    CASE WHEN st.started_at IS NOT NULL THEN ends.bought - ends.sold END AS qty,
    greatest(ends.bought_at, ends.sold_at) AS updated_at,
    NOT st.proven @> greatest(ends.bought_at, ends.sold_at) AS is_provisional
FROM derived.books b
LEFT JOIN LATERAL (
    SELECT s.started_at, s.opening_evidence, t.proven
    FROM derived.laid_time t
    JOIN derived.stretches s ON s.account_id = b.account_id AND s.category = b.category
      AND s.symbol = b.symbol AND s.leg = b.leg
      AND s.started_at = (SELECT max(lower(p.piece)) FROM unnest(t.pieces) AS p (piece))
    WHERE t.account_id = b.account_id AND t.category = b.category
      AND s.opening_evidence <> 'unknown'
) AS st ON true
CROSS JOIN LATERAL (
    SELECT coalesce(max(l.unit_end) FILTER (WHERE l.side = 1), 0) AS bought,
           coalesce(max(l.unit_end) FILTER (WHERE l.side = -1), 0) AS sold,
           max(l.executed_at) FILTER (WHERE l.side = 1) AS bought_at,
           max(l.executed_at) FILTER (WHERE l.side = -1) AS sold_at
    FROM (VALUES (1::smallint), ((-1)::smallint)) AS sides (side)
    CROSS JOIN LATERAL (
        SELECT last.side, last.unit_end, last.executed_at FROM derived.lines last
        WHERE last.account_id = b.account_id AND last.book_id = b.book_id
          AND last.stretch = st.started_at AND last.side = sides.side
        ORDER BY last.unit_end DESC LIMIT 1) AS l
) AS ends;

CREATE OR REPLACE VIEW trading.completed_trades AS
SELECT
    t.id,
    t.trade_id,
    t.bot_id,
    t.symbol,
    t.entry_order_id,
    t.entry_client_order_id,
    CASE WHEN t.direction = 1 THEN 'Buy' ELSE 'Sell' END AS entry_side,
    t.entry_price,
    t.qty AS entry_qty,
    t.entry_time,
    t.entry_reason,
    t.entry_fee AS entry_commission,
    t.exit_order_id,
    t.exit_client_order_id,
    CASE WHEN t.direction = 1 THEN 'Sell' ELSE 'Buy' END AS exit_side,
    t.exit_price,
    t.qty AS exit_qty,
    t.exit_time,
    t.exit_reason,
    t.exit_fee AS exit_commission,
    t.gross AS gross_pnl,
    t.net AS net_pnl,
    t.net_pct AS pnl_pct,
    t.fee AS total_commission,
    floor(extract(epoch FROM t.exit_time - t.entry_time))::bigint AS holding_duration_seconds,
    a.venue || '_api' AS source,
    t.booked_at AS synced_at,
    t.booked_at AS created_at,
    t.account_id,
    a.venue AS exchange,
    t.category,
    t.funding,
    t.currency,
    t.entry_evidence AS entry_reason_evidence,
    t.exit_evidence AS exit_reason_evidence,
    t.gross IS NOT NULL AND t.fee IS NULL AS fee_unvalued,
    b.leg
FROM derived.completed_trades t
JOIN ops.accounts a USING (account_id)
JOIN derived.books b USING (account_id, book_id);

CREATE OR REPLACE VIEW trading.execution_owners AS
SELECT
    l.account_id,
    e.execution_id,
    e.order_id,
    b.owner AS bot_id,
    l.unit_end - l.unit_start AS qty,
    l.owner_evidence
FROM derived.lines l
JOIN derived.books b USING (account_id, book_id)
JOIN facts.current_executions e
  ON e.account_id = l.account_id AND e.execution_key = l.execution_key;

-- The trade and the executions are looked up only where they are asked for.
CREATE OR REPLACE VIEW trading.lot_matches AS
SELECT
    m.account_id, a.venue AS exchange, b.category, b.symbol, b.leg, b.owner AS bot_id,
    CASE WHEN m.direction = 1 THEN 'long' ELSE 'short' END AS direction,
    m.unit_end - m.unit_start AS qty,
    m.entry_at AS entry_time, m.entry_price, m.entry_fee AS entry_commission, m.entry_reason,
    m.exit_at AS exit_time, m.exit_price, m.exit_fee AS exit_commission, m.exit_reason,
    m.gross AS gross_pnl, m.funding,
    m.gross - m.entry_fee - m.exit_fee - m.funding AS net_pnl,
    b.currency, m.stretch, m.unit_start, m.unit_end,
    m.entry_evidence AS entry_reason_evidence,
    m.exit_evidence AS exit_reason_evidence,
    m.entry_value,
    m.exit_value,
    (SELECT t.trade_id FROM derived.completed_trades t
     WHERE t.account_id = m.account_id AND t.book_id = m.book_id AND t.entry_order = m.entry_order
       AND t.exit_order = m.exit_order AND t.stretch = m.stretch AND t.direction = m.direction
     LIMIT 1) AS trade_id,
    (SELECT x.execution_id FROM facts.executions x
     WHERE x.account_id = m.account_id AND x.execution_key = m.entry_key
     ORDER BY x.revision DESC LIMIT 1) AS entry_execution_id,
    (SELECT x.execution_id FROM facts.executions x
     WHERE x.account_id = m.account_id AND x.execution_key = m.exit_key
     ORDER BY x.revision DESC LIMIT 1) AS exit_execution_id
FROM derived.lot_matches m
JOIN derived.books b USING (account_id, book_id)
JOIN ops.accounts a USING (account_id);

CREATE OR REPLACE VIEW trading.positions AS
SELECT
    b.account_id,
    a.venue AS exchange,
    b.category,
    b.symbol,
    b.leg,
    b.owner AS bot_id,
    CASE WHEN held.qty > 0 THEN 'Buy' WHEN held.qty < 0 THEN 'Sell' WHEN held.qty = 0 THEN '' END
        AS side,
    abs(held.qty) AS quantity,
    CASE WHEN b.kind = 'inverse' THEN lots.qty * b.multiplier / nullif(lots.cost, 0)
        ELSE lots.cost / nullif(lots.qty * b.multiplier, 0) END AS avg_entry_price,
    lots.cost,
    earned.realized AS realized_pnl,
    CASE
        WHEN lots.qty IS DISTINCT FROM abs(held.qty) THEN NULL
        WHEN b.kind = 'inverse'
            THEN sign(held.qty) * (lots.cost - lots.qty * b.multiplier / nullif(k.mark_price, 0))
        ELSE sign(held.qty) * (k.mark_price * lots.qty * b.multiplier - lots.cost)
    END AS unrealized_pnl,
    k.mark_price,
    k.observed_at AS mark_time,
    lots.opened_at,
    held.updated_at,
    coalesce(held.opening_evidence, 'unknown') AS opening_evidence,
    held.is_provisional,
    b.kind,
    earned.unvalued
FROM derived.books b
JOIN derived.held USING (account_id, book_id)
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(last.realized), 0) AS realized,
           coalesce(sum(last.unvalued), 0)::bigint AS unvalued
    FROM derived.stretches s
    CROSS JOIN LATERAL (
        SELECT m.realized, m.unvalued FROM derived.lot_matches m
        WHERE m.account_id = b.account_id AND m.book_id = b.book_id AND m.stretch = s.started_at
        ORDER BY m.unit_start DESC LIMIT 1) AS last
    WHERE s.account_id = b.account_id AND s.category = b.category AND s.symbol = b.symbol
      AND s.leg = b.leg
) AS earned
LEFT JOIN LATERAL (
    SELECT sum(lot.qty) AS qty, min(lot.executed_at) AS opened_at,
        CASE
            WHEN b.kind = 'inverse' THEN CASE WHEN bool_and(lot.value IS NOT NULL) THEN
                sum(derived.borne(lot.value, lot.reached, lot.execution_qty)
                    - derived.borne(lot.value, lot.reached - lot.qty, lot.execution_qty)) END
            WHEN bool_and(lot.price IS NOT NULL) THEN sum(lot.qty * lot.price) * b.multiplier
        END AS cost
    FROM (
        SELECT l.unit_end - greatest(l.unit_start, held.matched) AS qty, l.price, l.value,
            l.share_start + l.unit_end - l.unit_start AS reached, l.execution_qty, l.executed_at
        FROM derived.lines l
        WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = held.stretch
          AND l.side = sign(held.qty)::smallint AND l.unit_end > held.matched OFFSET 0
    ) AS lot
) AS lots ON true
LEFT JOIN ops.marks k
  ON k.venue = a.venue AND k.environment = a.environment
 AND k.category = b.category AND k.symbol = b.symbol;

-- From flat to flat. The closed ones are laid; the one that is under way is summed up here, from
-- the matches beyond the last one's end. Beyond a gap nobody knows what of it is still open.
CREATE VIEW trading.round_trips AS
WITH trips AS (
    SELECT r.account_id, r.book_id, r.direction, 'CLOSED' AS status, r.opened_at,
        r.ended_at AS closed_at, r.unit_end - r.unit_start AS quantity, r.entry_value, r.exit_value,
        r.gross, r.fee, r.funding, r.net, r.matches, r.entry_reason, r.exit_reason,
        0::numeric AS open_quantity
    FROM derived.round_trips r
    UNION ALL
    SELECT b.account_id, b.book_id,
        CASE WHEN coalesce(nullif(m.signed, 0), held.qty) < 0 THEN -1 ELSE 1 END::smallint, 'OPEN',
        least(m.opened_at, first.executed_at), NULL, m.quantity,
        m.entry_value, m.exit_value, m.gross, m.entry_fee + m.exit_fee, m.funding,
        m.gross - m.entry_fee - m.exit_fee - m.funding, m.matches,
        coalesce(m.entry_reason, first.reason), m.exit_reason, abs(held.qty)
    FROM derived.books b
    JOIN derived.stretches s ON s.account_id = b.account_id AND s.category = b.category
      AND s.symbol = b.symbol AND s.leg = b.leg
    LEFT JOIN derived.held ON held.account_id = b.account_id AND held.book_id = b.book_id
      AND held.stretch = s.started_at
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT r.unit_end FROM derived.round_trips r
            WHERE r.account_id = b.account_id AND r.book_id = b.book_id AND r.stretch = s.started_at
            ORDER BY r.unit_start DESC LIMIT 1), 0) AS unit_start
    ) AS trip
    CROSS JOIN LATERAL (
        SELECT
            sum(l.direction * (l.unit_end - l.unit_start)) AS signed,
            coalesce(sum(l.unit_end - l.unit_start), 0) AS quantity,
            min(l.entry_at) AS opened_at,
            (array_agg(l.entry_reason ORDER BY l.unit_start))[1] AS entry_reason,
            (array_agg(l.exit_reason ORDER BY l.unit_start DESC))[1] AS exit_reason,
            count(*) AS matches,
            CASE WHEN b.kind = 'inverse' THEN
                CASE WHEN coalesce(bool_and(l.entry_value IS NOT NULL), true)
                    THEN coalesce(sum(l.entry_value), 0) END
            WHEN coalesce(bool_and(l.entry_price IS NOT NULL), true) THEN
                coalesce(sum((l.unit_end - l.unit_start) * l.entry_price) * b.multiplier, 0)
            END AS entry_value,
            CASE WHEN b.kind = 'inverse' THEN
                CASE WHEN coalesce(bool_and(l.exit_value IS NOT NULL), true)
                    THEN coalesce(sum(l.exit_value), 0) END
            WHEN coalesce(bool_and(l.exit_price IS NOT NULL), true) THEN
                coalesce(sum((l.unit_end - l.unit_start) * l.exit_price) * b.multiplier, 0)
            END AS exit_value,
            CASE WHEN coalesce(bool_and(l.gross IS NOT NULL), true)
                THEN coalesce(sum(l.gross), 0) END AS gross,
            CASE WHEN coalesce(bool_and(l.entry_fee IS NOT NULL), true)
                THEN coalesce(sum(l.entry_fee), 0) END AS entry_fee,
            CASE WHEN coalesce(bool_and(l.exit_fee IS NOT NULL), true)
                THEN coalesce(sum(l.exit_fee), 0) END AS exit_fee,
            coalesce(sum(l.funding), 0) AS funding
        FROM derived.lot_matches l
        WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = s.started_at
          AND l.unit_start >= trip.unit_start
    ) AS m
    LEFT JOIN LATERAL (
        SELECT l.executed_at, l.reason FROM derived.lines l
        WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = s.started_at
          AND l.side = sign(held.qty)::smallint AND l.unit_end > held.matched
        ORDER BY l.unit_end LIMIT 1
    ) AS first ON true
    WHERE m.matches > 0 OR (held.qty <> 0 AND abs(held.qty) >= coalesce(b.qty_min, 0))
)
SELECT
    t.account_id, a.venue AS exchange, b.category, b.symbol, b.leg, b.owner AS bot_id,
    CASE WHEN t.direction = 1 THEN 'long' ELSE 'short' END AS direction,
    t.status, t.opened_at, t.closed_at, t.quantity, t.entry_value, t.exit_value,
    t.gross AS gross_pnl, t.fee AS total_commission, t.funding, t.net AS net_pnl, t.matches,
    t.entry_reason, t.exit_reason, b.currency,
    floor(extract(epoch FROM t.closed_at - t.opened_at))::bigint AS holding_seconds,
    t.open_quantity
FROM trips t
JOIN derived.books b USING (account_id, book_id)
JOIN ops.accounts a USING (account_id);

-- What each fill did to its owner's position. What was held before it is its own place on the line
-- less the end of the other side's line: one look-up.
CREATE VIEW trading.position_events AS
SELECT
    l.account_id, a.venue AS exchange, b.category, b.symbol, b.leg, b.owner AS bot_id,
    CASE
        WHEN p.before = 0 THEN 'opened'
        WHEN p.after = 0 THEN 'closed'
        WHEN sign(p.before) <> sign(p.after) THEN 'reversed'
        WHEN sign(p.before) = l.side THEN 'increased'
        ELSE 'reduced'
    END AS event,
    l.executed_at AS at,
    CASE WHEN l.side = 1 THEN 'Buy' ELSE 'Sell' END AS side,
    l.unit_end - l.unit_start AS qty,
    l.price,
    p.before AS position_before,
    p.after AS position_after,
    e.execution_id,
    e.order_id,
    l.reason,
    l.evidence,
    l.owner_evidence,
    l.stretch,
    l.rank
FROM derived.lines l
JOIN derived.books b USING (account_id, book_id)
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT coalesce((
        SELECT o.unit_end FROM derived.lines o
        WHERE o.account_id = l.account_id AND o.book_id = l.book_id AND o.side = -l.side
          AND o.stretch = l.stretch AND o.executed_at <= l.executed_at
          AND (o.executed_at < l.executed_at OR o.rank < l.rank
               OR (o.rank = l.rank AND o.execution_key IS NULL AND l.execution_key IS NOT NULL))
        ORDER BY o.executed_at DESC, o.unit_end DESC LIMIT 1), 0) AS unit_end
) AS other
CROSS JOIN LATERAL (
    SELECT l.side * (l.unit_start - other.unit_end) AS before,
           l.side * (l.unit_end - other.unit_end) AS after
) AS p
LEFT JOIN LATERAL (
    SELECT x.execution_id, x.order_id FROM facts.executions x
    WHERE x.account_id = l.account_id AND x.execution_key = l.execution_key
    ORDER BY x.revision DESC LIMIT 1
) AS e ON true;

-- Who stated what, when and why. A statement counts until a later one on the same subject.
CREATE VIEW trading.statements AS
WITH said AS (
    SELECT s.*,
        CASE s.kind
            WHEN 'assign' THEN s.body::jsonb ->> 'bot' IS NULL
            WHEN 'opening_balance' THEN s.body::jsonb ->> 'qty' IS NULL
            WHEN 'correction' THEN s.body::jsonb -> 'changes' = '[]'
            WHEN 'void' THEN s.body::jsonb ->> 'voided' = 'false'
            WHEN 'intent' THEN s.body::jsonb ->> 'bot' IS NULL
            WHEN 'price' THEN s.body::jsonb ->> 'price' IS NULL
            WHEN 'tag_pattern' THEN s.body::jsonb ->> 'pattern' = ''
            ELSE false
        END AS withdraws
    FROM facts.statements s
),
placed AS (
    SELECT s.*, lead(s.withdraws) OVER (
        PARTITION BY s.account_id, s.target,
            CASE s.kind WHEN 'void' THEN 'correction' ELSE s.kind END,
            s.body::jsonb ->> 'at', s.body::jsonb ->> 'starts_at', s.body::jsonb ->> 'ends_at'
        ORDER BY s.chain_seq) AS withdrawn_next
    FROM said s
)
SELECT
    p.account_id, a.venue AS exchange, p.chain_seq AS statement_id, p.kind, p.body, p.stated_at,
    p.stated_by, p.reason,
    CASE
        WHEN p.withdraws THEN 'withdrawal'
        WHEN p.withdrawn_next THEN 'undone'
        WHEN NOT p.withdrawn_next THEN 'overruled'
        ELSE 'standing'
    END AS state,
    p.target
FROM placed p
JOIN ops.accounts a USING (account_id);

-- Trades that a late, changed or stated fact has altered: before and after, by whom and why.
CREATE VIEW trading.restatements AS
SELECT
    r.account_id, a.venue AS exchange, r.category, r.symbol, r.leg, r.trade_id, r.restated_at,
    r.cause, s.stated_by, s.reason AS stated_reason, r.caused_by AS statement_id,
    r.before_bot_id, r.after_bot_id, r.before_exit_time, r.after_exit_time, r.before_qty,
    r.after_qty, r.before_net AS before_net_pnl, r.after_net AS after_net_pnl,
    r.before_exit_reason, r.after_exit_reason
FROM ops.restatements r
JOIN ops.accounts a USING (account_id)
LEFT JOIN facts.statements s ON s.account_id = r.account_id AND s.chain_seq = r.caused_by;

-- Costs that belong to no units, and so to no trade.
CREATE VIEW trading.unattached_costs AS
SELECT u.account_id, a.venue AS exchange, u.category, u.symbol, u.leg, u.kind, u.amount, u.currency,
    u.occurred_at
FROM derived.unattached u
JOIN ops.accounts a USING (account_id);
