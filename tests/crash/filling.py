"""The disk of the database fills up, at growing offsets, while a process writes.

The server's folder lies on a small file system in memory, and ballast leaves as much of it as the
cycle allows. Mounting one takes root; where that is refused, nothing of this can be run.
"""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from papervenues.bybit import Settings
from tests.crash.commands import END_MS
from tests.crash.losing import must_be_a_sentence
from tests.crash.outages import Server, rig_at, server_at
from tests.crash.rig import Rig, must_be_sound
from tests.crash.wire import Fate, Passing

SIZE_MB = 320
LOG_MB_MAX = 600  # its files are used again; all of them together are smaller
KB = 1024
BLOCK = bytes(64 * KB)
BALLAST = "ballast"
SAID_MAX = 600
MORE = Settings(end_ms=END_MS, days=5, executions=600)  # its tables outgrow what they begin with


class NoRoot(Exception):
    """No file system can be mounted here."""


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system in memory, of a size that can be filled."""
    folder = Path(tempfile.mkdtemp(prefix="fb-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=755", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        folder.rmdir()
        raise NoRoot(mounted.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
        folder.rmdir()


@dataclass(frozen=True, slots=True)
class Disk:
    """A small disk, the server on it, and a rig."""

    folder: Path
    server: Server
    rig: Rig

    def fill(self, *, leave_kb: int) -> None:
        """Leave so much."""
        stat = os.statvfs(self.folder)
        ballast = max(0, stat.f_bavail * stat.f_frsize - leave_kb * KB)
        with (self.folder / BALLAST).open("wb") as file:
            while ballast > 0:
                file.write(BLOCK[: min(ballast, len(BLOCK))])
                ballast -= len(BLOCK)

    def free(self) -> None:
        """Take the ballast away."""
        (self.folder / BALLAST).unlink(missing_ok=True)


@asynccontextmanager
async def disk() -> AsyncIterator[Disk]:
    """All of it."""
    with small_disk() as folder:
        async with server_at(folder) as (server, url), rig_at(url, settings=MORE) as rig:
            yield Disk(folder, server, rig)


@dataclass(slots=True)
class Fills:
    """Fills the disk when a statement passes for the nth time."""

    disk: Disk
    number: int
    leave_kb: int
    url: str
    in_log: bool = False
    passed: int = 0

    def __call__(self, passing: Passing) -> Fate:
        """Every statement counts."""
        self.passed += passing.point.startswith("before ")
        if self.passed == self.number and passing.point.startswith("before "):
            self.disk.fill(leave_kb=self.leave_kb)
            if self.in_log:
                write_until_it_ends(self.url)
        return Fate.PASS


def write_until_it_ends(url: str) -> None:
    """Write to the server's log until it needs another file, which it does not survive."""
    with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as conn:
        for _ in range(LOG_MB_MAX):
            conn.execute("SELECT pg_logical_emit_message(false, 'ballast', repeat('.', 1048576))")
        raise AssertionError("the log went on and on")


async def fill_in_backfill(
    at: Disk, *, number: int, leave_kb: int = 0, in_log: bool = False
) -> str:
    """One cycle: full in the midst of a backfill, then read, free, and run again."""
    rig = at.rig
    await rig.undisturbed()
    url = rig.database()
    rig.wire.watch(Fills(at, number, leave_kb, url, in_log))
    ended = await (await rig.backfill(rig.wire.through(url))).ended()
    rig.wire.watch()
    try:
        if ended.code != 0 and in_log:
            must_be_a_sentence(ended.err)  # the server has ended itself
        elif ended.code != 0:
            must_say_that_it_is_full(ended.err)
            await _reads_go_on(rig, url)
    finally:
        at.free()
    await asyncio.to_thread(at.server.start)  # it ends by itself when its log cannot be written
    await rig.finish(url)
    await rig.must_be_whole(url)
    return ended.err.strip() or "there was room enough"


async def _reads_go_on(rig: Rig, url: str) -> None:
    """What was booked before is there, and can be read, while the disk is full."""
    with psycopg.connect(url) as conn:
        known = conn.execute("SELECT count(*) FROM ops.accounts").fetchone()
        assert known is not None
    if known[0]:
        await must_be_sound(url)
        asked = await (await rig.start("stats", url=url)).ended()
        assert asked.code == 0, asked


def must_say_that_it_is_full(said: str) -> None:
    """One sentence, with what to do."""
    assert "Traceback" not in said, said
    assert "disk" in said, said
    assert len(said.strip().splitlines()[-1]) <= SAID_MAX, said
