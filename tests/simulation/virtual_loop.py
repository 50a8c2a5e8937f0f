"""An event loop whose time is a number, and on which database work takes none of it.

When nothing is ready to run, one of two things happens. If statements wait for the database, one of
them is sent and driven to its end, alone; which one is the seed's choice. Else time jumps to the
next timer. So the order of everything is decided by the seed, and a month passes in no time.

Nothing on this loop can wait for a socket, a thread or a signal.
"""

import asyncio
import selectors

from tests.simulation.turns import Turns

IDLE_MAX = 3_000_000  # jumps and turns of one seed; beyond, something spins
Ready = list[tuple[selectors.SelectorKey, int]]


class StuckError(AssertionError):
    """Everything waits, and nothing will ever happen."""


class _Idle(selectors.SelectSelector):
    """Stands where the loop would wait for sockets."""

    loop: "VirtualLoop | None" = None

    def select(self, timeout: float | None = None) -> Ready:
        """Let something happen when nothing else is ready."""
        if self.loop is not None and (timeout is None or timeout > 0):
            self.loop.idle()
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop for one seed."""

    def __init__(self, turns: Turns) -> None:
        self.instant = 0.0
        self.turns = turns
        self.idled = 0
        selector = _Idle()
        super().__init__(selector)
        selector.loop = self
        # Timers that are due at the very instant must count as due.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Seconds since the seed began."""
        return self.instant

    def idle(self) -> None:
        """A statement's turn, or a jump to the next timer."""
        self.idled += 1
        if self.idled > IDLE_MAX:
            raise StuckError(f"{IDLE_MAX} turns and jumps: something spins")
        if self.turns.take_one():
            return
        timers: list[asyncio.TimerHandle] = getattr(self, "_scheduled", [])
        if not timers:
            raise StuckError(f"everything waits: {self.turns.describe()}")
        self.instant = max(self.instant, timers[0].when())
