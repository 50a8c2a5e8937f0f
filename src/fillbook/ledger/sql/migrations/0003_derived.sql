-- Derived state: a pure function of facts. It may be dropped and comes back identical.

CREATE TABLE derived.laid (
    account_id          bigint NOT NULL PRIMARY KEY,
    derivation_version  int    NOT NULL    -- the revision of the rules these rows were laid by
);

CREATE TABLE derived.coverage (
    account_id  bigint          NOT NULL,
    stream      text            NOT NULL,
    scope       text            NOT NULL,
    read        tstzmultirange  NOT NULL,
    settled     tstzmultirange  NOT NULL,
    unavailable tstzmultirange  NOT NULL,
    proven_seq  bigint          NOT NULL,   -- the chain's sequence at the last proof: laid up to here
    PRIMARY KEY (account_id, stream, scope)
);

-- A book is (account, instrument, leg, owner). book_id is a digest of those words.
CREATE TABLE derived.books (
    account_id  bigint NOT NULL,
    book_id     bigint NOT NULL,
    category    text   NOT NULL,
    symbol      text   NOT NULL,
    leg         text   NOT NULL,
    owner       text   NOT NULL,
    currency    text   NOT NULL,
    PRIMARY KEY (account_id, book_id),
    UNIQUE (account_id, category, symbol, leg, owner)
);

-- A stretch is a contiguous covered interval of a leg. Lines live inside one stretch.
CREATE TABLE derived.stretches (
    account_id        bigint      NOT NULL,
    category          text        NOT NULL,
    symbol            text        NOT NULL,
    leg               text        NOT NULL,
    started_at        timestamptz NOT NULL,
    opening_qty       numeric,              -- signed; NULL when it cannot be known
    opening_evidence  text        NOT NULL, -- pinned, assumed_flat, unknown
    opening_low       numeric,              -- the interval that the closed sizes leave
    opening_high      numeric,
    opening_fixed_at  timestamptz,          -- no later fill can change it
    PRIMARY KEY (account_id, category, symbol, leg, started_at)
);

-- Fills that do not fit: chain_break (the closed size contradicts the position chain, so a fill is
-- missing or changed) and foreign_close (a bot closed more than it and nobody held).
CREATE TABLE derived.alarms (
    account_id     bigint      NOT NULL,
    category       text        NOT NULL,
    symbol         text        NOT NULL,
    leg            text        NOT NULL,
    stretch        timestamptz NOT NULL,
    executed_at    timestamptz NOT NULL,
    rank           int         NOT NULL,
    kind           text        NOT NULL,
    execution_key  uuid        NOT NULL,
    PRIMARY KEY (account_id, category, symbol, leg, stretch, executed_at, rank, kind)
);

-- The unit line: each share of an execution owns [unit_start, unit_end) of its side's line.
CREATE TABLE derived.lines (
    account_id     bigint      NOT NULL,
    book_id        bigint      NOT NULL,
    stretch        timestamptz NOT NULL,
    side           smallint    NOT NULL,   -- 1 bought, -1 sold
    unit_start     numeric     NOT NULL,
    unit_end       numeric     NOT NULL,
    executed_at    timestamptz NOT NULL,
    rank           int         NOT NULL,   -- place among the leg's executions of one instant
    execution_key  uuid,                   -- NULL for an opening balance
    order_key      uuid        NOT NULL,
    share_start    numeric     NOT NULL,   -- where this share begins within its execution
    execution_qty  numeric     NOT NULL,
    price          numeric,                -- NULL when the cost is unknown
    fee            numeric,                -- of the whole execution; NULL when it has no known value
    reason         text        NOT NULL,
    evidence       text        NOT NULL,
    PRIMARY KEY (account_id, book_id, stretch, side, unit_end),  -- open lots: unit_end beyond a point
    CHECK (unit_start < unit_end),
    CHECK (side IN (1, -1))
);
CREATE INDEX lines_by_time ON derived.lines
    (account_id, book_id, side, executed_at, unit_end);

-- The k-th unit bought is matched with the k-th unit sold: overlaps of the two lines.
CREATE TABLE derived.lot_matches (
    account_id      bigint      NOT NULL,
    book_id         bigint      NOT NULL,
    stretch         timestamptz NOT NULL,
    unit_start      numeric     NOT NULL,
    unit_end        numeric     NOT NULL,
    direction       smallint    NOT NULL,  -- 1 long, -1 short
    entry_key       uuid,
    exit_key        uuid,
    entry_order     uuid        NOT NULL,
    exit_order      uuid        NOT NULL,
    entry_at        timestamptz NOT NULL,
    exit_at         timestamptz NOT NULL,
    entry_price     numeric,
    exit_price      numeric,
    gross           numeric,
    entry_fee       numeric,
    exit_fee        numeric,
    funding         numeric     NOT NULL,
    entry_reason    text        NOT NULL,
    entry_evidence  text        NOT NULL,
    exit_reason     text        NOT NULL,
    exit_evidence   text        NOT NULL,
    PRIMARY KEY (account_id, book_id, stretch, unit_start)
);
CREATE INDEX lot_matches_by_exit ON derived.lot_matches (account_id, book_id, exit_at);
CREATE INDEX lot_matches_by_orders ON derived.lot_matches
    (account_id, book_id, entry_order, exit_order);

-- A book's part of a funding payment, and the open units that bear it.
CREATE TABLE derived.funding_shares (
    account_id   bigint      NOT NULL,
    book_id      bigint      NOT NULL,
    stretch      timestamptz NOT NULL,
    cash_key     uuid        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    unit_start   numeric     NOT NULL,
    unit_end     numeric     NOT NULL,
    amount       numeric     NOT NULL,
    PRIMARY KEY (account_id, book_id, stretch, cash_key)
);
CREATE INDEX funding_shares_by_time ON derived.funding_shares (account_id, book_id, occurred_at);

-- Lot matches grouped by book, direction, entry order and exit order.
CREATE TABLE derived.completed_trades (
    account_id             bigint      NOT NULL,
    trade_id               text        NOT NULL,  -- digest of the group's key
    id                     bigint      NOT NULL,
    book_id                bigint      NOT NULL,
    stretch                timestamptz NOT NULL,
    direction              smallint    NOT NULL,
    entry_order            uuid        NOT NULL,
    exit_order             uuid        NOT NULL,
    bot_id                 text        NOT NULL,
    category               text        NOT NULL,
    symbol                 text        NOT NULL,
    currency               text        NOT NULL,
    entry_order_id         text,
    entry_client_order_id  text,
    entry_price            numeric,
    entry_time             timestamptz NOT NULL,
    entry_reason           text        NOT NULL,
    entry_evidence         text        NOT NULL,
    entry_fee              numeric,
    exit_order_id          text,
    exit_client_order_id   text,
    exit_price             numeric,
    exit_time              timestamptz NOT NULL,
    exit_reason            text        NOT NULL,
    exit_evidence          text        NOT NULL,
    exit_fee               numeric,
    qty                    numeric     NOT NULL,
    gross                  numeric,
    fee                    numeric,
    funding                numeric     NOT NULL,
    net                    numeric,
    net_pct                numeric,
    booked_at              timestamptz NOT NULL,  -- when the last fact it rests on was first booked
    PRIMARY KEY (account_id, trade_id)
);
CREATE INDEX idx_completed_trades_recent ON derived.completed_trades (exit_time, trade_id);
CREATE INDEX idx_completed_trades_bot ON derived.completed_trades (account_id, bot_id, exit_time);
CREATE INDEX idx_completed_trades_exit_reason ON derived.completed_trades
    (account_id, exit_reason, exit_time);
CREATE INDEX completed_trades_by_orders ON derived.completed_trades
    (account_id, book_id, entry_order, exit_order);
