"""`fillbook backfill` and `fillbook sync`: passes over the accounts, and what they came to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.domain.window import Window
from fillbook.errors import DatabaseUnavailable, FillbookError, Unproven, UsageError, in_words
from fillbook.faces.cli import progress
from fillbook.faces.cli.run import put, run, say
from fillbook.faces.cli.times import read_time
from fillbook.ledger._pool import Pool
from fillbook.ledger.coverage import count_alarms
from fillbook.settings import Login, Settings, load
from fillbook.sync.engine import Passed, Progress
from fillbook.sync.side_by_side import side_by_side
from fillbook.wiring import logs
from fillbook.wiring.keys import Way, paused_sentence
from fillbook.wiring.wanted import everything_wanted, months_before

log = structlog.get_logger()

Kind = Literal["backfill", "manual"]

AT_ONCE_MAX = 8  # accounts; those beyond wait for one that is done
CONNECTIONS_MAX = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    account: str | None = None
    bot: str | None = None
    since: str | None = None
    until: str | None = None
    months: int | None = None
    again: bool = False


class PartlyDone(Unproven):
    """The book is not whole yet: run it again to resume; `fillbook coverage` shows the gaps."""


def run_fetch(kind: Kind, asked: Asked) -> None:
    """Fetch every account that was meant; exit code 3 when something stays unproven."""
    settings = load()
    started_at = wiring.now()
    path = logs.log_to(settings.logs, level=settings.log_level, started_at=started_at)
    window = _window(kind, asked, settings, started_at)
    complete = run(lambda: _fetch_all(kind, settings, asked, window))
    if asked.bot is not None:
        say(f"The account serves all its bots; see `fillbook stats --bot {asked.bot}`.")
    if not complete:
        raise PartlyDone(f"{PartlyDone.__doc__} Log: {path}")


def _window(kind: Kind, asked: Asked, settings: Settings, now: datetime) -> Window | None:
    """The window that was asked for; None: from what was asked for before."""
    since, until = read_time(asked.since), read_time(asked.until)
    if kind == "manual":
        return None
    if until is not None and until > now:
        raise UsageError("--to lies in the future: history ends now.")
    if asked.months is not None and since is not None:
        raise UsageError("--months and --from say the same thing: give one of them.")
    months = asked.months or settings.backfill_months
    end = until or now
    start = since or months_before(end, months)
    if start >= end:
        raise UsageError("The interval is empty: --from must lie before --to.")
    return Window(start, end)


async def _fetch_all(kind: Kind, settings: Settings, asked: Asked, window: Window | None) -> bool:
    """The accounts side by side; a bad one does not stop the rest."""
    async with wiring.open_ledger(settings, max_size=CONNECTIONS_MAX) as pool:
        ways = await wiring.ways(pool, settings, asked.account)
        with progress.shown(wiring.now, names_accounts=len(ways) > 1) as show:
            fetching = _Fetching(kind, settings, pool, window, show, asked.again, len(ways) == 1)
            await side_by_side([fetching.one(way) for way in ways])
    if fetching.failed and len(fetching.failed) == len(ways):
        raise fetching.failed[-1]
    return fetching.complete and not fetching.failed


@dataclass(slots=True)
class _Fetching:
    """What is asked of every account, and what it came to."""

    kind: Kind
    settings: Settings
    pool: Pool
    window: Window | None
    show: Callable[[str], Progress]
    again: bool
    alone: bool
    complete: bool = True
    failed: list[Exception] = field(default_factory=list)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))

    async def one(self, way: Way) -> None:
        """One account; what is wrong with it is said, and the others go on."""
        try:
            async with self._turns:
                done = await self._fetched(way)
            self.complete &= done
        except Exception as error:  # not even a defect in one may stop the others
            if self.alone or isinstance(error, DatabaseUnavailable):
                raise
            known = isinstance(error, FillbookError)
            say(f"{way.name}: {in_words(error)}")
            log.warning("account failed", account=way.name, exc_info=not known)
            self.failed.append(error)

    async def _fetched(self, way: Way) -> bool:
        """One account, unless it is paused; whether nothing is left to prove."""
        if way.paused:
            put(paused_sentence(way.name))
            return True
        login = way.opened()
        logs.hide(login.key, login.secret.get_secret_value())
        show = self.show(way.name)
        try:
            passed = await fetch(
                self.pool, self.settings, login,
                kind=self.kind, window=self.window, show=show, again=self.again,
            )  # fmt: skip
        except wiring.Paused as paused:
            put(str(paused))
            return True
        summarise(login.name, passed)
        alarms = await count_alarms(self.pool, passed.run.account_id)
        if alarms:
            put(
                f"{login.name}: {alarms} fills do not fit their position chain, so a fill is"
                " missing: see `fillbook coverage`, and try `fillbook backfill --again`."
            )
        return passed.complete and not alarms


async def all_wanted(pool: Pool, settings: Settings, account: Account) -> Window:
    """Everything that is wanted of an account, up to this moment."""
    return await everything_wanted(pool, settings, account, now=wiring.now())


async def fetch(
    pool: Pool,
    settings: Settings,
    login: Login,
    *,
    kind: Kind,
    window: Window | None,
    show: Progress,
    again: bool = False,
) -> Passed:
    """One pass over one account, with its progress shown."""

    async def asked(account: Account) -> Window:
        return window or await all_wanted(pool, settings, account)

    return await wiring.sync(
        pool, settings, login=login, kind=kind, window=asked, progress=show, again=again
    )


def summarise(name: str, passed: Passed) -> None:
    """Say what a pass came to."""
    run_, seconds = passed.run, passed.seconds.total_seconds()
    put(
        f"{name}: {run_.booked.executions_new} new executions, {run_.trades_new} new completed"
        f" trades, {run_.requests} requests, {seconds:.1f} s"
    )
    if not run_.booked.rows_new and passed.complete:
        put(f"{name}: everything was booked already; nothing was added.")
    if run_.booked.quarantined:
        put(f"{name}: {run_.booked.quarantined} rows could not be read; they are kept verbatim.")
    if run_.booked.revisions:
        put(f"{name}: the venue changed {run_.booked.revisions} rows that were booked before.")
    for left_out in passed.left_out:
        put(f"{name}: left out: {left_out}")
    for failure in passed.failures:
        put(f"{name}: not proven: {failure}")
