"""A worker: a process that syncs, as far as the simulation is concerned.

It has its own connections, its own venue session and its own tasks. It can be struck at a named
point: killed (its connections end, its tasks never write again), paused (none of its input or
output goes on until it wakes), or cut off from the database.
"""

import asyncio
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from weakref import WeakSet

from tests.simulation.connections import Stock, TurnConnection, TurnPool

if TYPE_CHECKING:
    from tests.simulation.world import World

Act = Literal["crash", "pause", "cut", "unheard"]
CURRENT: "ContextVar[Worker | None]" = ContextVar("worker", default=None)


@dataclass(frozen=True, slots=True)
class Blow:
    """What will strike a worker, at the so-manieth time that it comes to a point."""

    point: str
    hit: int
    act: Act
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class Worker:
    """One process."""

    name: str
    world: "World"
    stock: Stock
    blow: Blow | None = None
    struck: bool = False
    is_dead: bool = False
    wakes_at: float = 0.0
    pool: TurnPool = field(init=False)
    tasks: "WeakSet[asyncio.Task[object]]" = field(default_factory=WeakSet)
    reached: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """It begins with no connection."""
        self.pool = TurnPool(self.stock, self)

    def arm(self, blow: Blow | None) -> None:
        """Strike at a point from now on; hits count anew."""
        self.blow, self.struck = blow, False
        self.reached.clear()

    async def reach(self, point: str, conn: TurnConnection | None = None) -> None:
        """The worker comes to a point; it may not come further."""
        if self.strikes(point):
            assert self.blow is not None
            match self.blow.act:
                case "crash":
                    self.crash()
                case "pause":
                    self.wakes_at = self.world.loop.time() + self.blow.seconds
                case _:
                    if conn is not None:
                        conn.drop(self)
        await self.awake()

    def strikes(self, point: str) -> bool:
        """Count that a point was reached; whether the blow falls here."""
        self.reached[point] += 1
        self.world.reached[point] += 1
        blow = self.blow
        if self.struck or blow is None or blow.point != point or blow.hit != self.reached[point]:
            return False
        self.struck = True
        self.world.struck[f"{blow.act} {point}", _ordinal(blow.hit)] += 1
        self.world.trace.note("blow", self.name, blow.act, point, blow.hit)
        return True

    async def awake(self) -> None:
        """Go on once it is awake; a dead one never does."""
        while self.wakes_at > self.world.loop.time() and not self.is_dead:  # noqa: ASYNC110
            await asyncio.sleep(self.wakes_at - self.world.loop.time())
        if self.is_dead:
            raise asyncio.CancelledError

    def crash(self) -> None:
        """The process is gone: no task of it does anything more."""
        self.is_dead = True
        self.pool.drop_all()
        current = asyncio.current_task()
        for task in tuple(self.tasks):
            if task is not current:
                task.cancel()

    def close(self) -> None:
        """An ordinary end."""
        self.pool.close()


def _ordinal(hit: int) -> str:
    return {1: "1st", 2: "2nd"}.get(hit, "Nth")
