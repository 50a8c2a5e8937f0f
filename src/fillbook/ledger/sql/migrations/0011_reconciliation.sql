-- Reconciliation: what venues showed of the present, how it compared with the book, what differs.
--
-- All of it is operations: figures never rest on it. What grows is bounded: observations and the
-- records of comparisons by their number, comparisons by what there is to compare, breaks that are
-- closed by their number.

-- One row each time a venue was asked what is held and what is in the wallets.
CREATE TABLE ops.observations (
    account_id       bigint      NOT NULL,
    observation_id   uuid        NOT NULL,
    asked_at         timestamptz NOT NULL,   -- by the venue's clock
    answered_at      timestamptz NOT NULL,
    positions_error  text,                   -- NULL: they were told
    balances_error   text,
    is_daily         boolean     NOT NULL,   -- the first whole one of its day, which is kept longer
    PRIMARY KEY (account_id, observation_id)
);
CREATE INDEX observations_by_time ON ops.observations (account_id, asked_at);
CREATE INDEX observations_daily ON ops.observations (account_id, asked_at) WHERE is_daily;

CREATE TABLE ops.observed_positions (
    account_id         bigint      NOT NULL,
    observation_id     uuid        NOT NULL,
    category           text        NOT NULL,
    symbol             text        NOT NULL,
    leg                text        NOT NULL,
    observed_at        timestamptz NOT NULL,
    qty                numeric     NOT NULL,   -- signed
    entry_price        numeric,
    mark_price         numeric,
    unrealised         numeric,
    leverage           numeric,
    liquidation_price  numeric,
    take_profit        numeric,
    stop_loss          numeric,
    opened_at          timestamptz,
    updated_at         timestamptz,
    venue_seq          bigint,
    PRIMARY KEY (account_id, observation_id, category, symbol, leg)
);

CREATE TABLE ops.observed_balances (
    account_id      bigint      NOT NULL,
    observation_id  uuid        NOT NULL,
    wallet          text        NOT NULL,
    currency        text        NOT NULL,
    observed_at     timestamptz NOT NULL,
    balance         numeric     NOT NULL,
    borrowed        numeric,
    equity          numeric,
    value_usd       numeric,
    PRIMARY KEY (account_id, observation_id, wallet, currency)
);

-- One row for each time that the book was compared.
CREATE TABLE ops.reconciliations (
    account_id         bigint      NOT NULL,
    reconciliation_id  uuid        NOT NULL,
    observation_id     uuid        NOT NULL,
    matched_at         timestamptz NOT NULL,   -- when the venue was asked, by its clock
    compared_at        timestamptz NOT NULL,
    agreed             bigint      NOT NULL,
    differed           bigint      NOT NULL,
    deferred           bigint      NOT NULL,
    not_compared       bigint      NOT NULL,
    opened             bigint      NOT NULL,
    healed             bigint      NOT NULL,
    unkept             bigint      NOT NULL,   -- differences too many to be kept as breaks
    seconds            numeric     NOT NULL,
    PRIMARY KEY (account_id, reconciliation_id)
);
CREATE INDEX reconciliations_by_time ON ops.reconciliations (account_id, compared_at);

-- The last comparison of each leg, coin and measure: that nothing differs is a dated statement.
CREATE TABLE ops.comparisons (
    account_id   bigint      NOT NULL,
    way          text        NOT NULL,
    measure      text        NOT NULL,
    category     text        NOT NULL,
    symbol       text        NOT NULL,
    leg          text        NOT NULL,
    currency     text        NOT NULL,
    verdict      text        NOT NULL,   -- agrees, differs, deferred, not_compared
    ours         numeric,
    theirs       numeric,
    items        bigint      NOT NULL,   -- how many orders, lines or figures were compared
    why          text        NOT NULL,
    matched_at   timestamptz NOT NULL,
    compared_at  timestamptz NOT NULL,
    agreed_at    timestamptz,            -- the last instant at which both sides agreed
    deferrals    int         NOT NULL DEFAULT 0,   -- in a row
    PRIMARY KEY (account_id, way, measure, category, symbol, leg, currency),
    CHECK (verdict IN ('agrees', 'differs', 'deferred', 'not_compared'))
);

-- The time for which orders, fees and lines of the log were compared; what is told later of that
-- time is compared again.
CREATE TABLE ops.compared_time (
    account_id   bigint          NOT NULL,
    way          text            NOT NULL,
    category     text            NOT NULL,
    pieces       tstzmultirange  NOT NULL,
    through_seq  bigint          NOT NULL,
    PRIMARY KEY (account_id, way, category)
);

-- One row for each difference, from its first appearance until it heals.
CREATE TABLE ops.breaks (
    account_id     bigint      NOT NULL,
    break_id       uuid        NOT NULL,
    way            text        NOT NULL,   -- position, closed_pnl, cash, counts
    measure        text        NOT NULL,
    category       text        NOT NULL,
    symbol         text        NOT NULL,
    leg            text        NOT NULL,
    currency       text        NOT NULL,
    reference      text        NOT NULL,   -- an order, where it is about one
    ours           numeric,
    theirs         numeric,
    cause          text        NOT NULL,   -- likely: late_data, missing_history, ...
    why            text        NOT NULL,
    tried          text[]      NOT NULL,
    tried_at       timestamptz,            -- when something was tried last
    tries          int         NOT NULL DEFAULT 0,   -- how often it was read again to its end
    starts_at      timestamptz,            -- where the difference arose, where that is known
    ends_at        timestamptz,
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    times_seen     bigint      NOT NULL,
    healed_at      timestamptz,
    PRIMARY KEY (account_id, break_id),
    CHECK (way IN ('position', 'closed_pnl', 'cash', 'counts')),
    CHECK (cause IN ('late_data', 'missing_history', 'unknown_record_type', 'rounding', 'venue_hole',
                     'in_doubt'))
);
CREATE UNIQUE INDEX breaks_open ON ops.breaks
    (account_id, way, measure, category, symbol, leg, currency, reference)
    WHERE healed_at IS NULL;
CREATE INDEX breaks_by_time ON ops.breaks (account_id, first_seen_at);

-- What differs from the venue, or did: sizes, causes, what was tried.
CREATE VIEW trading.breaks AS
SELECT
    b.account_id, a.venue AS exchange, b.way, b.measure, b.category, b.symbol, b.leg, b.currency,
    b.reference, b.ours, b.theirs, b.theirs - b.ours AS difference, b.cause, b.why, b.tried,
    b.starts_at, b.ends_at, b.first_seen_at, b.last_seen_at, b.times_seen,
    CASE WHEN b.healed_at IS NULL THEN 'open' ELSE 'healed' END AS state, b.healed_at
FROM ops.breaks b
JOIN ops.accounts a USING (account_id);
