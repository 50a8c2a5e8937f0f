"""Following an account as it happens: a live feed in front, windows behind it.

A feed tells what happens after it was subscribed, never what happened before, and it may drop
anything without a sign. So it is called live only when the windows have caught up with it, and
windows go on to be read behind it: they prove, and they notice a feed that has gone deaf.

====================  ==============================================================================
state                 what goes on
====================  ==============================================================================
connecting            the feed is connected, authenticated, subscribed
catching up           what the feed tells waits; windows are read up to after the subscription
live                  what the feed tells is booked and laid at once, provisionally; now and then
                      windows are read again, which confirms it
====================  ==============================================================================

A lost line begins again at the top, and so does a lost database. Nothing is lost with it: the
windows read what it left out. Only a key that is refused, or an account that its owner paused, ends
it. All times are the venue's, whatever this machine's clock says.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from fillbook.domain.raw import RawRecord
from fillbook.domain.window import Window
from fillbook.errors import (
    FillbookError,
    LeaseHeld,
    Refused,
    UsageError,
    VenueKeyError,
    VenueUnavailable,
)
from fillbook.ledger import coverage, facts, heard, leases, proofs
from fillbook.ledger.facts import Source
from fillbook.ledger.leases import Lease
from fillbook.ledger.proofs import Proof
from fillbook.ledger.writing import writing
from fillbook.sync.engine import Engine, Passed
from fillbook.sync.heartbeat import kept
from fillbook.venues._contract import Heard
from fillbook.venues._logger import get_logger

log = get_logger()

State = Literal["connecting", "catching up", "live"]

LISTENING = "the live feed"  # the lease: one listener at a time to an account
WAITING_MAX = 10_000  # messages that wait for the windows; beyond, the line is begun again
BATCH_MAX = 200
MOMENT_SECONDS = 0.5
TICK = timedelta(milliseconds=1)
AHEAD_MAX = timedelta(minutes=1)  # what a row may be ahead of our idea of the venue's time
ENDS_IT = (Refused, UsageError, VenueKeyError)  # nothing that time would heal
RETRY_SECONDS_MIN = 1.0
RETRY_SECONDS_MAX = 60.0


class _Deaf(VenueUnavailable):
    """The feed does not tell what happens; it is begun again."""


class _Behind(VenueUnavailable):
    """The windows did not catch up with the feed; both are begun again."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often windows are read behind the feed, and what the feed may be late by."""

    confirm_every: timedelta | None = timedelta(minutes=5)  # None: whoever reads them says so
    lateness: timedelta = timedelta(seconds=20)


async def _nothing() -> None:
    return


@dataclass(slots=True)
class Follower:
    """Follows one account until it is stopped."""

    engine: Engine
    asked: Callable[[], Awaitable[Window]]  # what the windows behind the feed are asked for
    rhythm: Rhythm = field(default_factory=Rhythm)
    before_pass: Callable[[], Awaitable[None]] = _nothing  # may the key still be used?
    windows: Callable[[Engine], Awaitable[Passed]] | None = None  # how they are read, if otherwise
    on_state: Callable[[State], None] = lambda _: None
    on_lost: Callable[[str], None] = lambda _: None
    on_passed: Callable[[Passed], None] = lambda _: None
    on_checked: Callable[[int], None] = lambda _: None  # how many executions the feed left out
    ahead: timedelta = timedelta()  # by how much the venue's clock was ahead of ours at last
    turns: int = 0  # for whoever watches that it has not got stuck
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _to_check: bool = False
    _was_live: bool = False

    def told_live(self) -> None:
        """The windows have caught up with the feed."""
        self._was_live = True
        self.on_state("live")

    def timed(self) -> Engine:
        """The engine on the venue's clock, as far as that is known."""
        ours = self.engine.clock
        return replace(self.engine, clock=lambda: ours() + self.ahead)

    async def measure(self) -> None:
        """By how much the venue's clock is ahead of ours; an answer is as old as half its way."""
        asked = self.engine.clock()
        told = await self.engine.venue.server_time()
        answered = self.engine.clock()
        self.ahead = told - (asked + (answered - asked) / 2)

    def check_soon(self) -> None:
        """Windows were read behind the feed by somebody else: see whether it told everything."""
        self._to_check = True

    def takes_check(self) -> bool:
        """Whether there is something to check; the answer is given once."""
        wanted, self._to_check = self._to_check, False
        return wanted

    def stop(self) -> None:
        """Come to an end; what was heard is booked first."""
        self._stopped.set()

    async def follow(self) -> None:
        """Connect, catch up, listen; begin again when the line is lost."""
        pause = RETRY_SECONDS_MIN
        while not self._stopped.is_set():
            self.turns += 1
            self.on_state("connecting")
            try:
                await self.before_pass()
                async with self.engine.venue.stream() as feed:
                    await self.measure()
                    await _Listening(self, feed).run()
            except ENDS_IT:
                raise
            except FillbookError as error:
                log.warning("feed lost", account=self.engine.account.name, reason=str(error))
                self.on_lost(str(error))
                # A line that was live begins anew at once; what fails at the start waits longer.
                pause = RETRY_SECONDS_MIN if self._was_live else pause
                await self._pause(pause)
                pause, self._was_live = min(pause * 2, RETRY_SECONDS_MAX), False

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()


@dataclass(slots=True)
class _Listening:
    """One line, from its subscription to its end."""

    follower: Follower
    feed: AsyncIterator[Heard]
    engine: Engine = field(init=False)
    since: datetime = field(init=False)  # the feed tells what happens from here on
    _waiting: "asyncio.Queue[Heard]" = field(init=False)

    def __post_init__(self) -> None:
        """It was subscribed a moment ago."""
        self.engine = self.follower.timed()
        self.since = self._now()
        self._waiting = asyncio.Queue(WAITING_MAX)

    async def run(self) -> None:
        """Catch up, then book what is heard until the line is lost or it is told to stop."""
        engine = self.engine
        lease = await leases.acquire(
            engine.pool, engine.account.account_id, LISTENING, now=self._now()
        )
        hearing = asyncio.create_task(self._hear())
        try:
            async with kept(engine.pool, lease, self._now):
                self.follower.on_state("catching up")
                run_id = (await self._caught_up()).run.run_id
                self.follower.told_live()
                await self._live(lease, run_id, hearing)
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await hearing
            with suppress(FillbookError):
                await leases.give_back(engine.pool, lease, now=self._now())

    async def _caught_up(self) -> Passed:
        """A pass after which every list of executions is read beyond the subscription."""
        passed = await self._windows()
        for stream, scope in self._lists():
            known = await coverage.get(
                self.engine.pool, self.engine.account.account_id, stream, scope
            )
            left_out = any(said.startswith(f"{stream} {scope}:") for said in passed.left_out)
            if not left_out and not any(
                piece.starts_at < self.since <= piece.ends_at for piece in known.read
            ):
                raise _Behind(f"{stream} {scope} could not be read up to now")
        return passed

    def _lists(self) -> list[tuple[str, str]]:
        return [
            (rules.name, scope)
            for rules in self.engine.venue.streams
            if proofs.lays(rules.name)
            for scope in rules.scopes
        ]

    async def _hear(self) -> None:
        """Put what is told aside; ends with the line."""
        async for told in self.feed:
            if not told.records:  # observations
                continue
            try:
                self._waiting.put_nowait(told)
            except asyncio.QueueFull:
                raise _Deaf("the feed tells more than can be booked") from None
        raise VenueUnavailable("the feed has ended")

    async def _live(self, lease: Lease, run_id: UUID, hearing: "asyncio.Task[None]") -> None:
        confirming: asyncio.Task[None] | None = None
        every = self.follower.rhythm.confirm_every
        confirm_at = None if every is None else self._now() + every
        try:
            while not self.follower.is_stopped:
                self.follower.turns += 1
                await self._book_waiting(lease, run_id)
                if hearing.done():
                    await hearing
                if confirming is not None and confirming.done():
                    await confirming
                    confirming = None
                if confirming is not None:
                    continue
                if self.follower.takes_check():
                    confirming = asyncio.create_task(self._check())
                elif every is not None and confirm_at is not None and self._now() >= confirm_at:
                    confirm_at = self._now() + every
                    confirming = asyncio.create_task(self._confirm())
        finally:
            if confirming is not None:
                confirming.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await confirming
        await self._book_waiting(lease, run_id)

    async def _book_waiting(self, lease: Lease, run_id: UUID) -> None:
        """Book what waits, one transaction for each stream and scope; at most a moment's wait."""
        told: list[Heard] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT_SECONDS):
                told.append(await self._waiting.get())
        while not self._waiting.empty() and len(told) < BATCH_MAX:
            told.append(self._waiting.get_nowait())
        for stream, scope in dict.fromkeys((one.stream, one.scope) for one in told):
            records = [
                record
                for one in told
                if (one.stream, one.scope) == (stream, scope)
                for record in one.records
            ]
            await self._book(Source(stream, scope, run_id, self._now()), records, lease)

    async def _book(self, source: Source, records: list[RawRecord], lease: Lease) -> None:
        engine = self.engine
        read = [
            (record, engine.venue.parse(source.stream, source.scope, record.body))
            for record in records
        ]
        async with writing(
            engine.pool, engine.account.account_id, lease=lease, now=source.received_at
        ) as open_writing:
            await facts.book(open_writing, source, read)
            latest = max([source.received_at, *(_after(one) for _, one in read)])
            upto = min(latest, source.received_at + AHEAD_MAX)
            if proofs.lays(source.stream) and self.since < upto:
                # Heard without interruption since the subscription: it may be laid.
                window = Window(self.since, upto)
                await proofs.prove(
                    open_writing,
                    Proof(source.stream, source.scope, window, "live", 0, len(records),
                          source.received_at, source.run_id),
                )  # fmt: skip

    def _now(self) -> datetime:
        return self.engine.clock()

    async def _windows(self) -> Passed:
        if self.follower.windows is not None:
            passed = await self.follower.windows(self.engine)
        else:
            await self.follower.before_pass()
            asked = await self.follower.asked()
            passed = await self.engine.sync("hourly", Window(asked.starts_at, self._now()))
        self.follower.on_passed(passed)
        return passed

    async def _confirm(self) -> None:
        """Read windows behind the feed; what they find and the feed never told makes it deaf."""
        with suppress(LeaseHeld):  # somebody else reads them now
            await self._windows()
        await self._check()

    async def _check(self) -> None:
        upto = self._now() - self.follower.rhythm.lateness
        if upto <= self.since:
            return
        for stream, scope in self._lists():
            missed = await heard.count_unheard(
                self.engine.pool,
                self.engine.account.account_id,
                category=scope,
                stream=f"{stream}.live",
                window=Window(self.since, upto),
            )
            if missed:
                self.follower.on_checked(missed)
                raise _Deaf(f"the feed left out {missed} executions of {scope}")
        self.follower.on_checked(0)


def _after(reading: object) -> datetime:
    """Right after what was read: what was told has been heard, whatever our clock says."""
    at = getattr(reading, "executed_at", None)
    return at + TICK if isinstance(at, datetime) else datetime.min.replace(tzinfo=UTC)
