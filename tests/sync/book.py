"""A real ledger beside a real paper exchange, for tests of the whole way of a fill.

The exchange listens on loopback and shares a clock with the ledger. The clock stands still until a
test moves it, so that lateness, settling and retention are decided by the test and not by chance.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen

import msgspec

from fillbook.domain.account import Account
from fillbook.domain.window import Window, from_milliseconds, milliseconds
from fillbook.ledger import accounts
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import Verified, verify
from fillbook.sync.engine import Engine, Limits, Passed, Progress
from fillbook.venues.bybit import BybitVenue, RetrySettings, connect
from fillbook.venues.bybit.parse import parse_record
from papervenues.bybit import PaperHistory, RunningVenue, Settings, running
from papervenues.bybit.switches import Switches
from papervenues.faults import FaultPlan, parse_fault

END = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
PASSES_MAX = 12
LATE_WALKS = 4  # the exchange shows a late row after three

Row = dict[str, Any]
Undisturbed = Callable[[Settings], Awaitable[str]]  # the hash of a book that nothing disturbed


@dataclass(slots=True)
class Clock:
    """What time it is, for the ledger and the exchange alike."""

    at: datetime = END

    def __call__(self) -> datetime:
        return self.at

    def ms(self) -> int:
        """The exchange's form of it."""
        return milliseconds(self.at)


def paper(
    *faults: str,
    days: int = 20,
    executions: int = 1_000,
    seed: int = 7,
    bots: int = 3,
    categories: tuple[str, ...] = ("linear",),
    hedge: bool = False,
    switches: tuple[str, ...] = (),
) -> Settings:
    """The settings of a small history that ends shortly before END."""
    return Settings(
        end_ms=milliseconds(END) - 60_000,
        seed=seed,
        days=days,
        bots=bots,
        executions=executions,
        faults=FaultPlan(tuple(map(parse_fault, faults))),
        categories=categories,
        hedge=hedge,
        switches=Switches.of(switches),
    )


def whole(settings: Settings) -> Window:
    """The time that a history fills, and a little more."""
    return Window(from_milliseconds(settings.start_ms) - timedelta(hours=1), END)


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a connection reads; None is everything."""

    streams: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None


EVERYTHING = Reads()
# One list of one category, for tests that count requests and windows.
ONE_LIST = Reads(("executions",), ("linear",))


@dataclass(slots=True)
class Book:
    """One account's book, and the exchange it is read from."""

    pool: Pool
    paper: RunningVenue
    clock: Clock
    account: Account
    limits: Limits = field(default_factory=Limits)
    reads: Reads = field(default_factory=lambda: EVERYTHING)

    @property
    def account_id(self) -> int:
        """The account's number in the ledger."""
        return self.account.account_id

    async def backfill(
        self, window: Window, *, progress: Progress = lambda _: None, limits: Limits | None = None
    ) -> Passed:
        """One pass with a connection of its own."""
        venue = connection(self.paper, self.clock, self.reads)
        try:
            engine = Engine(
                pool=self.pool,
                venue=venue,
                account=self.account,
                clock=self.clock,
                limits=limits or self.limits,
                progress=progress,
            )
            return await engine.sync("backfill", window)
        finally:
            await venue.close()

    async def until_complete(self, window: Window) -> int:
        """Pass after pass until every window is proven; returns how many that took."""
        for number in range(1, PASSES_MAX + 1):
            if (await self.backfill(window)).complete:
                return number
        raise AssertionError(f"not complete after {PASSES_MAX} passes")

    async def show_late_rows(self) -> None:
        """Let time pass on the exchange: whoever asks often enough sees every late row."""
        venue = connection(self.paper, self.clock, self.reads)
        start = from_milliseconds(self.paper.history.settings.start_ms)
        try:
            while start < self.clock.at:
                window = Window(start, min(self.clock.at, start + 6 * DAY))
                for _ in range(LATE_WALKS):
                    await venue.pages("executions", "linear", window, None)
                start = window.ends_at
        finally:
            await venue.close()

    async def hash(self) -> str:
        """The ledger hash."""
        return await ledger_hash(self.pool, self.account_id)

    async def verify(self) -> Verified:
        """Verify the account."""
        return await verify(self.pool, self.account_id, parse_record)

    async def rebuild(self) -> None:
        """Lay everything again."""
        await rebuild(self.pool, self.account_id, now=self.clock())

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        async with transaction(self.pool) as conn:
            found = await conn.execute(query.encode(), values or None)
            return await found.fetchall() if found.description else []

    async def truth(self) -> Row:
        """What truly happened."""
        return await asyncio.to_thread(truth_of, self.paper.url)


def truth_of(url: str) -> Row:
    """Everything the exchange knows, whatever it chose to serve."""
    with urlopen(f"{url}/paper/truth", timeout=30) as answer:  # noqa: S310 - loopback
        decoded: Row = msgspec.json.decode(answer.read())
        return decoded


def connection(venue: RunningVenue, clock: Clock, reads: Reads = EVERYTHING) -> BybitVenue:
    """A connection with the read-only key that wastes no time on waiting."""
    key = venue.keys[0]
    return connect(
        key=key.key,
        secret=key.secret,
        clock=clock,
        base_url=venue.url,
        sleep=_no_sleep,
        retry=RetrySettings(base_seconds=0),
        streams=reads.streams,
        categories=reads.categories,
    )


@asynccontextmanager
async def opened(
    url: str,
    settings: Settings,
    *,
    clock: Clock | None = None,
    history: PaperHistory | None = None,
    name: str = "main",
    reads: Reads = EVERYTHING,
    limits: Limits | None = None,
) -> AsyncIterator[Book]:
    """A book in a database, beside an exchange with this history."""
    clock = clock or Clock()
    async with (
        running(
            settings,
            clock=clock.ms,
            history=replace(history, settings=settings) if history else None,
        ) as venue,
        open_pool(url, max_size=4) as pool,
    ):
        account = await accounts.find_or_add(
            pool,
            name=name,
            venue="bybit",
            environment="paper",
            venue_user_id=str(settings.user_id(0)),
            now=clock(),
        )
        yield Book(pool, venue, clock, account, limits or Limits(), reads)
