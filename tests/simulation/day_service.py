"""The shipped service in a day: its directory, its duties, and a diary of what it did."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import SecretStr

from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger.runs import RunKind
from fillbook.settings import Login
from fillbook.sync.attending import Attended
from fillbook.sync.engine import Engine, Passed
from fillbook.sync.shift import Duties, Opened
from fillbook.sync.watch import Service
from fillbook.venues._sharing import Sharing
from fillbook.venues.bybit import BybitVenue, connect
from fillbook.wiring.keys import admit
from fillbook.wiring.running import RECONCILED
from tests.simulation.day_account import DayAccount
from tests.simulation.day_process import Process
from tests.simulation.day_world import DayWorld
from tests.simulation.network import HOST, VirtualTransport

ENDING_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Done:
    """Something that the service did for an account, and when, by true time."""

    account: str
    act: str  # pass, observe
    began: float
    ended: float
    how: str


@dataclass(slots=True)
class Diary:
    """What services said and did in a day."""

    world: DayWorld
    done: list[Done] = field(default_factory=list)
    said: list[tuple[float, str]] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """The service says something."""
        self.said.append((self.world.loop.instant, line))

    def duties(self) -> Duties:
        """The shipped duties, each noted."""

        async def pass_over(engine: Engine, kind: RunKind, window: Window) -> Passed:
            async with self._noted(engine.account.name, "pass"):
                return await RECONCILED.pass_over(engine, kind, window)

        async def observe(engine: Engine) -> object:
            assert RECONCILED.observe is not None
            async with self._noted(engine.account.name, "observe"):
                return await RECONCILED.observe(engine)

        return Duties(pass_over, observe)

    @asynccontextmanager
    async def _noted(self, account: str, act: str) -> AsyncIterator[None]:
        began, how = self.world.loop.instant, "done"
        try:
            yield
        except BaseException as error:
            how = type(error).__name__
            raise
        finally:
            self.done.append(Done(account, act, began, self.world.loop.instant, how))


@dataclass(slots=True)
class Serving:
    """A service in a process of its own."""

    process: Process
    service: Service
    task: "asyncio.Task[None]"

    def feed_of(self, name: str) -> str:
        """How it calls the feed of an account now."""
        cared = self.service._cared.get(name)
        shift = cared.attendant.shift if cared else None
        return (shift.feed or "") if shift and not self.process.is_dead else ""

    async def end(self) -> None:
        """Stop it as a signal would, and wait until it has gone."""
        self.service.stop()
        await asyncio.wait_for(self.task, ENDING_SECONDS_MAX)
        self.process.pool.close()

    async def kill(self) -> None:
        """End its process without a word."""
        self.process.die()
        with suppress(asyncio.CancelledError):
            await asyncio.wait([self.task], timeout=ENDING_SECONDS_MAX)


def serve(world: DayWorld, diary: Diary) -> Serving:
    """Begin a service on all accounts of the world."""
    process, sharing = world.process(), world.sharing()
    ways = [_way(world, process, account, sharing) for account in world.accounts]

    async def directory() -> Sequence[Attended]:
        return ways

    service = Service(
        pool=process.pool.as_pool(),
        directory=directory,
        clock=world.now,
        duties=diary.duties(),
        tell=diary.tell,
        new_id=world.new_id,
    )
    serving = Serving(process, service, world.begin(process, service.run()))
    for account in world.accounts:
        account.feed = lambda name=account.name: serving.feed_of(name)  # type: ignore[misc]
    return serving


def _way(world: DayWorld, process: Process, account: DayAccount, sharing: Sharing) -> Attended:
    return Attended(account.name, "1", lambda: _opened(world, process, account, sharing))


@asynccontextmanager
async def _opened(
    world: DayWorld, process: Process, account: DayAccount, sharing: Sharing
) -> AsyncIterator[Opened]:
    """The way to an account, as settings would make it."""
    login = login_of(account)
    pool = process.pool.as_pool()
    venue = _connected(world, process, account, login, sharing)
    try:
        admitted = await admit(pool, login, await venue.key_facts(), now=world.now())
        account.account_id = admitted.account_id
        begins = from_milliseconds(account.plan.settings(account.number).start_ms)

        async def asked() -> Window:
            return Window(begins - timedelta(hours=1), world.now())

        async def before_pass() -> None:
            await admit(pool, login, await venue.key_facts(), now=world.now())

        engine = Engine(pool, venue, admitted, world.now, new_id=world.new_id)
        yield Opened(engine, asked, before_pass)
    finally:
        await venue.close()


def login_of(account: DayAccount) -> Login:
    """The key that only reads."""
    venue = account.exchange.venue
    key = next((one for one in venue.keys.values() if one.kind == "read"), None) or account._key
    assert key is not None
    return Login(account.name, "bybit", key.key, SecretStr(key.secret), base_url=f"http://{HOST}")


def _connected(
    world: DayWorld, process: Process, account: DayAccount, login: Login, sharing: Sharing
) -> BybitVenue:
    chance = world.chance
    return connect(
        key=login.key,
        secret=login.secret.get_secret_value(),
        clock=world.now,
        base_url=login.base_url,
        environment="mainnet",
        sharing=sharing,
        transport=VirtualTransport(account.exchange, process.as_worker()),
        jitter=chance.uniform,
        categories=account.kind.categories,
    )
