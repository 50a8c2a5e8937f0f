"""What a program that embeds Fillbook needs: the ledger its environment names, and passes over it.

Nothing of the host is taken over: no signal handlers, no event loop, no logging of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.domain.execution import Execution
from fillbook.domain.window import Window
from fillbook.errors import (
    DatabaseUnavailable,
    FillbookError,
    LeaseHeld,
    NotFound,
    Unproven,
    UsageError,
    VenueNotOffered,
)
from fillbook.ledger import proofs
from fillbook.ledger._pool import Pool
from fillbook.ledger.runs import RunKind
from fillbook.settings import Settings, load
from fillbook.sync.engine import Passed
from fillbook.sync.side_by_side import side_by_side
from fillbook.venues._contract import StreamRules, Venue
from fillbook.wiring import logs
from fillbook.wiring.keys import Way

log = structlog.get_logger()

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
        """The keys that are meant; those of paused accounts are left out."""
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
        return [way for way in found if not way.paused]


@dataclass(slots=True)
class PassedAll:
    """What passes over several accounts came to."""

    passed: list[Passed] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what is not proven or was left out

    def add(self, name: str, passed: Passed) -> None:
        """One account's pass."""
        self.passed.append(passed)
        self.said += [f"{name}: not proven: {said}" for said in passed.failures]
        self.said += [f"{name}: left out: {said}" for said in passed.left_out]

    def fail(self, name: str, error: Exception) -> None:
        """What ended one account's pass."""
        known = isinstance(error, FillbookError)
        said = str(error) if known else f"{type(error).__name__}: {error}"
        log.warning("account failed", account=name, reason=said, exc_info=None if known else error)
        self.failed.append(error)
        self.said.append(f"{name}: {said}")


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
) -> list[tuple[Account, Execution]]:
    """The executions that venues tell of a window, oldest first. Nothing is booked."""
    found: list[tuple[Account, Execution]] = []
    for way in await opened.ways(exchange=exchange, account=account):
        async with wiring.connected(opened.pool, way.opened(), opened.settings) as connection:
            for rules in connection.venue.streams:
                for scope in rules.scopes if proofs.lays(rules.name) else ():
                    rows = await _told_of_scope(connection.venue, rules, scope, window)
                    found += [(connection.account, row) for row in rows]
    return sorted(found, key=lambda one: (one[1].executed_at, one[1].execution_id))


async def _told_of_scope(
    venue: Venue, rules: StreamRules, scope: str, window: Window
) -> list[Execution]:
    """One list, window by window; a product that the account does not have tells nothing."""
    rows: dict[str, Execution] = {}
    at = window.starts_at
    try:
        while at < window.ends_at:
            piece = Window(at, min(at + rules.window_max, window.ends_at))
            for row in await _told_of_window(venue, rules.name, scope, piece):
                rows[str(row.execution_key)] = row
            at = piece.ends_at
    except VenueNotOffered:
        return []
    return list(rows.values())


async def _told_of_window(venue: Venue, stream: str, scope: str, window: Window) -> list[Execution]:
    cursor: str | None = None
    seen: set[str] = set()
    rows: list[Execution] = []
    for _ in range(PAGES_MAX):
        page = await venue.pages(stream, scope, window, cursor)
        read = [venue.parse(stream, scope, record.body) for record in page.records]
        rows += [
            row
            for row in read
            if isinstance(row, Execution) and window.starts_at <= row.executed_at < window.ends_at
        ]
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
