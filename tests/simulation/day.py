"""A day of the service: the shipped service beside the paper exchange, in time that is a number.

Bots trade all day on several accounts; lines are cut and go deaf, answers are bad, the exchange and
the database go away, a key is refused, the machine's clock is wrong, the process is killed. Every
virtual hour the ledger is held against what truly happened; at the end, after a calm, it must be
the truth, to each field, with nothing open.
"""

import asyncio
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import psutil

from tests.simulation import day_checks as checks
from tests.simulation.connections import Stock
from tests.simulation.day_plan import CALM_HOURS_MIN, HOUR, DayPlan
from tests.simulation.day_process import CONNECTIONS_MAX
from tests.simulation.day_service import Diary, serve
from tests.simulation.day_trading import Trader
from tests.simulation.day_troubles import Troubles
from tests.simulation.day_world import DayWorld
from tests.simulation.fault_counts import COUNTED, count_them
from tests.simulation.turns import Turns
from tests.simulation.virtual_loop import VirtualLoop

MIB: Final = 1 << 20
QUIET_SECONDS: Final = 2_400.0  # nobody trades before the end: one more pass confirms everything
LOOK_SECONDS: Final = 20.0
TASKS_MAX: Final = 40  # of an account: its pass reads eight streams side by side
HOURS_MIN: Final = 8  # fewer say nothing of growth
OWN: Final = "*/fillbook/*"
MISSING_SHOWN_MAX: Final = 3
STOP_SECONDS_MAX: Final = 5.0


@dataclass(frozen=True, slots=True)
class Hour:
    """How things stood at the end of a virtual hour."""

    number: int
    rss_mib: float
    own_mib: float | None  # allocated by the product's own code, where that is traced
    tasks: int  # at most, in that hour
    connections: int
    queued: int  # messages that waited, at most
    fills: int
    not_laid: int
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB in the first and the last quarter of the hours, by their medians."""

    first_quarter: float
    last_quarter: float

    @property
    def growth_percent(self) -> float:
        """How much more it was at last."""
        return round(100 * (self.last_quarter / self.first_quarter - 1), 1)


@dataclass(slots=True)
class DayOutcome:
    """What a day came to."""

    plan: DayPlan
    hours: list[Hour] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0
    fills: int = 0
    orders: int = 0
    live: list[float] = field(default_factory=list)  # seconds from fill to book, sorted
    others: list[float] = field(default_factory=list)
    breaks: Counter[str] = field(default_factory=Counter)
    longest_break: float = 0.0
    alarms: Counter[str] = field(default_factory=Counter)
    passes: Counter[str] = field(default_factory=Counter)  # by kind and status
    slots: dict[str, int] = field(default_factory=dict)  # of the schedule that were served
    fired: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    statements: int = 0
    said: list[tuple[float, str]] = field(default_factory=list)

    @property
    def memory(self) -> Memory | None:
        """How it grew; too few hours say nothing."""
        if len(self.hours) < HOURS_MIN:
            return None
        return _memory([hour.rss_mib for hour in self.hours])

    @property
    def own_memory(self) -> Memory | None:
        """The same of what the product's own code has allocated, where that was traced."""
        traced = [hour.own_mib for hour in self.hours if hour.own_mib is not None]
        return _memory(traced) if len(traced) >= HOURS_MIN else None


@dataclass(slots=True, eq=False)
class Day:
    """One day, from its first minute to its verdict."""

    world: DayWorld
    outcome: DayOutcome
    tell: Callable[[str], None]
    diary: Diary = field(init=False)
    traders: tuple[Trader, ...] = ()
    troubles: Troubles = field(init=False)
    _tasks_max: int = 0
    _queued_max: int = 0

    async def live(self) -> None:
        """From its first minute to the last."""
        world, loop = self.world, self.world.loop
        self.diary = Diary(world)
        self.traders = tuple(Trader(account) for account in world.accounts)
        going_on = [loop.create_task(account.go_on()) for account in world.accounts]
        trading = [loop.create_task(trader.trade()) for trader in self.traders]
        self.troubles = Troubles(world, self.diary, serve(world, self.diary), self.traders)
        going_on.append(loop.create_task(self._watch()))
        happening = loop.create_task(self.troubles.all())
        try:
            await self._until(world.plan.seconds - CALM_HOURS_MIN * HOUR)
            await happening
            for account in world.accounts:
                account.be_sound()
            await self._until(world.plan.seconds - QUIET_SECONDS)
            await _cancelled(trading)
            await self._until(world.plan.seconds)
            await self._stopped()
            self._evening()
        finally:
            await _cancelled([*trading, *going_on, happening])

    async def _until(self, at: float) -> None:
        """Hour after hour, each with a look at how things stand."""
        while (now := self.world.loop.time()) < at:
            hour = (now // HOUR + 1) * HOUR
            await asyncio.sleep(min(at, hour) - now)
            if self.world.loop.time() >= hour - 0.001:
                self._hourly()
            if self.troubles.serving.task.done():
                self.troubles.serving.task.result()
                raise AssertionError("the service has ended")

    async def _stopped(self) -> None:
        """The service goes when it is told to, at once."""
        begun = self.world.loop.time()
        await self.troubles.serving.end()
        took = self.world.loop.time() - begun
        if took > STOP_SECONDS_MAX:
            self._hold([f"the service took {took:.1f} s to end"])

    def _hourly(self) -> None:
        now = self.world.loop.time()
        not_laid = 0
        for account in self.world.accounts:
            self._hold(checks.late_although_live(account, now))
            found = checks.standing(self.world, account, every_field=False)
            self._hold([f"{account.name}: {wrong}" for wrong in found.wrong])
            not_laid += len(account.open)
        pool = self.troubles.serving.process.pool
        self.outcome.hours.append(
            Hour(
                number=round(now / HOUR),
                own_mib=_own_mib(),
                rss_mib=round(psutil.Process().memory_info().rss / MIB, 1),
                tasks=self._tasks_max,
                connections=pool.most_used,
                queued=self._queued_max,
                fills=sum(len(account.fills) for account in self.world.accounts),
                not_laid=not_laid,
                wall_seconds=round(time.perf_counter() - self._begun, 1),
            )
        )
        if self._tasks_max > TASKS_MAX * len(self.world.accounts):
            self._hold([f"{self._tasks_max} tasks"])
        if pool.most_used > CONNECTIONS_MAX:
            self._hold([f"{pool.most_used} connections"])
        self._tasks_max = self._queued_max = 0
        self.world.loop.idled = 0
        self.tell(str(self.outcome.hours[-1]))

    def _evening(self) -> None:
        """Everything must be as it truly was, and nothing open."""
        world = self.world
        for account in world.accounts:
            found = checks.standing(world, account, every_field=True)
            self._hold([f"{account.name}: {wrong}" for wrong in found.wrong])
            if found.missing:
                shown = ", ".join(found.missing[:MISSING_SHOWN_MAX])
                said = f"{len(found.missing)} of {found.happened} are missing: {shown}"
                self._hold([f"{account.name}: {said}"])
            if account.open:
                self._hold([f"{account.name}: {len(account.open)} are not laid"])
        causes, still, longest = checks.breaks_told(world.stock)
        self._hold([f"open break: {one}" for one in still])
        self._hold(checks.left_over(world.stock))
        self._hold([f"stale write: {one}" for one in world.stale_writes])
        self._hold(checks.alarms_missing(world))
        self._hold(checks.schedule_wrong(world, self.diary.served))
        self.outcome.breaks, self.outcome.longest_break = causes, longest
        self._figures()

    async def _watch(self) -> None:
        """Nothing may grow without bound: looked at all the time."""
        while True:
            serving = self.troubles.serving
            self._tasks_max = max(self._tasks_max, serving.process.tasks_running)
            self._queued_max = max(self._queued_max, serving.waiting)
            self.diary.look(serving.service)
            await asyncio.sleep(LOOK_SECONDS)

    def _figures(self) -> None:
        """What the day came to, beside what was wrong."""
        told = checks.latencies(self.world.accounts)
        out = self.outcome
        out.live, out.others = told["live"], told["others"]
        out.alarms = checks.alarms_told(self.world.stock)
        out.passes = checks.passes_told(self.world.stock)
        out.slots = {f"{name}, {job}": len(at) for (name, job), at in self.diary.served.items()}

    def _hold(self, wrong: list[str]) -> None:
        for one in wrong:
            line = f"{self.world.loop.time() / HOUR:.2f} h: {one}"
            self.outcome.violations.append(line)
            self.tell(f"VIOLATED {line}")

    _begun: float = field(default_factory=time.perf_counter)


def live_a_day(
    plan: DayPlan, url: str, *, tell: Callable[[str], None] = lambda _: None
) -> DayOutcome:
    """One day in this thread, on a loop of its own and an empty ledger."""
    stock = Stock(url)
    loop = VirtualLoop(Turns(plan.seed, stock.monitor))
    asyncio.set_event_loop(loop)
    count_them()
    COUNTED.clear()
    world = DayWorld(plan, loop, stock)
    day = Day(world, DayOutcome(plan), tell)
    try:
        loop.run_until_complete(day.live())
    finally:
        _closed(loop, world)
        stock.close()
    out = day.outcome
    out.wall_seconds = time.perf_counter() - day._begun
    out.orders = sum(trader.orders for trader in day.traders)
    out.fills = sum(len(account.fills) for account in world.accounts)
    out.fired, out.requests, out.said = Counter(COUNTED), world.requests, day.diary.said
    out.statements = sum(process.statements for process in world.workers)
    return out


def _memory(mib: list[float]) -> Memory:
    quarter = len(mib) // 4
    return Memory(median(mib[:quarter]), median(mib[-quarter:]))


def _own_mib() -> float | None:
    if not tracemalloc.is_tracing():
        return None
    found = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=True, filename_pattern=OWN)]
    )
    return round(sum(trace.size for trace in found.traces) / MIB, 2)


async def _cancelled(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _closed(loop: VirtualLoop, world: DayWorld) -> None:
    """End the loop, whatever is left on it."""
    for process in world.workers:
        if not process.is_dead:
            process.die()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    with suppress(BaseException):
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    loop.close()
