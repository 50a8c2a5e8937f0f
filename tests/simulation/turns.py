"""Statements take turns: one at a time is sent, waited for and answered, in the seed's order.

A statement may wait in the server for a row that another open transaction has locked. Whether it
does is asked of the server, so it is a fact of its state and not of time. Such a statement is put
aside, others go on, and after each end of a transaction the server is asked again.
"""

import asyncio
import select
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from papervenues.draws import digest_of

if TYPE_CHECKING:
    import psycopg

LOOK_MS = 4  # after so long without an answer the server is asked whether the statement is blocked
LOOK_MS_MAX = 64
ANSWER_MS_MAX = 60_000
ENDINGS = frozenset(("COMMIT", "ROLLBACK", "CLOSE"))
BLOCKERS = "SELECT cardinality(pg_blocking_pids(%s))"
TERMINATE = "SELECT pg_terminate_backend(%s, 10000)"
CANCEL = "SELECT pg_cancel_backend(%s)"

Driven = Generator[int, int, Any]
_EVENTS = {1: select.POLLIN, 2: select.POLLOUT, 3: select.POLLIN | select.POLLOUT}


@dataclass(slots=True, eq=False)
class Turn:
    """One statement that waits for its turn, or for a lock."""

    label: str
    driven: Driven
    fd: Callable[[], int]
    pid: int
    place: int
    answer: "asyncio.Future[Any]"
    wants: int = 0  # what it waits for on its socket, once it was sent


@dataclass(slots=True)
class Turns:
    """All statements of one seed that are not answered."""

    seed: int
    monitor: "psycopg.Connection[tuple[Any, ...]]"
    count: int = 0
    waiting: list[Turn] = field(default_factory=list)
    blocked: list[Turn] = field(default_factory=list)

    def enter(self, label: str, driven: Driven, *, fd: Callable[[], int], pid: int) -> Turn:
        """Wait for a turn. The place in the queue is drawn from the seed."""
        self.count += 1
        place = digest_of("turn", self.seed, self.count)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        turn = Turn(label, driven, fd, pid, place, future)
        self.waiting.append(turn)
        return turn

    def take_one(self) -> bool:
        """Give the next statement its turn; false when none waits."""
        if not self.waiting:
            return False
        turn = min(self.waiting, key=lambda one: one.place)
        self.waiting.remove(turn)
        self._take(turn)
        return True

    def abandon(self, turn: Turn) -> None:
        """Whoever waited was cancelled: the statement was sent all the same, and ends now."""
        if turn in self.blocked:
            self.blocked.remove(turn)
            self.monitor.execute(CANCEL, (turn.pid,))
        elif turn in self.waiting:
            self.waiting.remove(turn)
        else:
            return
        turn.answer = asyncio.get_running_loop().create_future()  # nobody's
        self._take(turn)
        if turn in self.blocked:
            self.abandon(turn)
        elif not turn.answer.cancelled():
            turn.answer.exception()

    def lose(self, pid: int) -> None:
        """A connection is gone: the server ends its session, and what it had locked is free."""
        self.monitor.execute(TERMINATE, (pid,))
        self.free()

    def free(self) -> None:
        """Ask of the blocked ones which may go on."""
        for turn in tuple(self.blocked):
            if not self._is_blocked(turn):
                self.blocked.remove(turn)
                self.waiting.append(turn)

    def describe(self) -> str:
        """What is not answered."""
        named = [f"{turn.label} (blocked)" for turn in self.blocked]
        return ", ".join(named + [turn.label for turn in self.waiting]) or "no statement"

    def _take(self, turn: Turn) -> None:
        try:
            value = self._driven(turn)
        except _BlockedError:
            self.blocked.append(turn)
            return
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            if not turn.answer.done():
                turn.answer.set_exception(error)
        else:
            if not turn.answer.done():
                turn.answer.set_result(value)
        if self.blocked and turn.label in ENDINGS:
            self.free()

    def _driven(self, turn: Turn) -> Any:  # noqa: ANN401 - as the driver's own
        try:
            if not turn.wants:
                turn.wants = next(turn.driven)
            while True:
                ready = self._ready(turn)
                turn.wants = turn.driven.send(ready)
        except StopIteration as end:
            return end.value

    def _ready(self, turn: Turn) -> int:
        """Wait for the server, in real time."""
        poll = select.poll()
        poll.register(turn.fd(), _EVENTS[turn.wants])
        waited, look = 0, LOOK_MS
        while not (found := poll.poll(look)):
            waited += look
            look = min(LOOK_MS_MAX, look * 2)
            if self._is_blocked(turn):
                raise _BlockedError
            assert waited < ANSWER_MS_MAX, f"no answer to {turn.label}"
        events = found[0][1]
        if events & ~(select.POLLIN | select.POLLOUT):
            return turn.wants  # an end of the line is told by reading it
        return (1 if events & select.POLLIN else 0) | (2 if events & select.POLLOUT else 0)

    def _is_blocked(self, turn: Turn) -> bool:
        found = self.monitor.execute(BLOCKERS, (turn.pid,)).fetchone()
        return bool(found and found[0])


class _BlockedError(Exception):
    """The statement waits for a lock."""
