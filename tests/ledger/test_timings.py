"""The slowest windows: few of each run, none that is old; the report shows the slowest first."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from fillbook.domain.window import Window
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.ledger.timings import KEPT_FOR, KEPT_OF_A_RUN_MAX, Timed, put_slowest
from fillbook.reports import slowest
from fillbook.reports._report import Query, ask
from tests.cli.command import fillbook

AT = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)
ACCOUNT = """
INSERT INTO ops.accounts (account_id, name, venue, environment, venue_user_id, created_at)
VALUES (1, 'main', 'bybit', 'paper', '1', now()), (2, 'other', 'bybit', 'paper', '2', now())
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A ledger with two accounts."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(ACCOUNT)
    async with open_pool(database_url) as opened:
        yield opened


def timed(day: int, ms: int, *, failed: str = "") -> Timed:
    """A window of a day, and how long it took."""
    window = Window(AT + day * DAY, AT + (day + 1) * DAY)
    return Timed("executions", "linear", window, 3, 120, timedelta(milliseconds=ms), failed)


async def put(pool: Pool, *windows: Timed, run: UUID, at: datetime = AT, account: int = 1) -> None:
    async with transaction(pool) as conn:
        await put_slowest(conn, account_id=account, run_id=run, timed=windows, noted_at=at)


async def shown(pool: Pool, **asked: object) -> list[tuple[str, Decimal]]:
    """The report's windows."""
    found = await ask(pool, slowest.REPORT, Query(**asked), now=AT + DAY)  # type: ignore[arg-type]
    return [(row.account, row.seconds) for row in found.windows]


async def test_the_slowest_of_a_run_are_kept(pool: Pool) -> None:
    """So many and no more, the slowest first in the report."""
    many = [timed(day, ms=(day * 7919) % 1000) for day in range(50)]

    await put(pool, *many, run=uuid4())

    slow = sorted((one.took // timedelta(milliseconds=1) for one in many), reverse=True)
    assert await shown(pool) == [("main", Decimal(ms) / 1000) for ms in slow[:KEPT_OF_A_RUN_MAX]]


async def test_a_window_that_was_read_twice_counts_by_the_slower_time(pool: Pool) -> None:
    """Whichever was told first."""
    run = uuid4()

    await put(pool, timed(0, 50), timed(1, 900), run=run)
    await put(pool, timed(0, 700, failed="the cursor repeats"), timed(1, 10), run=run)

    assert await shown(pool) == [("main", Decimal("0.9")), ("main", Decimal("0.7"))]
    found = await ask(pool, slowest.REPORT, Query(), now=AT + DAY)
    assert [row.not_proven for row in found.windows] == [None, "the cursor repeats"]


async def test_what_is_old_is_forgotten(pool: Pool) -> None:
    """When the next run of the same account ends; another account's stays."""
    await put(pool, timed(0, 50), run=uuid4(), at=AT - KEPT_FOR)
    await put(pool, timed(0, 60), run=uuid4(), at=AT - KEPT_FOR, account=2)

    await put(pool, timed(1, 70), run=uuid4(), at=AT + timedelta(seconds=1))

    assert await shown(pool) == [("main", Decimal("0.07")), ("other", Decimal("0.06"))]


async def test_the_report_is_narrowed(pool: Pool) -> None:
    """To an account, to the runs that ended in an interval, to so many rows."""
    await put(pool, timed(0, 50), timed(1, 40), run=uuid4(), at=AT - DAY)
    await put(pool, timed(0, 60), run=uuid4(), account=2)

    assert await shown(pool, account="other") == [("other", Decimal("0.06"))]
    assert await shown(pool, since=AT) == [("other", Decimal("0.06"))]
    assert await shown(pool, until=AT, limit=1) == [("main", Decimal("0.05"))]


async def test_statistics_show_the_slowest_windows(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    """Beside the totals and the runs."""
    await put(pool, timed(0, 50), run=uuid4(), at=datetime.now(UTC))

    given = {"DATABASE_URL": database_url}
    said = fillbook("stats", "--days", "2", home=tmp_path, given=given)
    json_said = fillbook("stats", "--format", "json", home=tmp_path, given=given)

    assert said.code == 0, said.err
    assert "slowest" in said.out
    assert "0.05" in said.out
    assert '"windows": [{"account": "main"' in json_said.out
