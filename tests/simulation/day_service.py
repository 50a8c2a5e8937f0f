"""The shipped service in a day: its directory, its duties, and a diary of what it did."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from fillbook.domain.window import Window, from_milliseconds
from fillbook.settings import Login
from fillbook.sync.attending import Attended
from fillbook.sync.engine import Engine
from fillbook.sync.shift import Opened
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


@dataclass(slots=True)
class Diary:
    """What services said in a day, and which slots of the schedule they served."""

    world: DayWorld
    said: list[tuple[float, str]] = field(default_factory=list)
    served: dict[tuple[str, str], set[datetime]] = field(default_factory=dict)  # account and job

    def tell(self, line: str) -> None:
        """The service says something."""
        self.said.append((self.world.loop.instant, line))

    def look(self, service: Service) -> None:
        """See which slots were served."""
        for name, cared in service._cared.items():
            shift = cared.attendant.shift
            for job, state in shift.agenda.states.items() if shift else ():
                if state.served is not None and state.outcome in ("done", "partial"):
                    self.served.setdefault((name, job), set()).add(state.served)


@dataclass(slots=True)
class Serving:
    """A service in a process of its own."""

    process: Process
    service: Service
    task: "asyncio.Task[None]"
    transports: dict[int, VirtualTransport]

    def feed_of(self, name: str) -> str:
        """How it calls the feed of an account now."""
        cared = self.service._cared.get(name)
        shift = cared.attendant.shift if cared else None
        return (shift.feed or "") if shift and not self.process.is_dead else ""

    @property
    def waiting(self) -> int:
        """Messages that were told and are not heard yet."""
        lines = (line for one in self.transports.values() for line in one.lines)
        return sum(line._end.told.qsize() for line in lines if line._end.is_open)

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
    process = world.process()
    ways = Ways(world, process, world.sharing())

    async def directory() -> Sequence[Attended]:
        return [ways.to(account) for account in world.accounts]

    service = Service(
        pool=process.pool.as_pool(),
        directory=directory,
        clock=world.now,
        duties=RECONCILED,
        tell=diary.tell,
        new_id=world.new_id,
    )
    task = world.begin(process, service.run())
    serving = Serving(process, service, task, ways.transports)
    for account in world.accounts:
        account.feed = lambda name=account.name: serving.feed_of(name)  # type: ignore[misc]
    return serving


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways of one process to its accounts, as settings would make them."""

    world: DayWorld
    process: Process
    sharing: Sharing
    transports: dict[int, VirtualTransport] = field(default_factory=dict)  # the last of each

    def to(self, account: DayAccount) -> Attended:
        """The way to one."""
        return Attended(account.name, "1", lambda: self._opened(account))

    @asynccontextmanager
    async def _opened(self, account: DayAccount) -> AsyncIterator[Opened]:
        world, login, pool = self.world, login_of(account), self.process.pool.as_pool()
        venue = self._connected(account, login)
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

    def _connected(self, account: DayAccount, login: Login) -> BybitVenue:
        transport = VirtualTransport(account.exchange, self.process.as_worker())
        self.transports[account.number] = transport
        return connect(
            key=login.key,
            secret=login.secret.get_secret_value(),
            clock=self.world.now,
            base_url=login.base_url,
            environment="mainnet",
            sharing=self.sharing,
            transport=transport,
            jitter=self.world.chance.uniform,
            categories=account.kind.categories,
        )


def login_of(account: DayAccount) -> Login:
    """The key that only reads."""
    venue = account.exchange.venue
    key = next((one for one in venue.keys.values() if one.kind == "read"), None) or account._key
    assert key is not None
    return Login(account.name, "bybit", key.key, SecretStr(key.secret), base_url=f"http://{HOST}")
