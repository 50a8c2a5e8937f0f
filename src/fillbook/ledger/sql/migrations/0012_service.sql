-- The service: what is due when, who works, and what is wrong.

-- One row for each job of an account, so that a restart knows. Bounded by accounts and jobs.
CREATE TABLE ops.jobs (
    account_id      bigint      NOT NULL,   -- 0: the installation's own
    job             text        NOT NULL,
    period_seconds  bigint      NOT NULL,
    served          timestamptz,            -- the last due time that was served, or given up
    started_at      timestamptz,
    ended_at        timestamptz,
    done_at         timestamptz,            -- the end of the last one that went well
    due_at          timestamptz NOT NULL,   -- the next one
    outcome         text        NOT NULL,   -- never, running, done, partial, failed, missed
    failures        int         NOT NULL DEFAULT 0,   -- in a row
    missed          bigint      NOT NULL DEFAULT 0,   -- due times that passed without a run
    error           text        NOT NULL DEFAULT '',
    first_at        timestamptz,            -- it began for the first time
    unproven        text        NOT NULL DEFAULT '',  -- by the last one that came to its end
    worker_id       uuid        NOT NULL,
    PRIMARY KEY (account_id, job),
    CHECK (outcome IN ('never', 'running', 'done', 'partial', 'failed', 'missed'))
);

-- What is wrong, since when, and until when it was. Bounded: cleared ones go after 90 days.
CREATE TABLE ops.alarms (
    account_id  bigint      NOT NULL,   -- 0: the installation's own
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    raised_at   timestamptz NOT NULL,
    detail      text        NOT NULL,
    cleared_at  timestamptz,
    PRIMARY KEY (account_id, kind, subject, raised_at)
);
CREATE UNIQUE INDEX alarms_up ON ops.alarms (account_id, kind, subject) WHERE cleared_at IS NULL;

-- Who works on which account, and how its feed is. Account 0 is the process as such. Bounded: those
-- that have not been heard of for a week go.
CREATE TABLE ops.workers (
    account_id  bigint      NOT NULL,
    worker_id   uuid        NOT NULL,
    holder      text        NOT NULL,   -- host:process:start
    state       text        NOT NULL,
    says        text        NOT NULL DEFAULT '',
    feed        text        NOT NULL DEFAULT '',
    feed_since  timestamptz,
    started_at  timestamptz NOT NULL,
    beat_at     timestamptz NOT NULL,
    stopped_at  timestamptz,            -- it said goodbye; without this, it should be running
    PRIMARY KEY (account_id, worker_id)
);

-- What alarms ask twice a minute: gaps that were named lately, rows of late that cannot be read.
CREATE INDEX windows_unavailable ON facts.windows (account_id, read_at)
    WHERE outcome = 'unavailable';
CREATE INDEX quarantined_lately ON facts.quarantined (account_id, booked_at);
