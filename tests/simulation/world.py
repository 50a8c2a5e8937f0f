"""The world of one seed: a clock, an exchange, an account in a real ledger, and its workers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from fillbook.domain.account import Account
from fillbook.domain.window import milliseconds
from fillbook.sync.engine import Engine, Limits
from fillbook.venues.bybit import BybitVenue, connect
from papervenues.draws import digest_of
from tests.simulation.connections import Stock
from tests.simulation.exchange import Exchange, fresh_history
from tests.simulation.network import Served, VirtualTransport
from tests.simulation.plan import Plan
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.workers import CURRENT, Worker

T = TypeVar("T")
LATENCY_MS_MAX = 250
SLOW_PERCENT = 3
SLOW_MS_MAX = 12_000


@dataclass(slots=True, eq=False)
class World:
    """Everything of one seed."""

    plan: Plan
    loop: VirtualLoop
    stock: Stock
    account: Account
    trace: Trace
    exchange: Exchange = field(init=False)
    is_database_away: bool = False
    fired: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)  # invariants, how often each was evaluated
    served: list[Served] = field(default_factory=list)
    run_ids: dict[str, UUID] = field(default_factory=dict)  # the last run of each worker
    complaints: list[str] = field(default_factory=list)
    requests: int = 0
    ids: int = 0
    names: int = 0
    stale_writes: list[str] = field(default_factory=list)
    has_live_fills: bool = False
    place: str = "the beginning"
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the exchange."""
        self.loop.set_task_factory(self._task)
        history = fresh_history(self.plan.settings, made_with=self.plan.history_seed)
        self.exchange = Exchange(history, self.now_ms)

    def now(self) -> datetime:
        """What time it is, for everybody."""
        self.trace.time = self.loop.instant
        return self.plan.starts_at + timedelta(seconds=self.loop.instant)

    def now_ms(self) -> int:
        """The exchange's form of it."""
        return milliseconds(self.now())

    def lose_database(self) -> None:
        """No connection to the database can be had from now on."""
        self.is_database_away = True

    def new_id(self) -> UUID:
        """The seed's next id."""
        self.ids += 1
        return UUID(int=digest_of("id", self.plan.seed, self.ids))

    def next_request(self) -> int:
        """The number of a request."""
        self.requests += 1
        return self.requests

    def latency(self, number: int) -> float:
        """How long a request is under way, in seconds."""
        drawn = digest_of("latency", self.plan.seed, number)
        longest = SLOW_MS_MAX if drawn % 100 < SLOW_PERCENT else LATENCY_MS_MAX
        return (1 + drawn // 100 % longest) / 1000

    def worker(self) -> Worker:
        """A new process."""
        self.names += 1
        made = Worker(f"worker {self.names}", self, self.stock)
        self.workers.append(made)
        return made

    def venue(self, worker: Worker) -> BybitVenue:
        """A worker's connection with the read-only key."""
        settings = self.exchange.history.settings
        key = next(one for one in self.exchange.venue.keys.values() if one.kind == "read")
        chance = _uniform(settings.seed, worker.name)
        return connect(
            key=key.key,
            secret=key.secret,
            clock=self.now,
            base_url="http://127.0.0.1:1",
            sleep=asyncio.sleep,
            stopwatch=self.loop.time,
            transport=VirtualTransport(self.exchange, worker),
            jitter=chance,
            streams=self.plan.streams,
            categories=self.plan.categories,
        )

    def engine(self, worker: Worker, venue: BybitVenue, *, again: bool = False) -> Engine:
        """The shipped engine, with the world handed in."""
        return Engine(
            pool=worker.pool.as_pool(),
            venue=venue,
            account=self.account,
            clock=self.now,
            limits=Limits(window_max=self.plan.window_max),
            again=again,
            new_id=lambda: self._run_id(worker),
        )

    def _run_id(self, worker: Worker) -> UUID:
        made = self.run_ids[worker.name] = self.new_id()
        return made

    def _task(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Any,  # noqa: ANN401
        **words: Any,  # noqa: ANN401
    ) -> "asyncio.Task[Any]":
        made: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **words)
        worker = CURRENT.get()
        if worker is not None:
            worker.tasks.add(made)
        return made

    def begin(self, worker: Worker, doing: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """A task of a worker; what it begins belongs to the worker too."""
        context = copy_context()
        context.run(CURRENT.set, worker)
        return context.run(self.loop.create_task, doing)


def _uniform(*key: object) -> Callable[[float, float], float]:
    """A waiting time between two bounds, the seed's own."""
    count = 0

    def drawn(low: float, high: float) -> float:
        nonlocal count
        count += 1
        return low + (high - low) * (digest_of("jitter", *key, count) % 10_000) / 10_000

    return drawn
