"""What a monitoring system measures: read from the ledger in one snapshot whenever it asks.

A family is one query: its first columns are labels, its others one metric each. Counters are sums
over runs that have ended, whose rows never change again, so that no counter ever goes back, not
even when the program is restarted. A figure that is not known is left out, not zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, LiteralString

from psycopg.errors import QueryCanceled

from fillbook.errors import DatabaseUnavailable
from fillbook.ledger._pool import Pool, snapshot
from fillbook.reports._report import BOUNDED

SECONDS_MAX = 8  # scrapers give up after ten

RUNS: LiteralString = """
SELECT a.name, a.venue, r.kind, r.status, count(*), sum(r.requests), sum(r.pages),
    sum(r.rows_seen), sum(r.rows_new), sum(r.trades_new), sum(r.quarantined), sum(r.revisions),
    sum(extract(epoch FROM r.ended_at - r.started_at))
FROM ops.runs r JOIN ops.accounts a USING (account_id)
WHERE r.status <> 'running'
GROUP BY a.name, a.venue, r.kind, r.status ORDER BY 1, 2, 3, 4
"""

PASSES: LiteralString = """
SELECT a.name, a.venue, extract(epoch FROM %(now)s - done.ended_at),
    extract(epoch FROM last.ended_at - last.started_at), (last.status = 'completed')::int,
    coalesce(open.runs, 0), (a.state = 'active')::int
FROM ops.accounts a
LEFT JOIN LATERAL (
    SELECT r.ended_at FROM ops.runs r
    WHERE r.account_id = a.account_id AND r.status = 'completed'
    ORDER BY r.started_at DESC LIMIT 1) AS done ON true
LEFT JOIN LATERAL (
    SELECT r.started_at, r.ended_at, r.status FROM ops.runs r
    WHERE r.account_id = a.account_id AND r.status <> 'running'
    ORDER BY r.started_at DESC LIMIT 1) AS last ON true
LEFT JOIN (
    SELECT r.account_id, count(*) AS runs FROM ops.runs r
    WHERE r.status = 'running' GROUP BY r.account_id) AS open USING (account_id)
ORDER BY 1, 2
"""

COVERAGE: LiteralString = """
WITH asked AS (
    SELECT w.account_id, w.ranges, coalesce(c.read, '{}'::tstzmultirange) AS read
    FROM ops.wanted w
    LEFT JOIN derived.counted c USING (account_id, stream, scope)
    WHERE split_part(w.stream, '.', 1) = 'executions'
),
lengths AS (
    SELECT a.account_id,
        (SELECT sum(extract(epoch FROM upper(p.piece) - lower(p.piece)))
         FROM unnest(a.ranges) AS p (piece)) AS wanted_seconds,
        (SELECT sum(extract(epoch FROM upper(p.piece) - lower(p.piece)))
         FROM unnest(a.ranges * a.read) AS p (piece)) AS read_seconds,
        (SELECT count(*) FROM unnest(a.ranges - a.read)) AS gaps,
        upper(a.read) AS read_until
    FROM asked a
)
SELECT a.name, a.venue,
    trunc(100 * coalesce(sum(l.read_seconds), 0) / nullif(sum(l.wanted_seconds), 0), 2),
    sum(l.gaps), extract(epoch FROM %(now)s - min(l.read_until))
FROM lengths l JOIN ops.accounts a USING (account_id)
GROUP BY a.name, a.venue ORDER BY 1, 2
"""

WRONG: LiteralString = """
SELECT a.name, a.venue,
    (SELECT count(*) FROM facts.quarantined q WHERE q.account_id = a.account_id),
    (SELECT count(*) FROM derived.alarms d
     WHERE d.account_id = a.account_id AND d.kind = 'chain_break'),
    (SELECT count(*) FROM ops.window_failures f WHERE f.account_id = a.account_id),
    (SELECT h.chain_seq FROM ops.chain_heads h WHERE h.account_id = a.account_id),
    (SELECT round(max(t.milliseconds) / 1000.0, 3) FROM ops.window_timings t
     WHERE t.account_id = a.account_id AND t.noted_at >= %(now)s - interval '1 day'),
    (SELECT count(*) FROM ops.breaks b
     WHERE b.account_id = a.account_id AND b.healed_at IS NULL),
    (SELECT count(*) FROM ops.alarms m
     WHERE m.account_id = a.account_id AND m.cleared_at IS NULL)
FROM ops.accounts a ORDER BY 1, 2
"""

BREAKS: LiteralString = """
SELECT a.name, a.venue, b.way, b.cause, count(*)
FROM ops.breaks b JOIN ops.accounts a USING (account_id)
WHERE b.healed_at IS NULL
GROUP BY a.name, a.venue, b.way, b.cause ORDER BY 1, 2, 3, 4
"""

ALARMS: LiteralString = """
SELECT coalesce(a.name, ''), coalesce(a.venue, ''), m.kind, count(*)
FROM ops.alarms m LEFT JOIN ops.accounts a USING (account_id)
WHERE m.cleared_at IS NULL
GROUP BY a.name, a.venue, m.kind ORDER BY 1, 2, 3
"""

# A worker that has not been heard of lately died without a word: its feed is live no more.
FEEDS: LiteralString = """
SELECT a.name, a.venue,
    (w.feed = 'live' AND w.beat_at > %(now)s - interval '2 minutes')::int,
    extract(epoch FROM %(now)s - w.feed_since), extract(epoch FROM %(now)s - w.beat_at)
FROM ops.accounts a
JOIN LATERAL (
    SELECT k.feed, k.feed_since, k.beat_at FROM ops.workers k
    WHERE k.account_id = a.account_id AND k.stopped_at IS NULL AND k.state = 'working'
    ORDER BY k.beat_at DESC LIMIT 1) AS w ON true
ORDER BY 1, 2
"""

JOBS: LiteralString = """
SELECT coalesce(a.name, ''), coalesce(a.venue, ''), j.job,
    greatest(0, extract(epoch FROM %(now)s - j.due_at)), j.failures, j.missed
FROM ops.jobs j LEFT JOIN ops.accounts a USING (account_id)
ORDER BY 1, 2, 3
"""

WHOLE: LiteralString = """
SELECT (SELECT count(*) FROM ops.accounts), pg_database_size(current_database()),
    extract(epoch FROM %(now)s - (
        SELECT max(u.happened_at) FROM ops.audit u WHERE u.act = 'backup'))
"""

Kind = Literal["gauge", "counter"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, by the name under which it is scraped."""

    name: str
    kind: Kind
    says: str


@dataclass(frozen=True, slots=True)
class Family:
    """Figures that one query reads."""

    query: LiteralString
    labels: tuple[str, ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's figure for one set of labels."""

    metric: Metric
    labels: tuple[tuple[str, str], ...]
    value: int | Decimal


def _gauge(name: str, says: str) -> Metric:
    return Metric(f"fillbook_{name}", "gauge", says)


def _counter(name: str, says: str) -> Metric:
    return Metric(f"fillbook_{name}_total", "counter", says)


_ACCOUNT = ("account", "exchange")

FAMILIES: tuple[Family, ...] = (
    Family(
        RUNS,
        (*_ACCOUNT, "kind", "status"),
        (
            _counter("runs", "Sync runs that ended."),
            _counter("run_requests", "Requests that runs sent to the venue."),
            _counter("run_pages", "Pages that runs booked."),
            _counter("run_rows", "Rows that runs read."),
            _counter("run_rows_new", "Rows that were not booked before."),
            _counter("run_trades_new", "Completed trades that came or grew."),
            _counter("run_quarantined", "Rows that could not be read and are kept verbatim."),
            _counter("run_revisions", "Rows that the venue changed after they were booked."),
            _counter("run_seconds", "Time that runs took."),
        ),
    ),
    Family(
        PASSES,
        _ACCOUNT,
        (
            _gauge("last_pass_age_seconds", "Since the last run that did all of its work ended."),
            _gauge("last_run_seconds", "How long the last run took."),
            _gauge("last_run_completed", "1 when the last run did all of its work, else 0."),
            _gauge("runs_under_way", "Runs that have not ended."),
            _gauge("account_active", "1 for an account that is neither paused nor stopped."),
        ),
    ),
    Family(
        COVERAGE,
        _ACCOUNT,
        (
            _gauge("coverage_percent", "Of the time asked for that is proven; rounded down."),
            _gauge("gaps", "Stretches of time that were asked for and are not proven."),
            _gauge("read_age_seconds", "Since the end of the stream that was read least far."),
        ),
    ),
    Family(
        WRONG,
        _ACCOUNT,
        (
            _gauge("quarantined_rows", "Rows in quarantine."),
            _gauge("chain_breaks", "Fills that do not fit their position chain."),
            _gauge("window_failures", "Windows that could not be read, and why is known."),
            _gauge("chain_records", "Records on the account's chain."),
            _gauge("slowest_window_seconds", "The slowest window of the last 24 hours."),
            _gauge("breaks_up", "Differences from the venue that are open, whatever the cause."),
            _gauge("alarms_up", "Alarms that are up, of whatever kind."),
        ),
    ),
    Family(
        BREAKS,
        (*_ACCOUNT, "way", "cause"),
        (_gauge("open_breaks", "Differences between book and venue that are open."),),
    ),
    Family(
        ALARMS,
        (*_ACCOUNT, "kind"),
        (_gauge("alarms", "Alarms that are up; without an account: the installation's own."),),
    ),
    Family(
        FEEDS,
        _ACCOUNT,
        (
            _gauge("feed_live", "1 while the live feed is live, else 0."),
            _gauge("feed_state_seconds", "How long the feed has been in its state."),
            _gauge("worker_beat_age_seconds", "Since the service said that it works on it."),
        ),
    ),
    Family(
        JOBS,
        (*_ACCOUNT, "job"),
        (
            _gauge("job_overdue_seconds", "How long a job of the schedule has been due."),
            _gauge("job_failures", "How often it has failed in a row."),
            _counter("job_missed", "Due times that passed without a run."),
        ),
    ),
    Family(
        WHOLE,
        (),
        (
            _gauge("accounts", "Accounts in the ledger."),
            _gauge("database_bytes", "The size of the database."),
            _gauge("backup_age_seconds", "Since the last backup was made."),
        ),
    ),
)


async def measured(pool: Pool, *, now: datetime) -> list[Measured]:
    """Every figure that is known, in the order of the families."""
    found: list[Measured] = []
    try:
        async with snapshot(pool) as conn:
            await conn.execute(BOUNDED, {"milliseconds": str(SECONDS_MAX * 1000)})
            for family in FAMILIES:
                rows = await (await conn.execute(family.query, {"now": now})).fetchall()
                for row in rows:
                    found += _of_row(family, row)
    except QueryCanceled as error:
        raise DatabaseUnavailable(
            f"The database took longer than {SECONDS_MAX} s: ask less often."
        ) from error
    return found


def _of_row(family: Family, row: tuple[object, ...]) -> Iterator[Measured]:
    count = len(family.labels)
    labels = tuple(zip(family.labels, map(str, row[:count]), strict=True))
    for metric, value in zip(family.metrics, row[count:], strict=True):
        if isinstance(value, (int, Decimal)):
            yield Measured(metric, labels, value)
