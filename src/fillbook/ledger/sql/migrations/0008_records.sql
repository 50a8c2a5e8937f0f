-- The venue's account log, its closed profits, movements of money; legs of hedged accounts; disputes.
-- Rows here are facts like the others: a changed reading is a new revision, readers take the latest.

-- One row per reading of a line of the venue's account log: an independent witness.
CREATE TABLE facts.log_entries (
    account_id       bigint      NOT NULL,
    entry_key        uuid        NOT NULL,
    revision         int         NOT NULL,
    revision_reason  text        NOT NULL,
    chain_seq        bigint      NOT NULL,
    booked_at        timestamptz NOT NULL,
    occurred_at      timestamptz NOT NULL,
    kind             text        NOT NULL,   -- in the venue's own words
    category         text        NOT NULL,
    symbol           text        NOT NULL,
    side             text        NOT NULL,
    currency         text        NOT NULL,
    change           numeric     NOT NULL,   -- of the balance: negative when it shrinks
    balance          numeric,                -- afterwards
    cash_flow        numeric,
    funding          numeric,                -- positive when received, as the log prints it
    fee              numeric,                -- positive when paid
    qty              numeric,
    position         numeric,                -- afterwards, signed
    execution_id     text        NOT NULL,
    order_id         text        NOT NULL,
    execution_key    uuid,                   -- of the fill or payment that it speaks of
    PRIMARY KEY (account_id, entry_key, revision),
    CHECK (revision_reason IN ('first', 'completion', 'revision', 'correction', 'void'))
);
CREATE INDEX log_entries_by_time ON facts.log_entries (account_id, occurred_at);
CREATE INDEX log_entries_by_currency ON facts.log_entries (account_id, currency, occurred_at);
CREATE INDEX log_entries_by_execution ON facts.log_entries
    (account_id, execution_key, revision)
    WHERE execution_key IS NOT NULL;
CREATE INDEX log_entries_of_options ON facts.log_entries (account_id, symbol)
    WHERE category = 'option';
CREATE INDEX log_entries_revised ON facts.log_entries
    (account_id, entry_key, revision) WHERE revision > 0;

-- One row per reading of what the venue counts as the profit of a closing order.
CREATE TABLE facts.closed_pnl (
    account_id       bigint      NOT NULL,
    closed_key       uuid        NOT NULL,
    revision         int         NOT NULL,
    revision_reason  text        NOT NULL,
    chain_seq        bigint      NOT NULL,
    booked_at        timestamptz NOT NULL,
    closed_at        timestamptz NOT NULL,
    category         text        NOT NULL,
    symbol           text        NOT NULL,
    order_id         text        NOT NULL,
    side             text        NOT NULL,   -- of the closing order
    exec_type        text        NOT NULL,
    qty              numeric     NOT NULL,   -- that was closed
    entry_value      numeric,
    exit_value       numeric,
    pnl              numeric     NOT NULL,   -- after fees, without funding
    open_fee         numeric,
    close_fee        numeric,
    fill_count       int,
    PRIMARY KEY (account_id, closed_key, revision),
    CHECK (revision_reason IN ('first', 'completion', 'revision', 'correction', 'void'))
);
CREATE INDEX closed_pnl_by_time ON facts.closed_pnl (account_id, closed_at);
CREATE INDEX closed_pnl_by_order ON facts.closed_pnl (account_id, order_id);
CREATE INDEX closed_pnl_revised ON facts.closed_pnl
    (account_id, closed_key, revision) WHERE revision > 0;

-- One row per reading of a deposit, a withdrawal or a transfer.
CREATE TABLE facts.movements (
    account_id       bigint      NOT NULL,
    movement_key     uuid        NOT NULL,
    revision         int         NOT NULL,
    revision_reason  text        NOT NULL,
    chain_seq        bigint      NOT NULL,
    booked_at        timestamptz NOT NULL,
    moved_at         timestamptz NOT NULL,
    kind             text        NOT NULL,   -- deposit, internal_deposit, withdrawal, transfer
    movement_id      text        NOT NULL,
    currency         text        NOT NULL,
    amount           numeric     NOT NULL,
    fee              numeric,
    status           text        NOT NULL,   -- in the venue's own words
    is_final         boolean     NOT NULL,
    from_account     text        NOT NULL,
    to_account       text        NOT NULL,
    reference        text        NOT NULL,
    PRIMARY KEY (account_id, movement_key, revision),
    CHECK (revision_reason IN ('first', 'completion', 'revision', 'correction', 'void'))
);
CREATE INDEX movements_by_time ON facts.movements (account_id, moved_at);
CREATE INDEX movements_revised ON facts.movements
    (account_id, movement_key, revision) WHERE revision > 0;

-- Is an account hedged at all, and how was a symbol traded around an instant?
CREATE INDEX orders_hedged ON facts.orders (account_id) WHERE leg IN ('long', 'short');
CREATE INDEX orders_by_time ON facts.orders (account_id, category, symbol, ordered_at);
CREATE INDEX orders_by_id ON facts.orders (account_id, order_id);
CREATE INDEX orders_revised ON facts.orders
    (account_id, order_key, revision) WHERE revision > 0;

-- Orders that executions name, that no list told, and that the venue was asked for by their ids.
CREATE TABLE ops.orders_asked (
    account_id  bigint      NOT NULL,
    category    text        NOT NULL,
    order_id    text        NOT NULL,
    asked_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, category, order_id)
);

CREATE VIEW facts.current_log_entries AS
SELECT l.* FROM facts.log_entries l
WHERE l.revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.log_entries later
    WHERE later.account_id = l.account_id AND later.entry_key = l.entry_key
      AND later.revision > 0 AND later.revision > l.revision);

CREATE VIEW facts.current_closed_pnl AS
SELECT p.* FROM facts.closed_pnl p
WHERE p.revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.closed_pnl later
    WHERE later.account_id = p.account_id AND later.closed_key = p.closed_key
      AND later.revision > 0 AND later.revision > p.revision);

CREATE VIEW facts.current_movements AS
SELECT m.* FROM facts.movements m
WHERE m.revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.movements later
    WHERE later.account_id = m.account_id AND later.movement_key = m.movement_key
      AND later.revision > 0 AND later.revision > m.revision);

CREATE VIEW facts.current_orders AS
SELECT o.* FROM facts.orders o
WHERE o.revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.orders later
    WHERE later.account_id = o.account_id AND later.order_key = o.order_key
      AND later.revision > 0 AND later.revision > o.revision);

-- Where two witnesses disagree, in time that both were read for. `missing_in` is the one that leaves
-- a fill out: executions, or account_log; or readings, when it was listed and could not be read.
CREATE TABLE derived.disputes (
    account_id     bigint      NOT NULL,
    category       text        NOT NULL,
    at             timestamptz NOT NULL,   -- by the witness that tells it
    execution_key  uuid        NOT NULL,
    missing_in     text        NOT NULL,
    PRIMARY KEY (account_id, execution_key, missing_in, category, at),
    CHECK (missing_in IN ('executions', 'readings', 'account_log'))
);
CREATE INDEX disputes_by_time ON derived.disputes (account_id, category, at);

-- The instants in dispute, as time. A venue tells times in milliseconds.
CREATE VIEW derived.disputed_time AS
SELECT account_id, category,
    coalesce(range_agg(tstzrange(at, at + interval '1 millisecond'))
        FILTER (WHERE missing_in = 'executions'), '{}'::tstzmultirange) AS unlisted,
    coalesce(range_agg(tstzrange(at, at + interval '1 millisecond'))
        FILTER (WHERE missing_in = 'readings'), '{}'::tstzmultirange) AS unread,
    coalesce(range_agg(tstzrange(at, at + interval '1 millisecond'))
        FILTER (WHERE missing_in = 'account_log'), '{}'::tstzmultirange) AS unlogged
FROM derived.disputes
GROUP BY account_id, category;

-- The time in which fills of a category are told by two witnesses: its list, and the account log.
CREATE VIEW derived.witnessed_time AS
SELECT t.account_id, t.category, t.proven * log.pieces AS pieces
FROM derived.laid_time t
JOIN (
    SELECT account_id, range_agg(read) AS pieces FROM derived.coverage
    WHERE split_part(stream, '.', 1) = 'account_log'
    GROUP BY account_id
) AS log USING (account_id);

-- What is read of each stream and scope, less what is in dispute there, and less what was listed
-- and could not be read.
CREATE VIEW derived.counted AS
SELECT c.account_id, c.stream, c.scope, c.unavailable, c.live,
    c.read - d.unlisted - d.unread AS read,
    c.settled - d.unlisted - d.unread AS settled,
    c.read * d.unlisted AS disputed,
    c.read * d.unread - d.unlisted AS unreadable
FROM derived.coverage c
LEFT JOIN LATERAL (
    SELECT t.unlisted, t.unread FROM derived.disputed_time t
    WHERE split_part(c.stream, '.', 1) = 'executions'
      AND t.account_id = c.account_id AND t.category = c.scope
    OFFSET 0
) AS t ON true
CROSS JOIN LATERAL (
    SELECT coalesce(t.unlisted, '{}'::tstzmultirange) AS unlisted,
        coalesce(t.unread, '{}'::tstzmultirange) AS unread
) AS d;

-- The venue's account log: by how much each coin's balance changed, and why.
CREATE VIEW trading.account_log AS
SELECT
    l.account_id, a.venue AS exchange, l.kind, l.category, l.symbol, l.side, l.currency, l.change,
    l.balance, l.cash_flow, l.funding, l.fee, l.qty, l.position, l.execution_id, l.order_id,
    l.occurred_at, a.venue || '_api' AS source
FROM facts.current_log_entries l
JOIN ops.accounts a USING (account_id);

-- What the venue itself counts as the profit of each closing order. A row that grew as the order
-- went on closing is told again under its new time: only the last of an order's times counts.
CREATE VIEW trading.closed_pnl AS
SELECT
    p.account_id, a.venue AS exchange, p.category, p.symbol, p.order_id, p.side, p.exec_type, p.qty,
    p.entry_value, p.exit_value, p.pnl, p.open_fee, p.close_fee, p.fill_count, p.closed_at,
    a.venue || '_api' AS source
FROM facts.current_closed_pnl p
JOIN ops.accounts a USING (account_id)
WHERE p.order_id = '' OR NOT EXISTS (
    SELECT 1 FROM facts.current_closed_pnl later
    WHERE later.account_id = p.account_id AND later.order_id = p.order_id
      AND later.category = p.category AND later.symbol = p.symbol
      AND later.closed_at > p.closed_at);

-- Money that came to the account or left it.
CREATE VIEW trading.movements AS
SELECT
    m.account_id, a.venue AS exchange, m.kind, m.movement_id, m.currency, m.amount, m.fee, m.status,
    m.is_final, m.from_account, m.to_account, m.reference, m.moved_at, a.venue || '_api' AS source
FROM facts.current_movements m
JOIN ops.accounts a USING (account_id);
