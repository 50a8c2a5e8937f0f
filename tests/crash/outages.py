"""PostgreSQL stopped without a word, or killed, and started again, while a process works on it."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from fillbook.ledger import _embedded
from papervenues.bybit import Settings
from tests.crash.following import Following, following, until_now
from tests.crash.killing import WHOLE
from tests.crash.losing import must_be_a_sentence
from tests.crash.rig import SETTINGS, TEMPLATE, Rig, make_template, rig
from tests.crash.wire import Fate, Passing

# What `pg_ctl stop -m immediate` sends: the server aborts, and recovers when it is started again.
ABORT = signal.SIGQUIT
KILL = signal.SIGKILL
GONE_SECONDS_MAX = 30
AWAY_SECONDS = 1
POLL_SECONDS = 0.01


@dataclass(slots=True)
class Server:
    """A server of the shipped kind, with the shipped settings, that may be taken down."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0
    times_down: int = 0

    def start(self) -> str:
        """Start it, crash recovery included; returns its address."""
        running = _embedded.ensure_running(self.folder, settings=self.settings)
        self.pid = running.pid
        return running.url

    def down(self, how: signal.Signals) -> None:
        """Take it down and wait until its main process is gone."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            os.kill(self.pid, how)
            process.wait(GONE_SECONDS_MAX)
        self.times_down += 1

    async def restart(self, how: signal.Signals, *, away_seconds: float = 0) -> None:
        """Down, away for a while, and up again."""
        await asyncio.to_thread(self.down, how)
        await asyncio.sleep(away_seconds)
        await asyncio.to_thread(self.start)


def open_folder(parent: Path | None) -> Path:
    """A fresh folder that the server's own user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="fb-down-", dir=parent))
    folder.chmod(0o755)
    return folder


@asynccontextmanager
async def server_at(
    parent: Path | None = None, *, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Server, str]]:
    """A server in a folder of its own, and its address; the schema is ready to copy."""
    folder = open_folder(parent)
    server = Server(folder / "server", settings or {})
    try:
        url = await asyncio.to_thread(server.start)
        await asyncio.to_thread(make_template, url)
        yield server, url
    finally:
        await asyncio.to_thread(_embedded.stop, server.folder)
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def rig_at(server_url: str, *, settings: Settings = SETTINGS) -> AsyncIterator[Rig]:
    """A rig on that server."""
    async with rig(server_url, TEMPLATE, settings=settings) as one:
        yield one


@dataclass(slots=True)
class Falling:
    """Takes the server down when a statement passes for the nth time."""

    server: Server
    how: signal.Signals
    number: int
    fell: bool = False
    passed: int = 0

    def __call__(self, passing: Passing) -> Fate:
        """Every statement counts."""
        if passing.point.startswith("before ") and not self.fell:
            self.passed += 1
            if self.passed == self.number:
                os.kill(self.server.pid, self.how)
                self.fell = True
        return Fate.PASS


async def fall_in_backfill(rig: Rig, server: Server, how: signal.Signals, number: int) -> str:
    """The server goes down in the midst of a backfill: what the process said."""
    await rig.undisturbed()
    url, falling = rig.database(), Falling(server, how, number)
    rig.wire.watch(falling)
    child = await rig.backfill(rig.wire.through(url))
    while not falling.fell:
        if child.code.done():
            break
        await asyncio.sleep(POLL_SECONDS)
    await server.restart(how)
    ended = await child.ended()
    rig.wire.watch()
    if ended.code != 0:
        must_be_a_sentence(ended.err)
    await rig.finish(url)
    await rig.must_be_whole(url)
    return ended.err.strip() or "it went on"


async def fall_while_live(
    one: Following, server: Server, how: signal.Signals, *, away_seconds: float
) -> float:
    """The server goes down under a follower, and fills happen; seconds until they are booked."""
    await one.trade()
    await asyncio.to_thread(server.down, how)
    await one.trade()
    await asyncio.sleep(away_seconds)
    await asyncio.to_thread(server.start)
    await one.trade()
    return await one.laid()


async def fall_alive(
    server_url: str, server: Server, how: signal.Signals, *, times: int = 2
) -> str:
    """The server goes down again and again under one follower, which misses nothing."""
    async with rig_at(server_url, settings=until_now()) as rig:
        url = rig.database()
        async with following(rig, url, through=rig.wire.through(url)) as one:
            for _ in range(times):
                await fall_while_live(one, server, how, away_seconds=AWAY_SECONDS)
            await one.end()
        await one.must_hold_truth()
    return WHOLE
