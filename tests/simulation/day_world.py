"""The world of a day: true time, a machine's clock that may be wrong, exchanges, one database.

Each account is at an exchange of its own, so that each may have troubles of its own. What truly
happens is written down as it happens, and when it was first laid in the ledger.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from fillbook.domain.window import milliseconds
from fillbook.venues._sharing import Sharing
from papervenues.draws import digest_of
from tests.simulation.connections import Stock
from tests.simulation.day_account import DayAccount
from tests.simulation.day_plan import DayPlan
from tests.simulation.day_process import Process
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.workers import CURRENT

if TYPE_CHECKING:
    from tests.simulation.network import Served

LATENCY_MS: Final = (15, 90)
SLOW_PERMILLE, SLOW_MS_MAX = 4, 4_000


class Unwritten:
    """Where the simulation traces each step; a day has too many of them."""

    time: float = 0.0

    def note(self, *_words: object) -> None:
        """Nothing is kept."""


@dataclass(slots=True, eq=False)
class DayWorld:
    """Everything of one day."""

    plan: DayPlan
    loop: VirtualLoop
    stock: Stock
    accounts: tuple[DayAccount, ...] = ()
    skew: timedelta = timedelta()  # by how much this machine's clock is ahead
    is_database_away: bool = False
    workers: list[Process] = field(default_factory=list)  # processes, one after the other
    stale_writes: list[str] = field(default_factory=list)  # by who had lost the lease
    trace: Unwritten = field(default_factory=Unwritten)
    served: "deque[Served]" = field(default_factory=lambda: deque(maxlen=0))
    chance: random.Random = field(init=False)
    requests: int = 0
    ids: int = 0

    def __post_init__(self) -> None:
        """Open the exchanges."""
        self.chance = random.Random(f"world {self.plan.seed}")
        self.loop.set_task_factory(self._task)  # type: ignore[arg-type]
        self.accounts = tuple(
            DayAccount(number, self.plan, self.now_ms) for number in range(self.plan.accounts)
        )

    # What time it is: truly, for the exchanges; and for the product, by its machine's clock.

    def true_time(self) -> datetime:
        """The exchanges' time."""
        return self.plan.begins + timedelta(seconds=self.loop.instant)

    def now_ms(self) -> int:
        """Their form of it."""
        return milliseconds(self.true_time())

    def now(self) -> datetime:
        """The machine's time."""
        return self.true_time() + self.skew

    # What connections and transport ask for.

    def new_id(self) -> UUID:
        """The day's next id."""
        self.ids += 1
        return UUID(int=digest_of("id", self.plan.seed, self.ids))

    def next_request(self) -> int:
        """The number of a request."""
        self.requests += 1
        return self.requests

    def latency(self, number: int) -> float:
        """How long a request is under way, in seconds."""
        drawn = digest_of("latency", self.plan.seed, number)
        if drawn % 1_000 < SLOW_PERMILLE:
            return drawn // 1_000 % SLOW_MS_MAX / 1_000
        low, high = LATENCY_MS
        return (low + drawn // 1_000 % (high - low)) / 1_000

    # Processes.

    def process(self) -> Process:
        """A new process."""
        made = Process(f"process {len(self.workers) + 1}", self)
        self.workers.append(made)
        return made

    def sharing(self) -> Sharing:
        """One pace for all accounts of a process."""
        return Sharing(sleep=asyncio.sleep, stopwatch=self.loop.time)

    def begin(self, process: Process, doing: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A task of a process; what it begins belongs to the process too."""
        context = copy_context()
        context.run(CURRENT.set, process.as_worker())
        return context.run(self.loop.create_task, doing)

    def see_what_is_laid(self) -> None:
        """Something was committed: of what truly happened, what is in the book now?"""
        for account in self.accounts:
            account.see_what_is_laid(self.stock, self.loop.instant)

    def _task(
        self, loop: asyncio.AbstractEventLoop, coro: object, **words: object
    ) -> "asyncio.Task[object]":
        made: asyncio.Task[object] = asyncio.Task(coro, loop=loop, **words)  # type: ignore[arg-type]
        process = CURRENT.get()
        if process is not None:
            cast("Process", process).tasks.add(made)
        return made
