-- Facts: rows are inserted and never changed. Each account's facts hang on one hash chain.
--
-- Every table that grows has account_id in its primary key and in every unique index, so that the
-- same schema can be sharded by account. Order is never read from an identity column.

CREATE SCHEMA IF NOT EXISTS facts;
CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS derived;
CREATE SCHEMA IF NOT EXISTS trading;

-- The first link of an account's chain. A wipe drops the chain whole and opens the next generation.
CREATE TABLE facts.geneses (
    account_id  bigint      NOT NULL,
    generation  int         NOT NULL,
    opened_at   timestamptz NOT NULL,
    opened_by   text        NOT NULL,
    reason      text        NOT NULL,
    chain_hash  bytea       NOT NULL,
    PRIMARY KEY (account_id, generation)
);

-- What the venue sent, row by row, as received. A row is kept when it differs from what the same
-- stream told last of the same record, so that a change that is taken back is a change as well.
CREATE TABLE facts.raw_records (
    account_id   bigint      NOT NULL,
    chain_seq    bigint      NOT NULL,
    record_key   uuid        NOT NULL,   -- digest of the record's natural key
    content_key  uuid        NOT NULL,   -- digest of the bytes
    received_at  timestamptz NOT NULL,
    run_id       uuid        NOT NULL,
    stream       text        NOT NULL,
    scope        text        NOT NULL,
    codec        smallint    NOT NULL,   -- how body is packed: 0 plain, 1 zlib with dictionary 1
    body         bytea       NOT NULL,
    chain_hash   bytea       NOT NULL,
    PRIMARY KEY (account_id, chain_seq)
);
CREATE INDEX raw_records_by_key ON facts.raw_records (account_id, record_key, stream, chain_seq);
ALTER TABLE facts.raw_records ALTER COLUMN body SET STORAGE EXTERNAL;  -- it is packed already

-- One row per reading of an execution. A changed reading is a new revision; readers take the latest.
CREATE TABLE facts.executions (
    account_id       bigint      NOT NULL,
    execution_key    uuid        NOT NULL,   -- digest of (category, symbol, execution, order, side)
    revision         int         NOT NULL,
    revision_reason  text        NOT NULL,   -- first, completion, revision, correction, void
    chain_seq        bigint      NOT NULL,   -- the raw record that was read
    executed_at      timestamptz NOT NULL,
    booked_at        timestamptz NOT NULL,
    venue_seq        bigint,
    category         text        NOT NULL,
    symbol           text        NOT NULL,
    leg              text        NOT NULL,   -- net, long, short
    execution_id     text        NOT NULL,
    order_id         text        NOT NULL,
    client_order_id  text        NOT NULL,
    side             text        NOT NULL,   -- Buy, Sell
    price            numeric     NOT NULL,
    qty              numeric     NOT NULL,
    value            numeric,
    closed_qty       numeric,
    fee              numeric,                -- positive when paid
    fee_currency     text        NOT NULL,
    fee_inferred     boolean     NOT NULL,   -- the venue named no coin: ours by rule
    currency         text        NOT NULL,   -- what profit and loss are counted in
    is_maker         boolean,
    exec_type        text        NOT NULL,
    order_type       text        NOT NULL,
    create_type      text        NOT NULL,
    stop_type        text        NOT NULL,
    mark_price       numeric,
    PRIMARY KEY (account_id, execution_key, revision),
    CHECK (side IN ('Buy', 'Sell')),
    CHECK (leg IN ('net', 'long', 'short')),
    CHECK (revision_reason IN ('first', 'completion', 'revision', 'correction', 'void'))
);
CREATE INDEX executions_by_time ON facts.executions
    (account_id, category, symbol, executed_at);
CREATE INDEX executions_by_instant ON facts.executions (account_id, category, executed_at);
CREATE INDEX executions_revised ON facts.executions
    (account_id, execution_key, revision) WHERE revision > 0;

-- Money that moved without a fill: funding now; interest, transfers and fees later.
CREATE TABLE facts.cash_flows (
    account_id       bigint      NOT NULL,
    cash_key         uuid        NOT NULL,
    revision         int         NOT NULL,
    revision_reason  text        NOT NULL,
    chain_seq        bigint      NOT NULL,
    occurred_at      timestamptz NOT NULL,
    booked_at        timestamptz NOT NULL,
    kind             text        NOT NULL,   -- funding
    category         text        NOT NULL,
    symbol           text        NOT NULL,
    leg              text        NOT NULL,
    flow_id          text        NOT NULL,
    amount           numeric     NOT NULL,   -- positive when paid
    currency         text        NOT NULL,
    position_qty     numeric,                -- signed, as the venue printed it
    price            numeric,
    PRIMARY KEY (account_id, cash_key, revision),
    CHECK (revision_reason IN ('first', 'completion', 'revision', 'correction', 'void'))
);
CREATE INDEX cash_flows_by_time ON facts.cash_flows
    (account_id, category, symbol, occurred_at);
CREATE INDEX cash_flows_by_instant ON facts.cash_flows (account_id, category, occurred_at);
CREATE INDEX cash_flows_revised ON facts.cash_flows
    (account_id, cash_key, revision) WHERE revision > 0;

-- Rows that could not be read. They stay verbatim in raw_records.
CREATE TABLE facts.quarantined (
    account_id  bigint      NOT NULL,
    chain_seq   bigint      NOT NULL,
    reason      text        NOT NULL,
    booked_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, chain_seq)
);

-- Proof that a window was read to its end, or the retraction of such a proof.
CREATE TABLE facts.windows (
    account_id  bigint      NOT NULL,
    chain_seq   bigint      NOT NULL,
    stream      text        NOT NULL,
    scope       text        NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    outcome     text        NOT NULL,   -- read, settled, retracted, unavailable
    pages       int         NOT NULL,
    row_count   int         NOT NULL,
    read_at     timestamptz NOT NULL,
    run_id      uuid        NOT NULL,
    reason      text        NOT NULL,
    chain_hash  bytea       NOT NULL,
    PRIMARY KEY (account_id, chain_seq),
    CHECK (starts_at < ends_at),
    CHECK (outcome IN ('read', 'settled', 'retracted', 'unavailable'))
);
CREATE INDEX windows_by_stream ON facts.windows (account_id, stream, scope, starts_at);

-- The terms of a contract from an instant on. Small: one row per venue, symbol and change.
CREATE TABLE facts.contract_terms (
    venue         text        NOT NULL,
    environment   text        NOT NULL,
    category      text        NOT NULL,
    symbol        text        NOT NULL,
    valid_from    timestamptz NOT NULL,
    kind          text        NOT NULL,   -- linear, inverse, quanto, spot, option
    base          text        NOT NULL,
    quote         text        NOT NULL,
    settle        text        NOT NULL,
    multiplier    numeric     NOT NULL,
    price_step    numeric,
    qty_step      numeric,
    qty_min       numeric,
    body          bytea       NOT NULL,
    content_hash  bytea       NOT NULL,
    PRIMARY KEY (venue, environment, category, symbol, valid_from)
);

-- Bots as their owner names them. Bots are also known from client tags and settings.
CREATE TABLE facts.bots (
    bot_id           text        NOT NULL PRIMARY KEY,
    bot_name         text        NOT NULL DEFAULT '',
    bot_type         text        NOT NULL DEFAULT '',
    status           text        NOT NULL DEFAULT 'active',
    deployment_mode  text        NOT NULL DEFAULT 'live',
    registered_at    timestamptz NOT NULL DEFAULT now()
);

-- The latest reading of each execution and cash flow. Revisions are rare: the partial index is tiny.
CREATE VIEW facts.current_executions AS
SELECT e.* FROM facts.executions e
WHERE e.revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.executions later
    WHERE later.account_id = e.account_id AND later.execution_key = e.execution_key
      AND later.revision > 0 AND later.revision > e.revision);

CREATE VIEW facts.current_cash_flows AS
SELECT c.* FROM facts.cash_flows c
WHERE c.revision_reason <> 'void'
  AND NOT EXISTS (
    SELECT 1 FROM facts.cash_flows later
    WHERE later.account_id = c.account_id AND later.cash_key = c.cash_key
      AND later.revision > 0 AND later.revision > c.revision);
