"""`fillbook sync --follow`: every account as it happens, until a signal comes."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from fillbook import wiring
from fillbook.errors import FillbookError, in_words
from fillbook.faces.cli.fetch import all_wanted
from fillbook.faces.cli.run import put, run, say
from fillbook.ledger._pool import Pool
from fillbook.settings import Settings, load
from fillbook.sync.engine import Passed
from fillbook.sync.live import Follower, State
from fillbook.wiring import logs
from fillbook.wiring.following import KeyChanged, follower
from fillbook.wiring.keys import Way, paused_sentence

log = structlog.get_logger()

FAREWELL_SECONDS_MAX = 4  # a page that is being booked is finished


def run_follow(account: str | None) -> None:
    """Follow until stopped; the exit code is 1 when no account could be followed."""
    settings = load()
    path = logs.log_to(settings.logs, level=settings.log_level, started_at=wiring.now())
    say(f"Following until stopped (Ctrl-C). Log: {path}")
    run(lambda: _follow_all(settings, account))


@dataclass(slots=True)
class _Following:
    """The accounts that are followed."""

    pool: Pool
    settings: Settings
    followers: list[Follower] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    async def account(self, way: Way) -> None:
        """One account; what ends it does not end the others."""
        try:
            while await self._with_key(way):
                way = next(iter(await wiring.ways(self.pool, self.settings, way.name)))
        except Exception as error:  # not even a defect in one may stop the others
            known = isinstance(error, FillbookError)
            say(f"{way.name}: {in_words(error)}")
            log.warning("account failed", account=way.name, exc_info=not known)
            self.errors.append(error)

    async def _with_key(self, way: Way) -> bool:
        """Follow until stopped, or until the account has another key: then true."""
        login = way.opened()
        logs.hide(login.key, login.secret.get_secret_value())
        told = _Teller(way.name)
        async with follower(
            self.pool,
            self.settings,
            login=login,
            window=partial(all_wanted, self.pool, self.settings),
            on_state=told.state,
            on_lost=told.lost,
            on_passed=told.passed,
        ) as one:
            self.followers.append(one)
            with suppress(KeyChanged):
                await one.follow()
                return False
        put(f"{way.name}: the key was changed; going on with the new one")
        return True


@dataclass(slots=True)
class _Teller:
    """Says what is news, and says it once."""

    name: str
    failures: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def state(self, state: State) -> None:
        """What goes on now."""
        put(f"{self.name}: {state}")

    def lost(self, reason: str) -> None:
        """Why the line is begun again."""
        put(f"{self.name}: {reason}")

    def passed(self, passed: Passed) -> None:
        """What the windows behind the feed came to."""
        booked = passed.run.booked.executions_new
        if booked:
            put(f"{self.name}: {booked} new executions by windows")
        for said in passed.left_out if passed.left_out != self.left_out else ():
            put(f"{self.name}: left out: {said}")
        for said in passed.failures if passed.failures != self.failures else ():
            put(f"{self.name}: not proven: {said}")
        self.failures, self.left_out = passed.failures, passed.left_out


async def _follow_all(settings: Settings, account: str | None) -> None:
    async with wiring.open_ledger(settings, max_size=8) as pool:
        following = _Following(pool, settings)
        tasks = []
        for way in await wiring.ways(pool, settings, account):
            if way.paused:
                put(paused_sentence(way.name))
            else:
                tasks.append(asyncio.create_task(following.account(way)))
        if not tasks:
            return
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:  # the signal that ends it is its regular end
            for one in following.followers:
                one.stop()
            await asyncio.wait(tasks, timeout=FAREWELL_SECONDS_MAX)
            for task in tasks:
                task.cancel()
            put("stopped")
            return
        if following.errors and len(following.errors) == len(tasks):
            raise following.errors[-1]
