"""The nth statement of a sync fails, for every n.

It runs in the test's own process, through the wire: the engine, the pool and the exchange are the
real ones, and the statement fails in the server itself, or the connection breaks before or after
it. Whatever the first pass came to, the next one must make the book whole by itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from fillbook.errors import FillbookError
from fillbook.ledger.leases import LEASE_LENGTH
from papervenues.bybit import PaperHistory, history_of
from tests.crash.killing import NOT_REACHED, WHOLE
from tests.crash.rig import Rig
from tests.crash.wire import Fate, Passing
from tests.sync.book import Book, Clock, Reads, opened, paper, whole

SMALL = paper(days=2, executions=40)
READS = Reads(("executions", "account_log", "orders"), ("linear",))


class How(Enum):
    """How a statement fails."""

    REFUSED = "refused by the server"
    UNSEEN = "connection lost before it"
    UNHEARD = "connection lost after it"


@dataclass(slots=True)
class NthFails:
    """Counts statements, and lets one of them fail."""

    number: int
    how: How
    passed: int = 0
    struck: str = ""

    def __call__(self, passing: Passing) -> Fate:
        """Whether it is this one."""
        when = "after " if self.how is How.UNHEARD else "before "
        if not passing.point.startswith(when) or self.struck:
            return Fate.PASS
        self.passed += 1
        if self.passed != self.number:
            return Fate.PASS
        self.struck = passing.point.removeprefix(when)
        return Fate.REFUSE if self.how is How.REFUSED else Fate.CUT


@dataclass(slots=True)
class Failed:
    """What a failing statement came to."""

    statement: str
    told: str  # what the first pass raised; empty where it went on
    is_sentence: bool


@dataclass(slots=True)
class Nth:
    """One history, one undisturbed hash, and cycles on them."""

    rig: Rig
    history: PaperHistory
    expected: str
    statements: int

    async def fail(self, number: int, how: How) -> Failed | None:
        """One cycle; None where there were fewer statements."""
        url, failing = self.rig.database(), NthFails(number, how)
        self.rig.wire.watch()
        async with book_at(self.rig, url, self.history) as book:
            self.rig.wire.watch(failing)
            told = await _pass(book)
            self.rig.wire.watch()
            if not failing.struck:
                return None
            # Who was cut off could not give its lease back; nobody waits for it here.
            book.clock.at += LEASE_LENGTH + timedelta(seconds=1)
            again = await book.backfill(whole(SMALL))
            assert again.complete, again.failures
            await self._must_be_whole(book)
        return Failed(failing.struck, *told)

    async def must_heal(self, number: int, how: How) -> str:
        """One cycle that fails where the failure was not said in a sentence of ours."""
        failed = await self.fail(number, how)
        if failed is None:
            return NOT_REACHED
        assert failed.is_sentence, f"{failed.statement}: no sentence of ours: {failed.told}"
        return WHOLE

    async def _must_be_whole(self, book: Book) -> None:
        verified = await book.verify()
        assert verified.ok, f"verify: {verified}"
        assert self.expected == await book.hash(), "the book differs from an undisturbed one"
        still = await book.rows("SELECT run_id FROM ops.runs WHERE status = 'running'")
        assert not still, f"runs left open: {still}"


async def _pass(book: Book) -> tuple[str, bool]:
    """A pass that may fail: what it said, and whether it was one of our own sentences."""
    try:
        await book.backfill(whole(SMALL))
    except FillbookError as error:
        return str(error), True
    except Exception as error:  # noqa: BLE001 - what is no sentence is told by the caller
        return f"{type(error).__name__}: {error}", False
    return "", True


@asynccontextmanager
async def book_at(rig: Rig, url: str, history: PaperHistory) -> AsyncIterator[Book]:
    """A book behind the wire, beside an exchange of its own."""
    url = rig.wire.through(url)
    async with opened(url, SMALL, clock=Clock(), history=history, reads=READS) as book:
        yield book


async def nth(rig: Rig) -> Nth:
    """Find out what an undisturbed pass comes to."""
    history = history_of(SMALL)
    rig.wire.watch()
    async with book_at(rig, rig.database(), history) as book:
        rig.wire.watch()
        passed = await book.backfill(whole(SMALL))
        assert passed.complete
        count = sum(n for point, n in rig.wire.hits.items() if point.startswith("before "))
        return Nth(rig, history, await book.hash(), count)
