-- The SQL face: stable views over the inside schemas. Read-only, but for bots.

CREATE VIEW trading.bots AS
SELECT bot_id, bot_name, bot_type, status, deployment_mode FROM facts.bots;

CREATE VIEW trading.completed_trades AS
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
    t.exit_evidence AS exit_reason_evidence
FROM derived.completed_trades t
JOIN ops.accounts a USING (account_id);

CREATE VIEW trading.completed_trades_summary AS
SELECT
    bot_id,
    (exit_time AT TIME ZONE 'UTC')::date AS trade_date,
    symbol,
    count(*) AS total_trades,
    count(*) FILTER (WHERE net_pnl > 0) AS winning_trades,
    count(*) FILTER (WHERE net_pnl < 0) AS losing_trades,
    sum(gross_pnl) AS gross_pnl,
    sum(net_pnl) AS net_pnl,
    sum(total_commission) AS total_commission,
    sum(funding) AS funding,
    avg(net_pnl) AS avg_net_pnl,
    round(100.0 * count(*) FILTER (WHERE net_pnl > 0) / nullif(count(net_pnl), 0), 2) AS win_rate,
    avg(holding_duration_seconds) AS avg_holding_seconds
FROM trading.completed_trades
GROUP BY bot_id, (exit_time AT TIME ZONE 'UTC')::date, symbol;

-- One row per position-changing execution, never split. bot_id is NULL when several bots share it.
CREATE VIEW trading.execution_owners AS
SELECT
    l.account_id,
    e.execution_id,
    e.order_id,
    b.owner AS bot_id,
    l.unit_end - l.unit_start AS qty
FROM derived.lines l
JOIN derived.books b USING (account_id, book_id)
JOIN facts.current_executions e
  ON e.account_id = l.account_id AND e.execution_key = l.execution_key;

CREATE VIEW trading.trades AS
SELECT
    e.account_id,
    a.venue AS exchange,
    e.category,
    e.symbol,
    e.execution_id,
    e.order_id,
    e.client_order_id,
    (SELECT CASE WHEN count(DISTINCT b.owner) = 1 THEN min(b.owner) END
     FROM derived.books b JOIN derived.lines l USING (account_id, book_id)
     WHERE b.account_id = e.account_id AND b.category = e.category AND b.symbol = e.symbol
       AND l.execution_key = e.execution_key AND l.executed_at = e.executed_at
       AND l.side = CASE e.side WHEN 'Buy' THEN 1 ELSE -1 END) AS bot_id,
    e.side,
    e.price,
    e.qty,
    e.fee,
    e.fee_currency,
    e.exec_type,
    e.is_maker,
    e.executed_at,
    a.venue || '_api' AS source
FROM facts.current_executions e
JOIN ops.accounts a USING (account_id);

CREATE VIEW trading.cash_flows AS
SELECT
    c.account_id, a.venue AS exchange, c.category, c.symbol, c.leg, c.kind, c.flow_id,
    c.amount, c.currency, c.position_qty, c.price, c.occurred_at, a.venue || '_api' AS source
FROM facts.current_cash_flows c
JOIN ops.accounts a USING (account_id);

CREATE VIEW trading.lot_matches AS
SELECT
    m.account_id, a.venue AS exchange, b.category, b.symbol, b.leg, b.owner AS bot_id,
    CASE WHEN m.direction = 1 THEN 'long' ELSE 'short' END AS direction,
    m.unit_end - m.unit_start AS qty,
    m.entry_at AS entry_time, m.entry_price, m.entry_fee AS entry_commission, m.entry_reason,
    m.exit_at AS exit_time, m.exit_price, m.exit_fee AS exit_commission, m.exit_reason,
    m.gross AS gross_pnl, m.funding,
    m.gross - m.entry_fee - m.exit_fee - m.funding AS net_pnl,
    b.currency, m.stretch, m.unit_start, m.unit_end
FROM derived.lot_matches m
JOIN derived.books b USING (account_id, book_id)
JOIN ops.accounts a USING (account_id);

CREATE VIEW trading.sync_status AS
SELECT
    NULL::text AS bot_id,
    r.account_id,
    r.kind AS sync_type,
    r.status,
    r.trades_new AS trades_synced,
    round(extract(epoch FROM r.ended_at - r.started_at), 3) AS duration_seconds,
    nullif(r.error, '') AS error_message,
    r.started_at AS sync_started_at,
    r.ended_at AS sync_completed_at
FROM ops.runs r;

CREATE VIEW trading.sync_history AS
SELECT
    ('x' || left(replace(r.run_id::text, '-', ''), 15))::bit(60)::bigint AS id,
    a.venue AS exchange_id,
    r.kind AS sync_type,
    r.rows_seen AS items_processed,
    r.rows_new AS items_synced,
    r.status = 'completed' AS success,
    r.started_at AS start_time,
    r.ended_at AS end_time,
    nullif(r.error, '') AS error_message,
    r.started_at AS created_at
FROM ops.runs r
JOIN ops.accounts a USING (account_id);

-- What is held now, per book, from the last units laid. As-of answers come from the same two look-ups.
--
-- Only a stretch that begins with the last proven interval says what is held now: beyond a gap, or
-- behind an opening that is not known, quantity and side are NULL, which is not the same as flat.

CREATE VIEW trading.positions AS
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
    lots.cost / nullif(lots.qty, 0) AS avg_entry_price,
    lots.cost,
    (SELECT sum(m.gross - m.entry_fee - m.exit_fee - m.funding) FROM derived.lot_matches m
     WHERE m.account_id = b.account_id AND m.book_id = b.book_id) AS realized_pnl,
    CASE WHEN lots.qty = abs(held.qty) THEN
        sign(held.qty) * (k.mark_price * lots.qty - lots.cost) END AS unrealized_pnl,
    k.mark_price,
    k.observed_at AS mark_time,
    lots.opened_at,
    held.updated_at
FROM derived.books b
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT max(s.started_at) AS started_at FROM derived.stretches s
    WHERE s.account_id = b.account_id AND s.category = b.category AND s.symbol = b.symbol
      AND s.leg = b.leg AND s.opening_evidence <> 'unknown'
      AND s.started_at = (
        SELECT max(lower(proven.piece))
        FROM derived.coverage c CROSS JOIN LATERAL unnest(c.read) AS proven (piece)
        WHERE c.account_id = b.account_id AND c.stream = 'executions' AND c.scope = b.category)
) AS st
CROSS JOIN LATERAL (
    SELECT ends.bought, ends.sold,
           CASE WHEN st.started_at IS NOT NULL THEN ends.bought - ends.sold END AS qty,
           greatest(ends.bought_at, ends.sold_at) AS updated_at
    FROM (
        SELECT coalesce(max(l.unit_end) FILTER (WHERE l.side = 1), 0) AS bought,
               coalesce(max(l.unit_end) FILTER (WHERE l.side = -1), 0) AS sold,
               max(l.executed_at) FILTER (WHERE l.side = 1) AS bought_at,
               max(l.executed_at) FILTER (WHERE l.side = -1) AS sold_at
        FROM (VALUES (1), (-1)) AS sides (side)
        CROSS JOIN LATERAL (
            SELECT last.side, last.unit_end, last.executed_at FROM derived.lines last
            WHERE last.account_id = b.account_id AND last.book_id = b.book_id
              AND last.stretch = st.started_at AND last.side = sides.side
            ORDER BY last.unit_end DESC LIMIT 1) AS l
    ) AS ends
) AS held
LEFT JOIN LATERAL (
    SELECT sum(l.unit_end - greatest(l.unit_start, least(held.bought, held.sold))) AS qty,
           CASE WHEN bool_and(l.price IS NOT NULL) THEN
             sum((l.unit_end - greatest(l.unit_start, least(held.bought, held.sold))) * l.price)
           END AS cost,
           min(l.executed_at) AS opened_at
    FROM derived.lines l
    WHERE l.account_id = b.account_id AND l.book_id = b.book_id AND l.stretch = st.started_at
      AND l.side = sign(held.qty) AND l.unit_end > least(held.bought, held.sold)
) AS lots ON true
LEFT JOIN ops.marks k
  ON k.venue = a.venue AND k.environment = a.environment
 AND k.category = b.category AND k.symbol = b.symbol;
