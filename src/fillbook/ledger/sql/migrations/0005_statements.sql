-- What people and programs state beside what venues tell, and the orders behind executions.

-- One row per statement, on the account's chain. A later one on the same subject overrules.
CREATE TABLE facts.statements (
    account_id  bigint      NOT NULL,
    chain_seq   bigint      NOT NULL,
    kind        text        NOT NULL,   -- assign, opening_balance, correction, void, intent, ...
    target      uuid        NOT NULL,   -- digest of what it is about: an execution, a leg, a coin
    body        text        NOT NULL,   -- canonical JSON
    stated_at   timestamptz NOT NULL,
    stated_by   text        NOT NULL,
    reason      text        NOT NULL,
    chain_hash  bytea       NOT NULL,
    PRIMARY KEY (account_id, chain_seq)
);
CREATE INDEX statements_by_target ON facts.statements (account_id, kind, target, chain_seq);

-- One row per reading of an order. What executions do not say: parent, trigger, leg.
CREATE TABLE facts.orders (
    account_id              bigint      NOT NULL,
    order_key               uuid        NOT NULL,   -- digest of (category, symbol, order id)
    revision                int         NOT NULL,
    revision_reason         text        NOT NULL,
    chain_seq               bigint      NOT NULL,
    booked_at               timestamptz NOT NULL,
    ordered_at              timestamptz NOT NULL,
    category                text        NOT NULL,
    symbol                  text        NOT NULL,
    leg                     text,                   -- NULL: the venue does not say which
    order_id                text        NOT NULL,
    client_order_id         text        NOT NULL,
    parent_client_order_id  text        NOT NULL,
    side                    text        NOT NULL,
    create_type             text        NOT NULL,
    stop_type               text        NOT NULL,
    cancel_type             text        NOT NULL,
    reduce_only             boolean,
    close_on_trigger        boolean,
    trigger_price           numeric,
    base_price              numeric,
    oco_trigger             text        NOT NULL,
    PRIMARY KEY (account_id, order_key, revision),
    CHECK (revision_reason IN ('first', 'completion', 'revision', 'correction', 'void'))
);

-- Which executions does an intent speak of? Most orders are found by the id their bot gave them.
CREATE INDEX executions_by_client_id ON facts.executions (account_id, client_order_id)
    WHERE client_order_id <> '';

-- Which executions does an order explain?
CREATE INDEX executions_by_order ON facts.executions (account_id, order_id);
CREATE INDEX orders_by_client_id ON facts.orders (account_id, client_order_id)
    WHERE client_order_id <> '';
CREATE INDEX orders_by_parent ON facts.orders (account_id, parent_client_order_id)
    WHERE parent_client_order_id <> '';

-- A stream that is heard as it happens proves nothing, but its tail may be laid until it is proven.
ALTER TABLE facts.windows DROP CONSTRAINT windows_outcome_check;
ALTER TABLE facts.windows ADD CONSTRAINT windows_outcome_check
    CHECK (outcome IN ('read', 'settled', 'retracted', 'unavailable', 'live'));
