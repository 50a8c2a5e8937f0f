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

A lost line begins again at the top. Nothing is lost with it: the windows read what it left out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import structlog

from fillbook.domain.raw import RawRecord
from fillbook.domain.window import Window
from fillbook.errors import LeaseHeld, VenueUnavailable
from fillbook.ledger import facts, heard, leases, proofs
from fillbook.ledger.facts import Source
from fillbook.ledger.leases import Lease
from fillbook.ledger.proofs import Proof
from fillbook.ledger.writing import writing
from fillbook.sync.engine import Engine, Passed
from fillbook.venues._contract import Heard

log = structlog.get_logger()

State = Literal["connecting", "catching up", "live"]

LISTENING = "live"  # the lease: one listener at a time to an account
WAITING_MAX = 10_000  # messages that wait for the windows; beyond, the line is begun again
BATCH_MAX = 200
MOMENT_SECONDS = 0.5
RETRY_SECONDS_MIN = 1.0
RETRY_SECONDS_MAX = 60.0


class _Deaf(VenueUnavailable):
    """The feed does not tell what happens; it is begun again."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often windows are read behind the feed, and what the feed may be late by."""

    confirm_every: timedelta = timedelta(minutes=5)
    lateness: timedelta = timedelta(seconds=20)


@dataclass(slots=True)
class Follower:
    """Follows one account until it is stopped."""

    engine: Engine
    asked: Callable[[], Awaitable[Window]]  # what the windows behind the feed are asked for
    rhythm: Rhythm = field(default_factory=Rhythm)
    on_state: Callable[[State], None] = lambda _: None
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Come to an end; what was heard is booked first."""
        self._stopped.set()

    async def follow(self) -> None:
        """Connect, catch up, listen; begin again when the line is lost."""
        pause = RETRY_SECONDS_MIN
        while not self._stopped.is_set():
            self.on_state("connecting")
            try:
                async with self.engine.venue.stream() as feed:
                    pause = RETRY_SECONDS_MIN
                    await _Listening(self, feed).run()
            except (VenueUnavailable, LeaseHeld) as error:
                log.warning("feed lost", account=self.engine.account.name, reason=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopped.wait()
                pause = min(pause * 2, RETRY_SECONDS_MAX)

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()


@dataclass(slots=True)
class _Listening:
    """One line, from its subscription to its end."""

    follower: Follower
    feed: AsyncIterator[Heard]
    since: datetime = field(init=False)  # the feed tells what happens from here on
    _waiting: "asyncio.Queue[Heard]" = field(init=False)

    def __post_init__(self) -> None:
        """It was subscribed a moment ago."""
        self.since = self.follower.engine.clock()
        self._waiting = asyncio.Queue(WAITING_MAX)

    async def run(self) -> None:
        """Catch up, then book what is heard until the line is lost or it is told to stop."""
        engine = self.follower.engine
        lease = await leases.acquire(
            engine.pool, engine.account.account_id, LISTENING, now=engine.clock()
        )
        run_id = uuid4()
        hearing = asyncio.create_task(self._hear())
        try:
            self.follower.on_state("catching up")
            await self._windows()
            self.follower.on_state("live")
            await self._live(lease, run_id, hearing)
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await hearing
            await leases.give_back(engine.pool, lease, now=engine.clock())

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
        confirm_at = self.follower.engine.clock() + self.follower.rhythm.confirm_every
        try:
            while not self.follower.is_stopped:
                await self._book_waiting(lease, run_id)
                if hearing.done():
                    await hearing
                if confirming is not None and confirming.done():
                    await confirming
                    confirming = None
                if confirming is None and self.follower.engine.clock() >= confirm_at:
                    confirm_at = self.follower.engine.clock() + self.follower.rhythm.confirm_every
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
        engine = self.follower.engine
        read = [
            (record, engine.venue.parse(source.stream, source.scope, record.body))
            for record in records
        ]
        async with writing(
            engine.pool, engine.account.account_id, lease=lease, now=source.received_at
        ) as open_writing:
            await facts.book(open_writing, source, read)
            if proofs.lays(source.stream) and self.since < source.received_at:
                # Heard without interruption since the subscription: it may be laid.
                window = Window(self.since, source.received_at)
                await proofs.prove(
                    open_writing,
                    Proof(source.stream, source.scope, window, "live", 0, len(records),
                          source.received_at, source.run_id),
                )  # fmt: skip

    def _now(self) -> datetime:
        return self.follower.engine.clock()

    async def _windows(self) -> Passed:
        engine = self.follower.engine
        return await engine.sync("hourly", await self.follower.asked())

    async def _confirm(self) -> None:
        """Read windows behind the feed; what they find and the feed never told makes it deaf."""
        with suppress(LeaseHeld):  # somebody else reads them now
            await self._windows()
        engine, upto = self.follower.engine, self._now() - self.follower.rhythm.lateness
        if upto <= self.since:
            return
        for rules in engine.venue.streams:
            for scope in rules.scopes if proofs.lays(rules.name) else ():
                missed = await heard.count_unheard(
                    engine.pool,
                    engine.account.account_id,
                    category=scope,
                    stream=f"{rules.name}.live",
                    window=Window(self.since, upto),
                )
                if missed:
                    raise _Deaf(f"the feed left out {missed} executions of {scope}")
