"""`/metrics` is what a scraper can read, says what the ledger says, and never counts backwards."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import aiohttp
import psycopg
import pytest

from fillbook.faces.api.metrics import CONTENT_TYPE, exposition, known_metrics
from fillbook.ledger._pool import open_pool
from fillbook.reports._measures import Measured, measured
from tests.faces.conftest import Api, Seeded, now
from tests.tidy.source import ROOT

SAMPLE = re.compile(
    r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})?'
    r" (?P<value>-?[0-9]+(?:\.[0-9]+)?)"
)
DASHBOARD = ROOT / "deploy" / "grafana" / "fillbook.json"
PAGE = ROOT / "docs" / "reference" / "metrics.md"
USED = re.compile(r"\bfillbook_[a-z_]+")

ACCOUNT = """
INSERT INTO ops.accounts (name, venue, environment, venue_user_id, created_at)
VALUES ('bybit', 'bybit', 'paper', '1', now())
"""
RUN = """
INSERT INTO ops.runs (account_id, run_id, kind, status, started_at, ended_at, requests, rows_seen)
SELECT account_id, gen_random_uuid(), 'hourly', %(status)s, now() - interval '2 s', %(ended)s, 7, 9
FROM ops.accounts
"""
FAIL = "UPDATE ops.runs SET status = 'failed', ended_at = now() WHERE status = 'running'"


@pytest.fixture
def ledger_url(database_url: str) -> str:
    """A ledger with an account and nothing else."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(ACCOUNT)
    return database_url


def read(text: str) -> dict[tuple[str, str], Decimal]:
    """The samples of an exposition; a line that is neither a sample nor a note is an error."""
    found = {}
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        found[sample["name"], sample["labels"] or ""] = Decimal(sample["value"])
    return found


async def scrape(api: Api) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{api.url}/metrics", headers=api.headers) as reply,
    ):
        assert reply.status == 200, await reply.text()
        assert reply.headers["Content-Type"] == CONTENT_TYPE
        return await reply.text()


async def test_a_scrape_says_what_the_ledger_says(api: Api, seeded: Seeded) -> None:
    """One completed run, everything proven, and as many requests as its row says."""
    with psycopg.connect(seeded.url) as conn:
        row = conn.execute("SELECT requests, rows_seen FROM ops.runs").fetchone()
    assert row is not None

    found = read(await scrape(api))

    run = 'account="bybit",exchange="bybit",kind="backfill",status="completed"'
    account = 'account="bybit",exchange="bybit"'
    assert found["fillbook_runs_total", run] == 1
    assert found["fillbook_run_requests_total", run] == row[0]
    assert found["fillbook_run_rows_total", run] == row[1]
    assert found["fillbook_coverage_percent", account] == 100
    assert found["fillbook_gaps", account] == 0
    assert found["fillbook_last_run_completed", account] == 1
    assert 0 <= found["fillbook_last_pass_age_seconds", account] < 3600
    assert found["fillbook_slowest_window_seconds", account] > 0
    assert found["fillbook_database_bytes", ""] > 1_000_000
    assert found["fillbook_accounts", ""] == 1
    assert ("fillbook_backup_age_seconds", "") not in found


async def test_strangers_learn_nothing(api: Api, http: aiohttp.ClientSession) -> None:
    """Without a token there are no figures, and nothing says that there are any."""
    async with http.get(f"{api.url}/metrics") as reply:
        assert reply.status == 401
        assert "fillbook_" not in await reply.text()


async def test_counters_never_go_back(ledger_url: str) -> None:
    """A run counts when it has ended, under the status that it keeps."""
    async with open_pool(ledger_url) as pool:

        async def counters() -> dict[tuple[str, object], object]:
            found = await measured(pool, now=now())
            return {
                (one.metric.name, one.labels): one.value
                for one in found
                if one.metric.kind == "counter"
            }

        seen = [await counters()]
        with psycopg.connect(ledger_url, autocommit=True) as conn:
            conn.execute(RUN, {"status": "running", "ended": None})
            seen.append(await counters())
            conn.execute(FAIL)
            seen.append(await counters())
            conn.execute(RUN, {"status": "completed", "ended": now()})
            seen.append(await counters())

    assert seen[0] == seen[1] == {}
    for before, after in pairwise(seen):
        assert all(after[key] >= value for key, value in before.items())  # type: ignore[operator]
    labels = tuple(
        {"account": "bybit", "exchange": "bybit", "kind": "hourly", "status": "failed"}.items()
    )
    assert seen[3]["fillbook_run_requests_total", labels] == 7
    assert len(seen[3]) > len(seen[2]) > 0


async def test_what_is_wrong_is_counted(ledger_url: str) -> None:
    """Open breaks by cause, alarms that are up, overdue jobs, a feed that is not live."""
    at = now()
    with psycopg.connect(ledger_url, autocommit=True) as conn:
        what = {"at": at, "before": at - timedelta(minutes=5)}
        for statement in WRONG:
            conn.execute(statement, what)

    async with open_pool(ledger_url) as pool:
        found = read(exposition(await measured(pool, now=at)))

    account = 'account="bybit",exchange="bybit"'
    assert found["fillbook_open_breaks", f'{account},way="position",cause="late_data"'] == 1
    assert found["fillbook_alarms", f'{account},kind="deaf feed"'] == 1
    assert found["fillbook_alarms", 'account="",exchange="",kind="database away"'] == 1
    assert found["fillbook_feed_live", account] == 0
    assert found["fillbook_feed_state_seconds", account] == 300
    assert found["fillbook_job_overdue_seconds", f'{account},job="pass"'] == 300
    assert found["fillbook_job_failures", f'{account},job="pass"'] == 2


WRONG = (
    """
    INSERT INTO ops.breaks (account_id, break_id, way, measure, category, symbol, leg, currency,
        reference, cause, why, tried, first_seen_at, last_seen_at, times_seen, healed_at)
    SELECT account_id, gen_random_uuid(), 'position', 'qty', 'linear', symbol, 'net', '', '',
        'late_data', '', '{}', %(at)s, %(at)s, 1, healed
    FROM ops.accounts, (VALUES ('BTCUSDT', NULL), ('ETHUSDT', %(at)s)) AS b (symbol, healed)
    """,
    """
    INSERT INTO ops.alarms (account_id, kind, subject, raised_at, detail, cleared_at)
    SELECT account_id, kind, '', %(at)s, '', cleared FROM ops.accounts,
        (VALUES ('deaf feed', NULL), ('no pass', %(at)s)) AS m (kind, cleared)
    UNION ALL SELECT 0, 'database away', '', %(at)s, '', NULL
    """,
    """
    INSERT INTO ops.workers (account_id, worker_id, holder, state, feed, feed_since, started_at,
        beat_at)
    SELECT account_id, gen_random_uuid(), 'here', 'working', 'connecting', %(before)s, %(before)s,
        %(at)s FROM ops.accounts
    """,
    """
    INSERT INTO ops.jobs (account_id, job, period_seconds, due_at, outcome, failures, worker_id)
    SELECT account_id, 'pass', 1800, %(before)s, 'failed', 2, gen_random_uuid() FROM ops.accounts
    """,
)


def test_labels_cannot_break_out() -> None:
    """Quotes, backslashes and line ends of a name stay inside their quotes."""
    metric = known_metrics()[0]
    hostile = 'a"b\\c\nd} 1'

    text = exposition([Measured(metric, (("version", hostile),), 1)])

    assert len(text.splitlines()) == 3
    assert list(read(text)) == [(metric.name, 'version="a\\"b\\\\c\\nd} 1"')]


def test_metrics_are_named_as_scrapers_want_them() -> None:
    """Each name once; counters end in `_total`; units are in the name."""
    names = [metric.name for metric in known_metrics()]

    assert len(set(names)) == len(names)
    for metric in known_metrics():
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric
        assert USED.fullmatch(metric.name)
        assert metric.says.endswith(".")


def test_every_metric_is_documented() -> None:
    """The page names each metric, and no metric that does not exist."""
    names = {metric.name for metric in known_metrics()}

    assert set(USED.findall(PAGE.read_text(encoding="utf-8"))) == names


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    """Every query of the Grafana dashboard, and every panel has one."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    names = {metric.name for metric in known_metrics()}
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]

    assert len(queries) >= len(dashboard["panels"]) > 5
    for query in queries:
        assert USED.findall(query), query
        assert set(USED.findall(query)) <= names, query
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
