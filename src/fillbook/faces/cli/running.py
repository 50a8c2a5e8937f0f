"""`fillbook run`: the service until a signal comes; and `fillbook health`, which asks after it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime

from fillbook import wiring
from fillbook.errors import FillbookError
from fillbook.faces.cli.run import put, put_if_heard, run
from fillbook.faces.notify import Notifier
from fillbook.ledger import _embedded, workers
from fillbook.ledger._pool import Pool
from fillbook.ledger.readiness import why_not_ready
from fillbook.settings import Settings, load
from fillbook.wiring import logs
from fillbook.wiring.running import Service, service

STOPPING = (signal.SIGTERM, signal.SIGINT)
STOP_SECONDS_MAX = 4.3
LAST_SECONDS_MAX = 0.2


def run_service(account: str | None, *, port: int | None) -> None:
    """Run until stopped."""
    settings = load()
    path = logs.log_service(settings.logs, level=settings.log_level, clock=wiring.now)
    put_if_heard(f"The service runs until it is stopped (Ctrl-C). Log: {path}")
    asyncio.run(_until_left(_Running(settings, account, port)))


async def _until_left(one: "_Running") -> None:
    """Run until stopped, and end the process here.

    What is left would be waited for without limit: a thread that migrates, a query that a database
    which hangs does not end. Whatever it is, the next start goes on from there.
    """
    await one.until_stopped()
    put_if_heard("stopped")
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(0)


class _Running:
    """The service in this process, and what stops it."""

    def __init__(self, settings: Settings, account: str | None, port: int | None) -> None:
        self._settings, self._account, self._port = settings, account, port
        self._stopping = asyncio.Event()
        self._notifier = Notifier()
        self._service: Service | None = None

    async def until_stopped(self) -> None:
        """Run; the first signal stops it gently, and time ends what does not heed."""
        self._heed_signals()
        working = asyncio.create_task(self._work())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            self._notifier.stopping()
            if self._service is None:
                working.cancel()
            else:
                self._service.stop()
            await asyncio.wait({working}, timeout=STOP_SECONDS_MAX)
        for task in (working, stopped):
            task.cancel()
        await asyncio.wait({working}, timeout=LAST_SECONDS_MAX)
        if working.done() and not working.cancelled():
            working.result()

    async def _work(self) -> None:
        async with service(
            self._settings,
            account=self._account,
            tell=put_if_heard,
            on_turn=self._notifier.turning,
        ) as one:
            if self._account is not None:  # a name that nobody has is an error, not a wait
                await wiring.ways(one.pool, self._settings, self._account)
            self._service = one
            work = [one.run()]
            if self._port is not None:
                work.append(self._served(one, self._port))
            await _first_to_end(work, one)

    async def _served(self, one: Service, port: int) -> None:
        from fillbook.faces.cli.serve import serve_ledger  # a web framework: only where asked for

        await serve_ledger(
            one.pool,
            port,
            name="run",
            health=one.health,
            stop=self._stopping,
            tell=put_if_heard,
        )

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # where the platform has no such handlers
            for number in STOPPING:
                loop.add_signal_handler(number, self._stopping.set)
            loop.add_signal_handler(signal.SIGHUP, logs.reopen)


async def _first_to_end(work: list[Coroutine[None, None, None]], one: Service) -> None:
    """All of it, until one ends: then the others end as well, and its error is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        one.stop()
        await asyncio.wait(tasks, timeout=STOP_SECONDS_MAX)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for said in ended:
        if isinstance(said, Exception):
            raise said


class Unwell(FillbookError):
    """The service is not well."""


def run_health() -> None:
    """Say whether a service runs on this machine and is well; an error when it is not."""
    logs.log_to_console()
    settings = load()
    run(lambda: _health(settings))


async def _health(settings: Settings) -> None:
    if settings.external_database is None:  # who asks must not start what somebody has stopped
        embedded = await asyncio.to_thread(_embedded.status, wiring.embedded_folder(settings))
        if not embedded.running:
            raise Unwell("The embedded database does not run: start it with `fillbook db start`.")
    async with wiring.open_ledger(settings, max_size=1) as pool:
        said = await why_not_ready(pool) or await _why_not_running(pool, wiring.now())
    if said:
        raise Unwell(said)


async def _why_not_running(pool: Pool, now: datetime) -> str:
    known = await workers.latest_workers(pool)
    here = [one for one in known if one.host == socket.gethostname()]
    alive = [one for one in here if one.is_heard_of(now)]
    if alive:
        put(f"well: process {alive[0].process} {alive[0].says}")
        return ""
    if not here:
        return "No service has run on this machine: start it with `fillbook run`."
    ago = (now - here[0].beat_at).total_seconds()
    if here[0].stopped_at is not None:
        return f"The service was stopped {ago:.0f} s ago: start it with `fillbook run`."
    return f"The service was last heard of {ago:.0f} s ago: see its log, and start it anew."
