"""A process of the service in a day: its connections, its tasks, and its sudden end.

It looks to its connections and its transport as a worker of the simulation does. Each statement
takes a little time, so that transactions of several accounts lie across each other.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakSet

from tests.simulation.connections import TurnConnection, TurnPool
from tests.simulation.workers import Worker

if TYPE_CHECKING:
    from tests.simulation.day_world import DayWorld

CONNECTIONS_MAX: Final = 16  # as the service opens
STATEMENT_SECONDS: Final = 0.001
COMMIT_SECONDS: Final = 0.004
LAYS: Final = "after laying.copy_lines"
COMMITTED: Final = "after COMMIT"


@dataclass(slots=True, eq=False)
class Process:
    """One process."""

    name: str
    world: "DayWorld"
    pool: TurnPool = field(init=False)
    is_dead: bool = False
    statements: int = 0
    tasks: "WeakSet[asyncio.Task[object]]" = field(default_factory=WeakSet)
    _laying: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """It begins with no connection."""
        places = asyncio.Semaphore(CONNECTIONS_MAX)
        self.pool = TurnPool(self.world.stock, self.as_worker(), _free=places)

    def as_worker(self) -> Worker:
        """The same, by the name that connections and transport know."""
        return cast("Worker", self)

    async def reach(self, point: str, conn: TurnConnection | None = None) -> None:
        """Before and after each statement, and whenever something is asked or heard."""
        await self.awake()
        if conn is None:
            return
        if point.startswith("before "):
            self.statements += 1
            seconds = COMMIT_SECONDS if point.endswith(" COMMIT") else STATEMENT_SECONDS
            await asyncio.sleep(seconds)
            await self.awake()
        elif point == LAYS:
            self._laying.add(id(conn))
        elif point == COMMITTED and id(conn) in self._laying:
            self._laying.discard(id(conn))
            self.world.see_what_is_laid()

    def strikes(self, _point: str) -> bool:
        """Nothing but time strikes here."""
        return False

    async def awake(self) -> None:
        """A dead one does nothing more."""
        if self.is_dead:
            raise asyncio.CancelledError

    def lose_connections(self) -> None:
        """The server has ended every session."""
        for conn in (*self.pool._idle, *self.pool._used):
            conn.drop(self.as_worker())
        self.pool._idle.clear()

    def die(self) -> None:
        """The process is gone, without a farewell."""
        self.is_dead = True
        self.lose_connections()
        for task in tuple(self.tasks):
            task.cancel()

    @property
    def tasks_running(self) -> int:
        """How many tasks it has."""
        return sum(not task.done() for task in self.tasks)
