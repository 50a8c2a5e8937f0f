"""Attending to one account: opening the way to it, waiting for its lease, working, trying again.

=========  =======================================================================================
state      what goes on
=========  =======================================================================================
opening    the venue is asked whose key it is
standby    another worker attends to the account; this one waits for its lease
working    the feed is followed, and what the schedule says is done: a shift
refused    the key is not used, and why; asked again now and then, and at once when it changes
trouble    the venue or the database does not answer; tried again with growing pauses
=========  =======================================================================================

The lease is the account's: while it is held, no other worker runs any job of the account, so that
nothing overlaps. Nothing but being told to stop ends this.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from fillbook.errors import (
    FillbookError,
    LeaseHeld,
    LedgerError,
    Refused,
    StaleFence,
    VenueKeyError,
)
from fillbook.ledger import leases, workers
from fillbook.ledger._pool import Pool
from fillbook.ledger.leases import Lease
from fillbook.ledger.workers import Doing
from fillbook.sync.agenda import Agenda
from fillbook.sync.schedule import Plan
from fillbook.sync.shift import Duties, Opened, Shift
from fillbook.venues._logger import get_logger

log = get_logger()

State = Literal["opening", "standby", "working", "refused", "trouble", "stopped"]

SERVICE = "the service"  # the lease: one worker to an account
RETRY_SECONDS_MIN = 1.0
RETRY_SECONDS_MAX = 60.0
REFUSED_SECONDS = 300.0
FAREWELL_SECONDS_MAX = 0.5  # for giving a lease back; without it, it runs out by itself
KEY_IS_NOT_USED = (Refused, VenueKeyError)


@dataclass(frozen=True, slots=True)
class Attended:
    """An account that somebody has to attend to, and the way to it."""

    name: str
    mark: str  # another one where the key is another
    open: Callable[[], AbstractAsyncContextManager[Opened]]
    account_id: int | None = None  # where that is known without asking the venue
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """How often things are looked at, in seconds of the loop."""

    tick: float = 1.0  # what is due
    standby: float = 2.0  # whether the other worker is gone
    look: float = 10.0  # which accounts there are
    beat: float = 10.0  # being heard of
    judge: float = 30.0  # alarms
    watch: float = 5.0  # whether everything still turns
    stuck: float = 600.0  # nothing turned for so long
    stuck_at_work: float = 1200.0  # no page and no request for so long: longer than any ban


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all accounts of a worker share."""

    pool: Pool
    clock: Callable[[], datetime]
    plan: Plan
    duties: Duties
    timing: Timing
    worker_id: UUID
    turns_at_work: asyncio.Semaphore


@dataclass(slots=True)
class Attendant:
    """One worker's care for one account."""

    attended: Attended
    around: Surroundings
    tell: Callable[[str], None]
    since: datetime  # it has been looked after
    state: State = "opening"
    says: str = ""
    account_id: int | None = None
    shift: Shift | None = None
    feed_since: datetime | None = None  # it has not been live, while there is no shift
    stuck: str = ""
    _turns: int = 0
    _failures: int = 0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """The account may be known before the venue is asked."""
        self.account_id = self.attended.account_id

    def stop(self) -> None:
        """Come to an end."""
        self._stopping.set()
        if self.shift is not None:
            self.shift.stop()

    def follow_on(self, before: "Attendant", why: str) -> None:
        """Go on where another one got stuck: what was wrong before it is wrong still."""
        self.account_id, self.since, self.stuck = before.account_id, before.since, why
        self.feed_since = before.feed_since
        if before.shift is not None and before.shift.feed not in (None, "live"):
            self.feed_since = before.shift.feed_since

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            self._turns += 1
            try:
                async with self.attended.open() as opened:
                    self.account_id = opened.engine.account.account_id
                    async with self._lease_held(opened) as lease:
                        if lease is not None:
                            await self._work(opened, lease)
            except StaleFence as error:
                self._now("standby", str(error))
                await self._pause(RETRY_SECONDS_MIN)
            except KEY_IS_NOT_USED as error:
                self._now("refused", str(error))
                await self._pause(REFUSED_SECONDS)
            except FillbookError as error:
                await self._trouble(str(error), error)
            except Exception as error:  # not even a defect may leave an account alone
                log.exception("account failed", account=self.attended.name)
                await self._trouble(f"{type(error).__name__}: {error}", error)
        self.state, self.says = "stopped", ""

    def signs(self) -> dict[str, object]:
        """What must change while all is well; None where nothing is to be expected."""
        if self.state == "refused":
            return {}
        if self.shift is None:
            return {"turns": self._turns}
        return self.shift.signs()

    def doing(self) -> Doing:
        """How it is doing, for whoever asks the ledger."""
        shift = self.shift
        feed, since = (shift.feed, shift.feed_since) if shift else (None, None)
        return Doing(self.state, self.says, feed or "", since)

    async def _work(self, opened: Opened, lease: Lease) -> None:
        around = self.around
        agenda = Agenda(around.pool, lease, around.worker_id, around.plan, around.clock)
        await agenda.load()
        await workers.succeed(around.pool, around.worker_id, lease.account_id, now=around.clock())
        self.shift = Shift(
            opened,
            agenda,
            lease,
            around.duties,
            around.turns_at_work,
            around.timing.tick,
            self.tell,
        )
        self._now("working")
        try:
            if not self._stopping.is_set():
                await self.shift.run()
        finally:
            if self.shift.has_passed:
                self._failures = 0
            was_live = self.shift.feed == "live"
            self.feed_since = around.clock() if was_live else self.shift.feed_since
            self.shift = None

    @asynccontextmanager
    async def _lease_held(self, opened: Opened) -> AsyncIterator[Lease | None]:
        """The account's lease, as soon as nobody else has it; None when told to stop before."""
        account_id, lease = opened.engine.account.account_id, None
        while lease is None and not self._stopping.is_set():
            self._turns += 1
            try:
                lease = await leases.acquire(
                    self.around.pool, account_id, SERVICE, now=self.around.clock()
                )
            except LeaseHeld:
                self._now("standby", "another worker attends to it; waiting for that to end")
                await self._pause(self.around.timing.standby)
        if lease is not None and self.state == "standby":
            self.tell("the other worker is gone; taking over")
        try:
            yield lease
        finally:
            if lease is not None:
                with suppress(LedgerError, TimeoutError):
                    async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                        await leases.give_back(self.around.pool, lease, now=self.around.clock())

    async def _trouble(self, said: str, error: Exception) -> None:
        log.warning("trouble", account=self.attended.name, reason=said, kind=type(error).__name__)
        self._now("trouble", said)
        pause = min(RETRY_SECONDS_MIN * 2 ** min(self._failures, 16), RETRY_SECONDS_MAX)
        self._failures += 1
        await self._pause(pause)

    def _now(self, state: State, says: str = "") -> None:
        """Be in a state, and say so where that is news."""
        if (state, says) != (self.state, self.says) and says:
            self.tell(says)
        self.state, self.says = state, says

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
