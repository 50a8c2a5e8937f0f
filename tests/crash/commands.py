"""Real `fillbook` processes that a test may kill, beside a paper exchange."""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from fillbook.domain.window import Window, from_milliseconds
from papervenues.bybit import RunningVenue, Settings, running

DAY_MS = 86_400_000
# Yesterday at most: the commands have the real clock, and all of the history is settled by then.
END_MS = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS - 3 * DAY_MS
SECONDS_MAX = 90
POLL_SECONDS = 0.01
PAUSE = "0.03"
_FOREIGN = ("FILLBOOK_", "BYBIT_", "DATABASE_", "DB_", "POSTGRES_", "EXCHANGE_", "BACKFILL_", "PG")

SETTINGS = Settings(end_ms=END_MS, days=6, executions=400)
ASKED = Window(from_milliseconds(SETTINGS.start_ms), from_milliseconds(END_MS) + timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Desk:
    """A home folder, a database and an exchange for commands to work with."""

    home: Path
    venue: RunningVenue
    database_url: str | None = None
    started: list[Process] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What a command is told: nothing of this process's own settings."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(_FOREIGN)}
        given = {
            "FILLBOOK_HOME": str(self.home),
            "BYBIT_API_KEY": self.venue.keys[0].key,
            "BYBIT_API_SECRET": self.venue.keys[0].secret,
            "BYBIT_BASE_URL": self.venue.url,
            "BACKFILL_BATCH_DAYS": "1",
            "RATE_LIMIT_DELAY": PAUSE,
        }
        if self.database_url:
            given["DATABASE_URL"] = self.database_url
        return kept | given

    async def start(self, *words: str) -> Process:
        """Start a command."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fillbook", *words,
            env=self.environment(), cwd=self.home, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        self.started.append(process)
        return process

    async def backfill(self) -> Process:
        """Start a backfill of the whole history."""
        return await self.start(
            "backfill", "--from", ASKED.starts_at.isoformat(), "--to", ASKED.ends_at.isoformat()
        )

    async def run(self, *words: str) -> Ended:
        """Run a command to its end."""
        return await ended(await self.start(*words))

    async def hash(self) -> str:
        """The ledger hash, as `fillbook verify` says it; the book must be whole."""
        done = await self.run("verify", "--format", "json")
        assert done.code == 0, done.out + done.err
        return str(json.loads(done.out)["ledger_hash"])


async def ended(process: Process, *, seconds_max: float = SECONDS_MAX) -> Ended:
    """Wait for a command; one that hangs is ended and fails the test."""
    begun = time.monotonic()
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds_max)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise AssertionError(f"still running after {seconds_max} s") from None
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode(), time.monotonic() - begun)


async def until(process: Process, done: Callable[[], bool]) -> None:
    """Poll until something is so; a command that ends before fails the test."""
    deadline = time.monotonic() + SECONDS_MAX
    while not await asyncio.to_thread(done):
        assert time.monotonic() < deadline, "nothing came of it"
        if process.returncode is not None:
            out, err = await process.communicate()
            raise AssertionError(f"ended early: {out.decode()}{err.decode()}")
        await asyncio.sleep(POLL_SECONDS)


def raw_records(url: str) -> int:
    """How many raw records a database holds; 0 while it is not made, or has no tables."""
    with (
        suppress(psycopg.errors.UndefinedTable, psycopg.OperationalError),
        psycopg.connect(url) as conn,
    ):
        row = conn.execute("SELECT count(*) FROM facts.raw_records").fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else 0
    return 0


@asynccontextmanager
async def desk(home: Path, database_url: str | None = None) -> AsyncIterator[Desk]:
    """An exchange on loopback and a place for commands."""
    async with running(SETTINGS) as venue:
        at = Desk(home, venue, database_url)
        try:
            yield at
        finally:
            for process in at.started:
                if process.returncode is None:  # the test failed
                    process.kill()
                    await process.communicate()


def real_now() -> datetime:
    """The clock that the commands have."""
    return datetime.now(UTC)
