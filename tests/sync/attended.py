"""A service on a real database, beside a paper exchange, with a clock that a test may move."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fillbook.domain.account import Account
from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import accounts
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.sync.attending import Attended, Timing
from fillbook.sync.engine import Engine
from fillbook.sync.reconcile import compare, observe
from fillbook.sync.schedule import Plan
from fillbook.sync.shift import Duties, Opened
from fillbook.sync.watch import Service
from fillbook.venues.bybit import RetrySettings, connect
from papervenues.bybit import RunningVenue, running
from papervenues.bybit.server import wall_clock_ms
from tests.sync.book import Book, paper

SECONDS_MAX = 30
QUICK = Timing(tick=0.05, standby=0.1, look=0.1, beat=0.2, judge=0.1, watch=0.05)


@dataclass(slots=True)
class MovedClock:
    """The wall clock, and what a test has added to it."""

    moved: timedelta = timedelta()

    def __call__(self) -> datetime:
        """The time, moved."""
        return datetime.now(UTC) + self.moved

    def ms(self) -> int:
        """The exchange's form of it."""
        return wall_clock_ms() + self.moved // timedelta(milliseconds=1)


async def _compare(engine: Engine, observed: Any, kind: Any) -> None:  # noqa: ANN401
    await compare(engine, observed, kind=kind)


DUTIES = Duties(observe, _compare)


@dataclass(slots=True)
class World:
    """An exchange, a ledger, and the services that work on it."""

    pool: Pool
    venue: RunningVenue
    clock: Any
    start: datetime
    account: Account | None = None
    said: list[str] = field(default_factory=list)
    attended: list[Attended] = field(default_factory=list)
    before_pass: Callable[[], Awaitable[None]] | None = None

    def way(self, name: str = "main", *, base_url: str | None = None, mark: str = "1") -> Attended:
        """The way to the exchange's account."""
        return Attended(name, mark, lambda: self._opened(name, base_url or self.venue.url))

    @asynccontextmanager
    async def _opened(self, name: str, url: str) -> AsyncIterator[Opened]:
        key = self.venue.keys[0]
        bybit = connect(
            key=key.key, secret=key.secret, clock=self.clock, base_url=url,
            retry=RetrySettings(tries=2, base_seconds=0.01),
        )  # fmt: skip
        try:
            await bybit.server_time()
            account = await accounts.find_or_add(
                self.pool, name=name, venue="bybit", environment="paper",
                venue_user_id=str(self.venue.history.settings.user_id(0)), now=self.clock(),
            )  # fmt: skip
            self.account = account

            async def asked() -> Window:
                return Window(self.start, self.clock())

            async def before_pass() -> None:
                if self.before_pass is not None:
                    await self.before_pass()

            yield Opened(Engine(self.pool, bybit, account, self.clock), asked, before_pass)
        finally:
            await bybit.close()

    def service(self, *, plan: Plan | None = None, timing: Timing = QUICK) -> Service:
        """A service that is not running yet."""

        async def directory() -> Sequence[Attended]:
            return list(self.attended)

        return Service(
            self.pool, directory, self.clock, plan=plan or Plan(), duties=DUTIES, timing=timing,
            tell=self.said.append,
        )  # fmt: skip

    @asynccontextmanager
    async def served(
        self, *, plan: Plan | None = None, timing: Timing = QUICK
    ) -> AsyncIterator[Service]:
        """A service that runs, and is stopped at the end."""
        service = self.service(plan=plan, timing=timing)
        running_ = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            service.stop()
            await asyncio.wait_for(running_, SECONDS_MAX)

    @property
    def book(self) -> Book:
        """The account's book."""
        assert self.account is not None
        return Book(self.pool, self.venue, self.clock, self.account)

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        async with transaction(self.pool) as conn:
            found = await conn.execute(query.encode(), values or None)
            return await found.fetchall() if found.description else []

    async def jobs(self) -> dict[str, tuple[str, int, int]]:
        """Outcome, failures and missed of each job."""
        found = await self.rows("SELECT job, outcome, failures, missed FROM ops.jobs")
        return {job: (outcome, failures, missed) for job, outcome, failures, missed in found}

    async def until_said(self, part: str, *, times: int = 1) -> None:
        """Wait until the service has said something so often."""
        await until(lambda: self._has_said(part, times), told=self.said)

    async def _has_said(self, part: str, times: int) -> bool:
        return sum(part in line for line in self.said) >= times


@asynccontextmanager
async def world(url: str, *faults: str, executions: int = 60) -> AsyncIterator[World]:
    """An exchange whose history ends now and goes on, beside an empty ledger."""
    clock = MovedClock()
    settings = replace(
        paper(*faults, executions=executions, days=2), end_ms=clock.ms() // 60_000 * 60_000
    )
    async with running(settings, clock=clock.ms) as venue, open_pool(url, max_size=8) as pool:
        start = from_milliseconds(settings.start_ms) - timedelta(hours=1)
        one = World(pool, venue, clock, start)
        one.attended.append(one.way())
        yield one


async def until(holds: Callable[[], Awaitable[bool]], *, told: object = "") -> float:
    """Wait until something holds; how many seconds that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS_MAX:
        if await holds():
            return time.monotonic() - begun
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {SECONDS_MAX} seconds: {told}")
