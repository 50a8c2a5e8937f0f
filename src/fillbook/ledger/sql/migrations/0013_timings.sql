-- The slowest windows of each run: where its time went. Bounded: so many of a run, and none older than
-- two weeks (ledger/timings.py).
CREATE TABLE ops.window_timings (
    account_id    bigint      NOT NULL,
    run_id        uuid        NOT NULL,
    stream        text        NOT NULL,
    scope         text        NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    pages         bigint      NOT NULL,
    row_count     bigint      NOT NULL,
    milliseconds  bigint      NOT NULL,
    failed        text        NOT NULL,   -- why it is not proven; empty: it is
    noted_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, run_id, stream, scope, starts_at)
);
CREATE INDEX window_timings_by_time ON ops.window_timings (account_id, noted_at);
