-- Derived state, second version of the rules: kinds of contract, statements, round trips, live tails.
-- What was laid before is of the first version: `fillbook rebuild` lays it again.

-- Facts count up to one link of the account's chain: the last proof or statement of any stream.
ALTER TABLE derived.laid ADD COLUMN through_seq bigint NOT NULL DEFAULT 0;

ALTER TABLE derived.coverage DROP COLUMN proven_seq;
ALTER TABLE derived.coverage ADD COLUMN live tstzmultirange NOT NULL DEFAULT '{}';

-- The time in which a category's legs are laid: what any of its execution streams has proven or
-- hears. A stream named executions, or executions.something, tells executions.
CREATE VIEW derived.laid_time AS
SELECT account_id, scope AS category, range_agg(read + live) AS pieces, range_agg(read) AS proven
FROM derived.coverage
WHERE split_part(stream, '.', 1) = 'executions'
GROUP BY account_id, scope;

-- The terms that a book was laid by.
ALTER TABLE derived.books ADD COLUMN kind text NOT NULL DEFAULT 'linear';
ALTER TABLE derived.books ADD COLUMN multiplier numeric NOT NULL DEFAULT 1;
ALTER TABLE derived.books ADD COLUMN qty_min numeric;

ALTER TABLE derived.stretches ADD COLUMN opening_moved numeric NOT NULL DEFAULT 0;
ALTER TABLE derived.stretches ADD COLUMN opening_moved_at timestamptz;

ALTER TABLE derived.lines ADD COLUMN value numeric;   -- of the whole execution, inverse only
ALTER TABLE derived.lines ADD COLUMN owner_evidence text NOT NULL DEFAULT '';
ALTER TABLE derived.lines ADD COLUMN tag_unread boolean NOT NULL DEFAULT false;
CREATE INDEX lines_unread ON derived.lines (account_id, executed_at) WHERE tag_unread;

ALTER TABLE derived.lot_matches ADD COLUMN entry_value numeric;   -- inverse only
ALTER TABLE derived.lot_matches ADD COLUMN exit_value numeric;
-- What the book has earned in this stretch up to and with this match, and how many matches have no
-- known net: so that the profit as of any instant is one look-up.
ALTER TABLE derived.lot_matches ADD COLUMN realized numeric NOT NULL DEFAULT 0;
ALTER TABLE derived.lot_matches ADD COLUMN unvalued bigint NOT NULL DEFAULT 0;

-- Matches of a stretch from an instant on are the ones that a late row takes away.
DROP INDEX derived.lot_matches_by_exit;
CREATE INDEX lot_matches_by_exit ON derived.lot_matches (account_id, book_id, stretch, exit_at);

-- The units that bear a payment end ever later on the line: open ones are found at its end.
CREATE INDEX funding_shares_by_unit ON derived.funding_shares
    (account_id, book_id, stretch, unit_end);

-- Costs that belong to no units: fees without a quantity, funding that met no position.
CREATE TABLE derived.unattached (
    account_id   bigint      NOT NULL,
    category     text        NOT NULL,
    symbol       text        NOT NULL,
    leg          text        NOT NULL,
    stretch      timestamptz NOT NULL,
    occurred_at  timestamptz NOT NULL,
    kind         text        NOT NULL,   -- fee, funding
    fact_key     uuid        NOT NULL,
    currency     text        NOT NULL,
    amount       numeric,                -- NULL: in a coin without a known price
    PRIMARY KEY (account_id, category, symbol, leg, stretch, kind, fact_key)
);

-- Round trips that ended: the units [unit_start, unit_end) of a book's line, from flat to flat. The
-- one that is under way begins where the last one ended, and is summed up when it is asked for.
CREATE TABLE derived.round_trips (
    account_id   bigint      NOT NULL,
    book_id      bigint      NOT NULL,
    stretch      timestamptz NOT NULL,
    unit_start   numeric     NOT NULL,
    unit_end     numeric     NOT NULL,
    direction    smallint    NOT NULL,   -- of most of its units
    opened_at    timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    entry_reason text        NOT NULL,
    exit_reason  text        NOT NULL,
    matches      bigint      NOT NULL,
    entry_value  numeric,                -- price x quantity x multiplier, or as printed
    exit_value   numeric,
    gross        numeric,
    fee          numeric,
    funding      numeric     NOT NULL,
    net          numeric,
    PRIMARY KEY (account_id, book_id, stretch, unit_start),
    CHECK (unit_start < unit_end)
);
CREATE INDEX round_trips_by_end ON derived.round_trips (account_id, ended_at);
CREATE INDEX round_trips_by_book ON derived.round_trips (account_id, book_id, stretch, ended_at);

-- Why is this trade different from yesterday? One row per trade that a late, changed or stated fact
-- has altered. It is a log: figures never rest on it.
CREATE TABLE ops.restatements (
    account_id          bigint      NOT NULL,
    caused_by           bigint      NOT NULL,   -- the link of the chain that set it off
    trade_id            text        NOT NULL,
    restated_at         timestamptz NOT NULL,
    cause               text        NOT NULL,   -- late_fact, revision, gap_closed, or a statement's kind
    category            text        NOT NULL,
    symbol              text        NOT NULL,
    leg                 text        NOT NULL,
    before_bot_id        text,   -- before_*: NULL when the trade is new
    before_entry_time    timestamptz,
    before_entry_reason  text,
    before_exit_time     timestamptz,
    before_exit_reason   text,
    before_qty           numeric,
    before_gross         numeric,
    before_fee           numeric,
    before_funding       numeric,
    before_net           numeric,
    after_bot_id        text,   -- after_*: NULL when the trade is gone
    after_entry_time    timestamptz,
    after_entry_reason  text,
    after_exit_time     timestamptz,
    after_exit_reason   text,
    after_qty           numeric,
    after_gross         numeric,
    after_fee           numeric,
    after_funding       numeric,
    after_net           numeric,
    PRIMARY KEY (account_id, caused_by, trade_id)
);
CREATE INDEX restatements_by_trade ON ops.restatements (account_id, trade_id);
CREATE INDEX restatements_by_time ON ops.restatements (account_id, restated_at);
