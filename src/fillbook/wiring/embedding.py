"""What a program that embeds Fillbook needs: the ledger its environment names, and passes over it.

Nothing of the host is taken over: no signal handlers, no event loop, no logging.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.domain.execution import Execution, Unreadable
from fillbook.domain.window import Window
from fillbook.errors import (
    DatabaseUnavailable,
    FillbookError,
    LeaseHeld,
    NotFound,
    Unproven,
    UsageError,
    VenueNotOffered,
    in_words,
)
from fillbook.ledger import proofs
from fillbook.ledger._pool import Pool
from fillbook.ledger.runs import RunKind
from fillbook.settings import Settings, load
from fillbook.sync.engine import Passed
from fillbook.sync.side_by_side import side_by_side
from fillbook.venues._contract import StreamRules, Venue
from fillbook.venues._logger import get_logger
from fillbook.wiring import logs
from fillbook.wiring.keys import Way

log = get_logger()

CONNECTIONS_MAX = 8
AT_ONCE_MAX = 8  # accounts
PAGES_MAX = 500  # of one window
LEASE_TRIES_MAX = 30
LEASE_PAUSE_SECONDS = 2.0  # a pass behind a live feed takes seconds


@dataclass(frozen=True, slots=True)
class Embedded:
    """Settings and ledger of the environment."""

    settings: Settings
    pool: Pool

    def now(self) -> datetime:
        """The wall clock."""
        return wiring.now()

    async def ways(self, *, exchange: str | None, account: str | None) -> Sequence[Way]:
        """The keys that are meant, those of paused accounts too."""
        found = [
            way
            for way in await wiring.ways(self.pool, self.settings, account)
            if exchange is None or way.login is None or way.login.venue == exchange.lower()
        ]
        if not found:
            raise NotFound(f"No account at {exchange} has a key here.")
        for way in found:
            if way.login is not None:
                logs.hide(way.login.key, way.login.secret.get_secret_value())
        return found


@dataclass(slots=True)
class PassedAll:
    """What passes over several accounts came to."""

    passed: list[Passed] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what is not proven or was left out

    @property
    def complete(self) -> bool:
        """Whether there was something to do, and all of it is proven."""
        whole = all(passed.complete for passed in self.passed)
        return bool(self.passed) and whole and not self.failed

    def add(self, name: str, passed: Passed) -> None:
        """One account's pass."""
        self.passed.append(passed)
        self.said += [f"{name}: not proven: {said}" for said in passed.failures]
        self.said += [f"{name}: left out: {said}" for said in passed.left_out]

    def fail(self, name: str, error: Exception) -> None:
        """What ended one account's pass."""
        known, said = isinstance(error, FillbookError), in_words(error)
        log.warning("account failed", account=name, reason=said, exc_info=None if known else error)
        self.failed.append(error)
        self.said.append(f"{name}: {said}")


@dataclass(frozen=True, slots=True)
class Told:
    """What venues tell of a window."""

    rows: list[tuple[Account, Execution]]  # oldest first
    left_out: list[str]  # which accounts were not asked, and why


@asynccontextmanager
async def embedded(*, max_size: int = CONNECTIONS_MAX) -> AsyncIterator[Embedded]:
    """Open the ledger that the environment names."""
    settings = load()
    keep_logs(settings)
    async with wiring.open_ledger(settings, max_size=max_size) as pool:
        yield Embedded(settings, pool)


def keep_logs(settings: Settings | None = None) -> logs.Logs:
    """The logs of this process, opened when there are none yet."""
    kept = logs.kept()
    if kept is not None:
        return kept
    settings = settings or load()
    return logs.log_as_guest(settings.logs, level=settings.log_level, clock=wiring.now)


async def pass_over(
    opened: Embedded,
    *,
    kind: RunKind,
    window: Window,
    exchange: str | None = None,
    account: str | None = None,
) -> PassedAll:
    """One pass over each account, side by side; a bad one does not stop the others."""
    ways = await opened.ways(exchange=exchange, account=account)
    came_to = PassedAll()
    turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(way: Way) -> None:
        if way.paused:
            came_to.said.append(wiring.paused_sentence(way.name))
            return
        try:
            async with turns:
                came_to.add(way.name, await _passed(opened, way, kind, window))
        except DatabaseUnavailable:
            raise
        except wiring.Paused as paused:
            came_to.said.append(str(paused))
        except Exception as error:  # noqa: BLE001 - not even a defect in one may stop the others
            came_to.fail(way.name, error)

    await side_by_side([one(way) for way in ways])
    if came_to.failed and not came_to.passed:
        raise came_to.failed[-1]
    return came_to


async def _passed(opened: Embedded, way: Way, kind: RunKind, window: Window) -> Passed:
    """One pass; while another worker reads the account, it is waited for."""

    async def asked(_: Account) -> Window:
        return window

    for _ in range(LEASE_TRIES_MAX - 1):
        with suppress(LeaseHeld):
            return await wiring.sync(
                opened.pool, opened.settings, login=way.opened(), kind=kind, window=asked
            )
        await asyncio.sleep(LEASE_PAUSE_SECONDS)
    return await wiring.sync(
        opened.pool, opened.settings, login=way.opened(), kind=kind, window=asked
    )


async def told(
    opened: Embedded, *, window: Window, exchange: str, account: str | None = None
) -> Told:
    """The executions that venues tell of a window. Nothing is booked.

    A paused account is not asked. Where no other one is meant, that is an error.
    """
    found = Told([], [])
    ways = await opened.ways(exchange=exchange, account=account)
    for way in ways:
        try:
            found.rows.extend(await _told_of_account(opened, way, window))
        except wiring.Paused as paused:
            if len(found.left_out) == len(ways) - 1:
                raise
            found.left_out.append(str(paused))
    found.rows.sort(key=lambda one: (one[1].executed_at, one[1].execution_id))
    return found


async def _told_of_account(
    opened: Embedded, way: Way, window: Window
) -> list[tuple[Account, Execution]]:
    if way.paused:
        raise wiring.Paused(wiring.paused_sentence(way.name))
    async with wiring.connected(opened.pool, way.opened(), opened.settings) as connection:
        return [
            (connection.account, row)
            for rules in connection.venue.streams
            for scope in (rules.scopes if proofs.lays(rules.name) else ())
            for row in await _told_of_scope(connection.venue, rules, scope, window)
        ]


async def _told_of_scope(
    venue: Venue, rules: StreamRules, scope: str, window: Window
) -> list[Execution]:
    """One list, window by window; a product that the account does not have tells nothing."""
    rows: dict[str, Execution] = {}
    at = window.starts_at
    while at < window.ends_at:
        piece = Window(at, min(at + rules.window_max, window.ends_at))
        try:
            told_of_piece = await _told_of_window(venue, rules.name, scope, piece)
        except VenueNotOffered:
            if at > window.starts_at:  # it was offered a moment ago: this is no whole list
                raise
            return []
        rows |= {str(row.execution_key): row for row in told_of_piece}
        at = piece.ends_at
    return list(rows.values())


async def _told_of_window(venue: Venue, stream: str, scope: str, window: Window) -> list[Execution]:
    cursor: str | None = None
    seen: set[str] = set()
    rows: list[Execution] = []
    for _ in range(PAGES_MAX):
        page = await venue.pages(stream, scope, window, cursor)
        for record in page.records:
            row = venue.parse(stream, scope, record.body)
            if isinstance(row, Unreadable):
                raise Unproven(
                    f"The venue told a row of {stream} {scope} that cannot be read"
                    f" ({row.reason}): a sync books the rest and keeps the row."
                )
            if isinstance(row, Execution) and window.starts_at <= row.executed_at < window.ends_at:
                rows.append(row)
        cursor = page.next_cursor
        if cursor is None:
            return rows
        if cursor in seen:
            raise Unproven("The venue's cursor repeats, so the end cannot be reached.")
        seen.add(cursor)
    raise UsageError(f"{window} holds more than {PAGES_MAX} pages: ask for a shorter interval.")


def sync_settings() -> Settings:
    """The settings of the environment, for a door that hands them on."""
    return load()
