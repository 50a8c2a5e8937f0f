"""A shift: one worker, holding an account's lease, follows its feed and does what is due.

One thing at a time is done beside the feed, and only one pass: the feed's own catching up counts as
the pass that the schedule wants, and a pass of the schedule is what confirms the feed. The clock is
asked at every tick rather than slept upon, so that a machine that was suspended, or whose clock was
set, notices within one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fillbook.domain.window import Window
from fillbook.errors import (
    FillbookError,
    LeaseHeld,
    LedgerError,
    Refused,
    StaleFence,
    VenueError,
    VenueKeyError,
    in_words,
)
from fillbook.ledger import leases
from fillbook.ledger.leases import Lease
from fillbook.ledger.runs import RunKind
from fillbook.ledger.wanted import earliest_wanted
from fillbook.sync.agenda import Agenda
from fillbook.sync.engine import Engine, Passed, Step
from fillbook.sync.heartbeat import BEAT_SECONDS
from fillbook.sync.live import Follower, Rhythm
from fillbook.sync.live import State as FeedState
from fillbook.sync.news import News
from fillbook.sync.schedule import PASS, SWEEP, Every, Rule
from fillbook.sync.stillness import loop_time
from fillbook.venues._logger import get_logger

log = get_logger()

ENDS_SHIFT = (
    Refused,
    VenueKeyError,
    StaleFence,
)  # the key is not used, or the account is another's
UP_TO_NOW = timedelta(minutes=1)
GRACE_SECONDS = 1.0  # what is nearly done may end by itself
FAREWELL_SECONDS_MAX = 3.0
ASKED = Every(PASS, "pass", timedelta(days=1))  # where no pass is scheduled and somebody wants one
READS = ("pass", "sweep")
SERVED_WITH = {"sweep": (PASS, SWEEP)}  # a sweep is a pass as well


@dataclass(frozen=True, slots=True)
class Duties:
    """What belongs to a pass: asking what the venue shows before it, comparing after it."""

    observe: Callable[[Engine], Awaitable[Any]] | None = None
    compare: Callable[[Engine, Any, RunKind], Awaitable[object]] | None = None
    snapshot: Callable[[Engine], Awaitable[object]] | None = None  # fails where nothing was shown


@dataclass(frozen=True, slots=True)
class _ToCompare:
    """What the venue showed before a pass, for when there is time to compare."""

    engine: Engine
    observed: object
    kind: RunKind


@dataclass(frozen=True, slots=True)
class Opened:
    """A way to an account that is open."""

    engine: Engine
    asked: Callable[[], Awaitable[Window]]  # everything that is wanted of it
    before_pass: Callable[[], Awaitable[None]]  # may the key still be used?


@dataclass(slots=True)
class Shift:
    """One worker on one account."""

    opened: Opened
    agenda: Agenda
    lease: Lease
    duties: Duties
    turns_at_work: asyncio.Semaphore  # so many accounts are read at once, the others wait
    tick_seconds: float
    tell: Callable[[str], None]
    feed: FeedState | None = None
    feed_since: datetime | None = None
    feed_lost: str = ""
    feed_left_out: int = 0
    has_passed: bool = False
    not_compared: str = ""  # why the book could not be compared with the venue at last
    turns: int = 0
    follower: Follower = field(init=False)
    _engine: Engine = field(init=False)
    _news: News = field(init=False)
    _steps: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _kept_at: float = 0.0
    _asked: bool = False
    _is_at_work: bool = False
    _waiting: int = 0
    _to_compare: _ToCompare | None = None

    def __post_init__(self) -> None:
        """The follower, whose windows are read by this shift."""
        self._engine = replace(self.opened.engine, progress=self._step)
        self._news = News(self.tell)
        self.follower = Follower(
            self._engine,
            self.opened.asked,
            rhythm=Rhythm(confirm_every=None),
            before_pass=self.opened.before_pass,
            windows=self._caught_up,
            on_state=self._feed_is,
            on_lost=self._feed_was_lost,
            on_checked=self._feed_was_checked,
        )

    def stop(self) -> None:
        """Come to an end."""
        self._stopping.set()
        self.follower.stop()

    async def run(self) -> None:
        """Until stopped, or until the account cannot be attended to any longer."""
        self._kept_at = loop_time()
        following = working = None
        if self.agenda.plan.enabled:
            following = asyncio.create_task(self.follower.follow())
        try:
            while not self._stopping.is_set():
                self.turns += 1
                if following is not None and following.done():
                    return following.result()
                if working is not None and working.done():
                    working.result()
                    working = None
                rules = await self._turned(is_free=working is None)
                if rules:
                    working = asyncio.create_task(self._do(rules))
                elif working is None and self._to_compare and not self._lock.locked():
                    working = asyncio.create_task(self._compare())
                await self._pause()
        finally:
            await self._wind_up([task for task in (following, working) if task is not None])

    def ask_for_pass(self) -> None:
        """Somebody wants a pass now."""
        self._asked = True

    @property
    def ahead(self) -> timedelta:
        """By how much the venue's clock is ahead of ours, as far as is known."""
        return self.follower.ahead

    def signs(self) -> dict[str, object]:
        """What must change while all is well; None where nothing is to be expected."""
        work = (self._engine.venue.requests, self._steps, self._waiting)
        return {
            "turns": self.turns,
            "work": work if self._is_busy else None,
            "feed": self.follower.turns if self.feed == "live" else None,
            "line": self.follower.turns if self.feed == "connecting" else None,
        }

    async def _turned(self, *, is_free: bool) -> Sequence[Rule]:
        """Keep the lease, and look at what is due. A database that is away is waited for."""
        try:
            await self._keep()
            return await self._due() if is_free else ()
        except StaleFence:
            raise
        except LedgerError as error:
            log.warning("the schedule waits", account=self._name, reason=str(error))
            return ()

    async def _keep(self) -> None:
        """Renew the lease now and then; StaleFence where it is gone."""
        if loop_time() - self._kept_at >= BEAT_SECONDS:
            await leases.renew(self.agenda.pool, self.lease, now=self.agenda.clock())
            self._kept_at = loop_time()

    async def _due(self) -> Sequence[Rule]:
        is_reading = self._lock.locked()
        if self._asked and not is_reading:
            self._asked = False
            return [self.agenda.rule(PASS) or ASKED]
        # The feed's own pass is as good, and on its way; a snapshot does not wait for it.
        rules = await self.agenda.due(leaving=READS if is_reading or self._is_catching_up else ())
        if rules and (jobs := SERVED_WITH.get(rules[0].action)):
            return [rule for job in jobs if (rule := self.agenda.rule(job)) is not None]
        return rules

    @property
    def _is_catching_up(self) -> bool:
        return self.feed == "catching up" or (
            self.feed in (None, "connecting") and not self.has_passed and not self.feed_lost
        )

    async def _do(self, rules: Sequence[Rule]) -> None:
        """Do what is due; what fails is written down and tried again."""
        action = rules[-1].action
        self._is_at_work = True
        try:
            await self._noted(rules, lambda: self._act(action, self.follower.timed()))
        except ENDS_SHIFT:
            raise
        except FillbookError as error:
            log.warning("job failed", account=self._name, job=rules[-1].job, reason=str(error))
        except Exception as error:
            log.exception("job failed", account=self._name, job=rules[-1].job, reason=str(error))
        finally:
            self._is_at_work = False

    async def _noted(
        self, rules: Sequence[Rule], work: Callable[[], Awaitable[Passed | None]]
    ) -> Passed | None:
        """Some work, with its beginning and its end on the agenda."""
        before = dict(self.agenda.states)
        await self.agenda.begin(rules)
        try:
            passed = await work()
        except LeaseHeld:
            await self.agenda.put_back(rules, before)
            raise
        except Exception as error:
            await self.agenda.end(rules, "failed", in_words(error))
            raise
        if passed is not None and passed.failures:
            await self.agenda.end(rules, "partial", "; ".join(passed.failures))
        else:
            await self.agenda.end(rules, "done")
        return passed

    async def _caught_up(self, engine: Engine) -> Passed:
        """The windows that the feed waits for."""
        rule = self.agenda.rule(PASS)
        passed = await self._noted([rule] if rule else [], lambda: self._pass("pass", engine))
        assert passed is not None
        return passed

    async def _act(self, action: str, engine: Engine) -> Passed | None:
        if action == "observe":
            if (look := self.duties.snapshot or self.duties.observe) is not None:
                await look(engine)
            return None
        if action == "key":
            await self.opened.before_pass()
            return None
        passed = await self._pass(action, engine)
        self.follower.check_soon()
        return passed

    async def _pass(self, action: str, engine: Engine) -> Passed:
        """Everything that is wanted; a sweep also reads the last days once more."""
        async with self._its_turn(), self._lock:
            await self.opened.before_pass()
            account_id = engine.account.account_id
            is_first = await earliest_wanted(engine.pool, account_id) is None
            asked = await self.opened.asked()
            if action == "sweep":
                now = engine.clock()
                lately = Window(max(asked.starts_at, now - self.agenda.plan.sweep_again), now)
                self._news.passed(await replace(engine, again=True).sync("hourly", lately))
            kind: RunKind = "backfill" if is_first else "hourly"
            observed = await self._observed(engine)
            # Up to now, whatever the clock says then: the engine does not read the future.
            window = Window(asked.starts_at, engine.clock() + UP_TO_NOW)
            passed = await engine.sync(kind, window)
            self._news.passed(passed)
            self.has_passed = True
            with suppress(VenueError):  # a clock may have been set, or drift, under a live line
                await self.follower.measure()
            if observed is not None:
                self._to_compare = _ToCompare(engine, observed, kind)
            return passed

    @asynccontextmanager
    async def _its_turn(self) -> AsyncIterator[None]:
        """Wait until few enough accounts are being read."""
        self._waiting += 1
        try:
            await self.turns_at_work.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self.turns_at_work.release()

    @property
    def _is_busy(self) -> bool:
        """Whether something must be moving, rather than waiting for its turn."""
        return self._lock.locked() or (self._is_at_work and not self._waiting)

    async def _observed(self, engine: Engine) -> object:
        """What the venue shows. Without it a pass is still whole, and nothing is compared."""
        if self.duties.observe is None or self.duties.compare is None:
            return None
        try:
            return await self.duties.observe(engine)
        except Exception as error:  # noqa: BLE001 - said, and an alarm
            self._comparing_failed(error)
            return None

    async def _compare(self) -> None:
        """Compare the book with what the venue showed. What goes wrong here spoils nothing else."""
        asked, self._to_compare = self._to_compare, None
        if asked is None or self.duties.compare is None:
            return
        self._is_at_work = True
        try:
            async with self._lock:
                await self.duties.compare(asked.engine, asked.observed, asked.kind)
            self.not_compared = ""
        except ENDS_SHIFT:
            raise
        except Exception as error:  # noqa: BLE001 - said, and an alarm
            self._comparing_failed(error)
        finally:
            self._is_at_work = False

    def _comparing_failed(self, error: Exception) -> None:
        self.not_compared = in_words(error)
        known = isinstance(error, FillbookError)
        log.warning(
            "not compared", account=self._name, reason=self.not_compared, exc_info=not known
        )

    def _step(self, step: Step) -> None:
        self._steps += 1
        self.opened.engine.progress(step)

    def _feed_is(self, state: FeedState) -> None:
        if (state == "live") != (self.feed == "live") or self.feed is None:
            self.feed_since = self.agenda.clock()
        if state == "live":
            self.feed_lost = ""
        if state != self.feed:
            self.tell(state)
        self.feed = state

    def _feed_was_lost(self, reason: str) -> None:
        if reason != self.feed_lost:
            self.tell(reason)
        self.feed_lost = reason

    def _feed_was_checked(self, left_out: int) -> None:
        self.feed_left_out = left_out

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.tick_seconds):
                await self._stopping.wait()

    async def _wind_up(self, tasks: list["asyncio.Task[None]"]) -> None:
        """Let what is nearly done end, and stop the rest."""
        self.follower.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in tasks:
                task.cancel()
            ended, _ = await asyncio.wait(tasks, timeout=FAREWELL_SECONDS_MAX - GRACE_SECONDS)
            for task in ended:  # what it raised has been told, or comes of being stopped
                task.cancelled() or task.exception()

    @property
    def _name(self) -> str:
        return self._engine.account.name
