"""How is each account doing: its last run, its feed, what is due, what is wrong, how fresh?

What the service says of itself is believed for as long as it is heard of. A worker that has fallen
silent without a goodbye counts for nothing: then the feed is told as not heard of.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Seconds, Table, table

# An error is the last run's own: it is forgotten when a later run goes well.
ACCOUNTS: LiteralString = """
SELECT a.name, a.venue, a.environment, a.state, done.ended_at, last.status, last.started_at,
    CASE WHEN last.status IN ('failed', 'partial')
        THEN coalesce(nullif(last.error, ''), 'The last run did not finish its work.') END,
    nullif(a.state_reason, ''), k.checked_at,
    CASE WHEN k.expires_on IS NOT NULL
        THEN greatest(0, k.expires_on - (%(now)s::timestamptz AT TIME ZONE 'UTC')::date) END,
    CASE WHEN w.beat_at < %(heard_since)s THEN 'not heard of since '
        || to_char(w.beat_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
        ELSE w.state END,
    CASE WHEN w.beat_at >= %(heard_since)s THEN nullif(w.feed, '') END,
    CASE WHEN w.beat_at >= %(heard_since)s THEN w.feed_since END,
    (SELECT min(j.due_at) FROM ops.jobs j
     WHERE j.account_id = a.account_id AND w.beat_at >= %(heard_since)s),
    (SELECT count(*) FROM ops.alarms l WHERE l.account_id = a.account_id AND l.cleared_at IS NULL)
FROM ops.accounts a
LEFT JOIN LATERAL (
    SELECT r.status, r.started_at, r.error FROM ops.runs r
    WHERE r.account_id = a.account_id AND r.status <> 'running'
    ORDER BY r.started_at DESC LIMIT 1) AS last ON true
LEFT JOIN LATERAL (
    SELECT r.ended_at FROM ops.runs r
    WHERE r.account_id = a.account_id AND r.status = 'completed'
    ORDER BY r.started_at DESC LIMIT 1) AS done ON true
LEFT JOIN LATERAL (
    SELECT c.checked_at, c.expires_on FROM ops.key_checks c
    WHERE c.account_id = a.account_id AND a.state <> 'removed'
    ORDER BY c.checked_at DESC LIMIT 1) AS k ON true
LEFT JOIN LATERAL (
    SELECT o.state, o.feed, o.feed_since, o.beat_at FROM ops.workers o
    WHERE o.account_id = a.account_id AND o.stopped_at IS NULL
    ORDER BY o.state = 'working' DESC, o.beat_at DESC LIMIT 1) AS w ON true
WHERE a.account_id = ANY(%(accounts)s)
ORDER BY a.name
"""

ALARMS: LiteralString = """
SELECT coalesce(a.name, ''), l.kind, l.subject, l.raised_at, l.detail
FROM ops.alarms l
LEFT JOIN ops.accounts a USING (account_id)
WHERE l.cleared_at IS NULL AND (l.account_id = ANY(%(accounts)s) OR l.account_id = 0)
ORDER BY l.raised_at DESC, 1, 2, 3
LIMIT 100
"""

JOBS: LiteralString = """
SELECT a.name, j.job, j.outcome, j.started_at, j.done_at, j.due_at, j.failures, j.missed,
    nullif(j.error, '')
FROM ops.jobs j
JOIN ops.accounts a USING (account_id)
WHERE j.account_id = ANY(%(accounts)s)
ORDER BY a.name, j.due_at, j.job
"""

WORKERS: LiteralString = """
SELECT split_part(holder, ':', 1), split_part(holder, ':', 2),
    CASE WHEN beat_at < %(heard_since)s THEN 'not heard of' ELSE state END, nullif(says, ''),
    started_at, beat_at
FROM ops.workers
WHERE account_id = 0 AND stopped_at IS NULL
ORDER BY beat_at DESC
LIMIT 20
"""

STREAMS: LiteralString = """
SELECT a.name, c.stream, c.scope, upper(c.read), upper(c.settled)
FROM derived.coverage c
JOIN ops.accounts a USING (account_id)
WHERE c.account_id = ANY(%(accounts)s)
ORDER BY a.name, c.stream, c.scope
"""

_SECOND = timedelta(seconds=1)
HEARD_WITHIN = timedelta(minutes=2)  # a worker beats every ten seconds


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How an account is doing."""

    account: str
    exchange: str
    environment: str
    state: str
    last_sync_at: datetime | None  # the end of the last run that did all of its work
    last_run_status: str | None
    last_run_at: datetime | None
    last_error: str | None
    state_reason: str | None
    key_checked_at: datetime | None
    key_expires_in_days: int | None  # None: it does not expire, or nobody knows
    service: str | None  # what a worker of the service does with it; None: there is none
    feed: str | None
    feed_since: datetime | None  # it is live, or is not
    next_due_at: datetime | None
    alarms: int


@dataclass(frozen=True, slots=True)
class AlarmUp:
    """Something that is wrong now."""

    account: str  # empty: all of them
    kind: str
    subject: str
    raised_at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class JobDone:
    """What became of a job of the schedule, and when it is due next."""

    account: str
    job: str
    outcome: str
    started_at: datetime | None
    done_at: datetime | None
    due_at: datetime
    failures: int
    missed: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs the service, and has not said goodbye."""

    host: str
    process: str
    state: str
    says: str | None
    started_at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a stream has been read, and how long ago that is."""

    account: str
    stream: str
    scope: str
    read_until: datetime | None
    read_age_seconds: Seconds | None
    settled_until: datetime | None
    settled_age_seconds: Seconds | None


@dataclass(frozen=True, slots=True)
class Status:
    """All accounts and their streams."""

    accounts: tuple[AccountStatus, ...]
    alarms: tuple[AlarmUp, ...]
    jobs: tuple[JobDone, ...]
    workers: tuple[Worker, ...]
    streams: tuple[Freshness, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """Accounts and what is wrong, then the service, then streams."""
        return (
            table("status", AccountStatus, self.accounts),
            table("alarms", AlarmUp, self.alarms),
            table("jobs", JobDone, self.jobs),
            table("workers", Worker, self.workers),
            table("streams", Freshness, self.streams),
        )


async def answer(conn: Connection, query: Query, *, now: datetime) -> Status:
    """How things stand now."""
    accounts = await account_ids(conn, query)
    words = {"accounts": accounts, "now": now, "heard_since": now - HEARD_WITHIN}
    known = await (await conn.execute(ACCOUNTS, words)).fetchall()
    alarms = await (await conn.execute(ALARMS, words)).fetchall()
    jobs = await (await conn.execute(JOBS, words)).fetchall()
    workers = await (await conn.execute(WORKERS, words)).fetchall()
    streams = await (await conn.execute(STREAMS, words)).fetchall()
    return Status(
        accounts=tuple(AccountStatus(*row) for row in known),
        alarms=tuple(AlarmUp(*row) for row in alarms),
        jobs=tuple(JobDone(*row) for row in jobs),
        workers=tuple(Worker(*row) for row in workers),
        streams=tuple(_freshness(row, now) for row in streams),
        basis=await basis(conn, accounts, now=now),
    )


def _freshness(
    row: tuple[str, str, str, datetime | None, datetime | None], now: datetime
) -> Freshness:
    account, stream, scope, read, settled = row
    return Freshness(account, stream, scope, read, _age(read, now), settled, _age(settled, now))


def _age(end: datetime | None, now: datetime) -> int | None:
    return None if end is None else max(0, (now - end) // _SECOND)


REPORT = Report(
    name="status",
    title="Status",
    takes=frozenset(("account",)),
    answer=answer,
)
