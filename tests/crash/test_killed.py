"""A backfill that is stopped, or whose embedded database is killed, is run again and completes.

Kills at named points are in test_points.py.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from fillbook.ledger import _embedded
from tests.conftest import _databases
from tests.crash.commands import ASKED, SETTINGS, desk, ended, raw_records, real_now, until
from tests.sync.book import Clock, opened

pytestmark = pytest.mark.slow


@pytest.fixture
async def true_hash(server_url: str, template: str) -> str:
    """The ledger hash of a run that nothing interrupted."""
    with _databases(server_url) as make:
        async with opened(make(template), SETTINGS, clock=Clock(real_now())) as book:
            assert (await book.backfill(ASKED)).complete
            return await book.hash()


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder that a database server of another user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="fb-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if (folder / "postgres").exists():
            _embedded.stop(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


def _one_waits(conn: psycopg.Connection[TupleRow]) -> bool:
    """Whether the process wants what the test has locked."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    row = conn.execute(waiting).fetchone()
    return row is not None and bool(row[0])


async def test_a_stopped_backfill_says_so_and_resumes(
    home: Path, database_url: str, true_hash: str
) -> None:
    """SIGTERM ends it within five seconds, with exit code 3 and one sentence; the next goes on."""
    async with desk(home, database_url) as at:
        process = await at.backfill()
        await until(process, lambda: raw_records(database_url) >= 200)
        process.send_signal(signal.SIGTERM)
        stopped = await ended(process, seconds_max=5)
        with psycopg.connect(database_url) as conn:
            status = conn.execute("SELECT status FROM ops.runs").fetchall()
        done = await ended(await at.backfill())

        assert stopped.code == 3
        assert "Traceback" not in stopped.err
        assert "run it again" in stopped.err.splitlines()[-1]
        assert [("failed",)] == status
        assert done.code == 0
        assert await at.hash() == true_hash


async def test_a_killed_database_is_one_sentence_and_the_next_run_goes_on(
    home: Path, true_hash: str
) -> None:
    """SIGKILL to the postmaster in mid-run: the command says what happened and ends.

    Run again, it starts the server, recovers and completes the book.
    """
    server = home / "postgres"
    async with desk(home) as at:
        process = await at.backfill()
        await until(process, lambda: (_embedded.status(server).url or "") != "")
        known = _embedded.status(server)
        assert known.url is not None
        assert known.pid is not None
        url = known.url
        await until(process, lambda: raw_records(url) >= 200)
        with suppress(psycopg.OperationalError), psycopg.connect(url) as conn:
            conn.execute("LOCK TABLE facts.raw_records IN ACCESS EXCLUSIVE MODE")
            await until(process, lambda: _one_waits(conn))  # amid a transaction
            os.kill(known.pid, signal.SIGKILL)
        failed = await ended(process, seconds_max=40)
        done = await ended(await at.backfill())

        assert failed.code in (1, 3)
        assert "Traceback" not in failed.err
        assert "database" in failed.err.splitlines()[-1]
        assert done.code == 0, done.err
        assert await at.hash() == true_hash
