"""The service: every account attended to, everything watched, until it is told to stop.

One task for each account, and a few chores beside them: which accounts there are, being heard of,
alarms, housekeeping. What fails in one is said and tried again, and stops no other. A watchdog,
which asks neither database nor venue, sees that each of them still turns; what has got stuck is
cancelled and begun anew, with an alarm. So nothing can die in silence but the whole process, and
that is seen from outside: its row in `ops.workers` stays open and grows old.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from fillbook.errors import DatabaseUnavailable, FillbookError, NotFound
from fillbook.ledger import alarms, jobs, tokens, workers
from fillbook.ledger._pool import Pool
from fillbook.ledger.readiness import AWAY, why_not_ready
from fillbook.ledger.workers import PROCESS, Doing
from fillbook.sync.alarming import DATABASE
from fillbook.sync.attending import Attendant, Attended, Surroundings, Timing
from fillbook.sync.health import AccountHealth, Health
from fillbook.sync.judging import Judge
from fillbook.sync.schedule import DAY, PASS, SWEEP, Plan
from fillbook.sync.shift import Duties
from fillbook.sync.stillness import Stillness, loop_time
from fillbook.venues._logger import get_logger

log = get_logger()

Directory = Callable[[], Awaitable[Sequence[Attended]]]
Teller = Callable[[str], None]

FAREWELL_SECONDS_MAX: Final = 3.5
ALIVE_SECONDS_MAX: Final = 60.0
TIDY_SECONDS: Final = 3600.0
NEWS_SECONDS_MIN: Final = 1.0
AT_ONCE_MAX: Final = 8  # accounts that are read; those beyond wait for one that is done
GOODBYE_SECONDS_MAX: Final = 0.5
BEAT_SECONDS_MAX: Final = 5.0
NAMED_MAX: Final = 10  # accounts in one line
SAY_NONE = "there is no account yet: `fillbook accounts add NAME`, or set BYBIT_API_KEY and _SECRET"


def silent(_: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class _Cared:
    """An account, and the task that attends to it."""

    attendant: Attendant
    task: "asyncio.Task[None]"
    judge: Judge


@dataclass(slots=True)
class Service:
    """Everything that runs without being asked."""

    pool: Pool
    directory: Directory
    clock: Callable[[], datetime]
    plan: Plan = field(default_factory=Plan)
    duties: Duties = field(default_factory=Duties)
    timing: Timing = field(default_factory=Timing)
    tell: Teller = silent
    on_turn: Callable[[], None] = lambda: None  # all is turning: for whoever watches from outside
    new_id: Callable[[], UUID] = uuid4
    worker_id: UUID = field(init=False)
    _cared: dict[str, _Cared] = field(default_factory=dict)
    _paused: dict[str, Attended] = field(default_factory=dict)
    _ending: "set[asyncio.Task[None]]" = field(default_factory=set)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stillness: Stillness = field(default_factory=Stillness)
    _turned_at: float | None = None
    _chores: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)
    _chore_turns: dict[str, int] = field(default_factory=dict)
    _away_since: datetime | None = None
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _said_none: bool = False
    _is_started: bool = False

    def __post_init__(self) -> None:
        """A name for this worker; and whoever is told must not be able to stop it."""
        self.worker_id = self.new_id()
        self.tell = _unbroken(self.tell)

    def stop(self) -> None:
        """Come to an end; `run` returns."""
        self._stopping.set()
        self._news.set()
        for cared in self._cared.values():
            cared.attendant.stop()

    def ask(self, account: str) -> None:
        """Ask for a pass over an account now, whatever the schedule says."""
        cared = self._cared.get(account)
        if cared is None or cared.attendant.shift is None:
            raise NotFound(f"Nobody attends to an account named {account} here.")
        cared.attendant.shift.ask_for_pass()

    async def run(self) -> None:
        """Until stopped."""
        log.info("service started", worker=str(self.worker_id), interval=str(self.plan.interval))
        try:
            while not self._stopping.is_set():
                self._turned_at = loop_time()
                self._keep_chores()
                if self._nothing_is_still():
                    self.on_turn()
                await self._pause(self.timing.watch)
        finally:
            await self._wind_up()
            log.info("service ended", worker=str(self.worker_id))

    async def health(self) -> Health:
        """How everything is."""
        turned = self._turned_at
        alive = turned is not None and loop_time() - turned < ALIVE_SECONDS_MAX
        cared = [self._health_of(one) for one in self._cared.values()]
        accounts = (*cared, *self._health_of_paused())
        says = await why_not_ready(self.pool)
        waiting = [one.account for one in accounts if not one.is_settled]
        if not says and not self._is_started:
            says = "The service has only begun."
        if not says and waiting:
            says = f"{len(waiting)} accounts have not been read yet."
        return Health(alive, alive and not says, says, accounts)

    # --- accounts --------------------------------------------------------------------------------

    async def _look(self) -> None:
        """See which accounts there are; begin with new ones, leave those that are gone."""
        found = {one.name: one for one in await self.directory()}
        wanted = {name: one for name, one in found.items() if not one.paused}
        for name, cared in list(self._cared.items()):
            if name not in wanted:
                why = "paused" if name in found else "its key was removed"
                await self._leave(name, why, is_gone=True)
            elif wanted[name].mark != cared.attendant.attended.mark:
                why = "the key was changed; going on with the new one"
                await self._leave(name, why, is_gone=False)
        for name, one in found.items():
            if one.paused and name not in self._paused:
                self.tell(f"{name}: paused")
        self._paused = {name: one for name, one in found.items() if one.paused}
        for name, one in wanted.items():
            if name not in self._cared:
                self._begin(one)
        if not found and not self._said_none:
            self._said_none = True
            self.tell(SAY_NONE)
        if not self._is_started:
            ids = {name: one.account_id for name, one in wanted.items()}
            await alarms.clear_of_strangers(self.pool, self.worker_id, ids, now=self.clock())
            self._is_started = True
            await self._beat()

    def _begin(self, attended: Attended) -> None:
        def tell(line: str) -> None:
            self.tell(f"{attended.name}: {line}")
            self._news.set()

        around = Surroundings(
            self.pool, self.clock, self.plan, self.duties, self.timing, self.worker_id, self._turns
        )
        attendant = Attendant(attended, around, tell, self.clock())
        task = asyncio.create_task(attendant.run())
        self._cared[attended.name] = _Cared(attendant, task, Judge(self.pool, attended.name, tell))

    async def _leave(self, name: str, why: str, *, is_gone: bool) -> None:
        cared = self._cared.pop(name)
        self.tell(f"{name}: {why}")
        is_ours = cared.attendant.state != "standby"
        await _ended(cared)
        if is_ours:
            await cared.judge.leave(cared.attendant, is_gone=is_gone)
        if cared.attendant.account_id is not None:
            await workers.leave(
                self.pool, self.worker_id, cared.attendant.account_id, why, now=self.clock()
            )

    # --- chores ----------------------------------------------------------------------------------

    def _keep_chores(self) -> None:
        """Begin each chore, and begin anew what has ended: none of them may."""
        for name, seconds, work in (
            ("accounts", self.timing.look, self._look),
            ("beat", self.timing.beat, self._beat),
            ("alarms", self.timing.judge, self._judge),
            ("housekeeping", TIDY_SECONDS, self._tidy),
        ):
            task = self._chores.get(name)
            if task is None or task.done():
                self._chores[name] = asyncio.create_task(self._chore(name, seconds, work))

    async def _chore(self, name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            self._chore_turns[name] = self._chore_turns.get(name, 0) + 1
            try:
                await work()
            except (DatabaseUnavailable, TimeoutError) as error:
                self._database_is_away(str(error) or AWAY)
            except Exception as error:  # the next turn may do better
                known = isinstance(error, FillbookError)
                log.warning("chore failed", chore=name, reason=str(error), exc_info=not known)
            if name == "beat":
                await self._until_news(seconds)
            else:
                await self._pause(seconds)

    async def _until_news(self, seconds: float) -> None:
        """Whoever asks the ledger knows at once what was said; but not more often than this."""
        await self._pause(min(seconds, NEWS_SECONDS_MIN))
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds - NEWS_SECONDS_MIN)):
                await self._news.wait()
        self._news.clear()

    async def _beat(self) -> None:
        """Be heard of, with how each account is doing."""
        doing = {PROCESS: Doing("running", self._says())}
        for cared in self._cared.values():
            if cared.attendant.account_id is not None:
                doing[cared.attendant.account_id] = cared.attendant.doing()
        async with asyncio.timeout(BEAT_SECONDS_MAX):
            await workers.beat(self.pool, self.worker_id, doing, now=self.clock())
            await self._database_is_back()

    async def _judge(self) -> None:
        """See what is wrong with each account."""
        for name, cared in list(self._cared.items()):
            try:
                await cared.judge.judge(cared.attendant)
            except (DatabaseUnavailable, TimeoutError):
                raise
            except Exception as error:  # the others are judged all the same
                known = isinstance(error, FillbookError)
                log.warning("not judged", account=name, reason=str(error), exc_info=not known)

    async def _tidy(self) -> None:
        """Forget what is old."""
        now = self.clock()
        await workers.succeed(self.pool, self.worker_id, PROCESS, now=now)
        await workers.prune_workers(self.pool, now=now)
        await alarms.tidy_alarms(self.pool, now=now)
        await jobs.forget_jobs(self.pool)
        await tokens.forget_revoked(self.pool, before=now - 90 * DAY)

    def _says(self) -> str:
        waits = {name for name, one in self._cared.items() if one.attendant.state == "standby"}
        works = sorted(self._cared.keys() - waits)
        said = [f"attends to {', '.join(works[:NAMED_MAX])}"] if works else []
        said += [f"waits for {', '.join(sorted(waits)[:NAMED_MAX])}"] if waits else []
        return "; ".join(said) or "attends to no account"

    # --- the database ----------------------------------------------------------------------------

    def _database_is_away(self, reason: str) -> None:
        if self._away_since is None:
            self._away_since = self.clock()
            log.error("database away", reason=reason)
            self.tell(f"ALARM {DATABASE}: {reason}")

    async def _database_is_back(self) -> None:
        if self._away_since is None:
            return
        since, now = self._away_since, self.clock()
        alarm = alarms.Alarm(DATABASE, "", since, f"The database did not answer until {now:%H:%M}.")
        await alarms.change(
            self.pool, alarms.INSTALLATION, raised=[alarm], cleared=[alarm], now=now
        )
        self._away_since = None
        self.tell("the database is back")
        log.warning("database back", away_since=since.isoformat())

    # --- the watchdog ----------------------------------------------------------------------------

    def _nothing_is_still(self) -> bool:
        """See that each task still turns; cancel what does not, and begin it anew."""
        limits = dict.fromkeys(("work", "line"), self.timing.stuck_at_work)
        now, well = loop_time(), True
        for name, turns in self._chore_turns.items():
            if self._stillness.seconds(("chore", name), turns, now) > self._chore_limit(name):
                well = False
                log.error("chore stuck", chore=name)
                self._chores[name].cancel()
                self._stillness.forget(("chore", name))
        for name, cared in list(self._cared.items()):
            if cared.task.done():
                well = False
                self._begin_anew(name, cared, "Its task has ended.")
                continue
            for part, sign in cared.attendant.signs().items():
                still = self._stillness.seconds((name, part), sign, now)
                if still > limits.get(part, self.timing.stuck):
                    well = False
                    self._begin_anew(name, cared, f"Its {part} stood still for {still:.0f} s.")
                    break
        return well

    def _chore_limit(self, name: str) -> float:
        return self.timing.stuck + (TIDY_SECONDS if name == "housekeeping" else 0)

    def _begin_anew(self, name: str, cared: _Cared, why: str) -> None:
        log.error("account stuck", account=name, reason=why)
        self.tell(f"{name}: begun anew, for it had got stuck")
        for part in cared.attendant.signs():
            self._stillness.forget((name, part))
        ending = asyncio.create_task(_ended(cared))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        del self._cared[name]
        self._begin(cared.attendant.attended)
        self._cared[name].judge = cared.judge
        self._cared[name].attendant.follow_on(cared.attendant, why)

    # --- the rest --------------------------------------------------------------------------------

    def _health_of(self, cared: _Cared) -> AccountHealth:
        attendant, shift = cared.attendant, cared.attendant.shift
        states = shift.agenda.states if shift else {}
        done = [state.done_at for job in (PASS, SWEEP) if (state := states.get(job))]
        doing = attendant.doing()
        return AccountHealth(
            account=attendant.attended.name,
            state=attendant.state,
            says=doing.says,
            feed=doing.feed,
            feed_since=doing.feed_since,
            last_pass_at=max((at for at in done if at is not None), default=None),
            next_due_at=shift.agenda.next_due(self.clock()) if shift else None,
            alarms=tuple(alarm.kind for alarm in cared.judge.up.values()),
        )

    def _health_of_paused(self) -> list[AccountHealth]:
        return [
            AccountHealth(name, "paused", "paused", "", None, None, None, ())
            for name in self._paused
        ]

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _wind_up(self) -> None:
        """Stop all accounts at once, and say goodbye; a database that is away is not waited for."""
        self.stop()
        chores = [*self._chores.values(), *self._ending]
        for chore in chores:
            chore.cancel()
        tasks = [cared.task for cared in self._cared.values()]
        if tasks or chores:
            # A database that hangs keeps a query that was cancelled for ten seconds: not us.
            await asyncio.wait([*tasks, *chores], timeout=FAREWELL_SECONDS_MAX)
        for task in tasks:
            task.cancel()
        goodbye = asyncio.create_task(self._goodbye())
        await asyncio.wait([goodbye], timeout=GOODBYE_SECONDS_MAX)
        goodbye.cancel()

    async def _goodbye(self) -> None:
        with suppress(FillbookError):
            await workers.stop(self.pool, self.worker_id, now=self.clock())


async def _ended(cared: _Cared) -> None:
    """Stop an account's task, gently and then not."""
    cared.attendant.stop()
    await asyncio.wait([cared.task], timeout=FAREWELL_SECONDS_MAX)
    cared.task.cancel()
    await asyncio.wait([cared.task], timeout=FAREWELL_SECONDS_MAX)


def _unbroken(tell: Teller) -> Teller:
    """Telling that never fails: nobody may be left to listen."""

    def told(line: str) -> None:
        try:
            tell(line)
        except Exception as error:  # noqa: BLE001 - a pipe that was closed, or a defect there
            log.debug("could not be told", line=line, reason=str(error))

    return told
