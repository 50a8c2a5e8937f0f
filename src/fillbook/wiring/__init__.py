"""The composition root: settings become a ledger, venues and a sync engine.

Nothing below this file reads configuration or asks what time it is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fillbook.domain.account import Account, KeyFacts
from fillbook.domain.statement import TagPattern
from fillbook.domain.window import Window
from fillbook.errors import MigrationError, NotFound
from fillbook.ledger import _embedded, _migrate
from fillbook.ledger._pool import Pool, open_pool
from fillbook.ledger._pooler import refuse_pooler
from fillbook.ledger.bots import BotRow, register_bots
from fillbook.ledger.runs import RunKind
from fillbook.settings import Login, Settings
from fillbook.venues._contract import Venue
from fillbook.wiring.keys import PAPER, Paused, Way, admit, environment_of, paused_sentence, ways

if TYPE_CHECKING:  # what only some commands need is imported by those
    from fillbook.ledger.verify import Parse
    from fillbook.sync.engine import Engine, Passed, Progress

__all__ = [
    "PAPER", "Connected", "Paused", "Way", "connect", "connected", "direct_url", "embedded_folder",
    "engine", "environment_of", "now", "open_ledger", "parser_of", "paused_sentence",
    "prepare_database", "sync", "ways", "with_home",
]  # fmt: skip


def now() -> datetime:
    """The wall clock. Everything below has it handed in."""
    return datetime.now(UTC)


def embedded_folder(settings: Settings) -> Path:
    """Where the embedded database lives."""
    return settings.folder / "postgres"


def direct_url(settings: Settings) -> str:
    """An address without a pooler in between; starts the embedded server where that is used."""
    if settings.external_database is None:
        return _embedded.ensure_running(embedded_folder(settings)).url
    direct = settings.database_direct_url
    return direct.get_secret_value() if direct else settings.external_database


def prepare_database(settings: Settings) -> str:
    """Start and migrate as far as that is ours to do; returns the address for the pool.

    The embedded database is created and migrated by every command that needs it. A database of the
    user's own is migrated by `fillbook db migrate` only.
    """
    direct = direct_url(settings)
    status = _migrate.status(direct)
    if settings.external_database is None:
        if status.pending:
            _migrate.migrate(direct, clock=now)
        return direct
    if status.pending:
        raise MigrationError(
            f"The database lacks {len(status.pending)} migration(s): run `fillbook db migrate`."
        )
    if settings.database_direct_url is not None:
        refuse_pooler(direct)
    return settings.external_database


@asynccontextmanager
async def open_ledger(settings: Settings, *, max_size: int = 4) -> AsyncIterator[Pool]:
    """A pool to a database that is up to date."""
    url = await asyncio.to_thread(prepare_database, settings)
    async with open_pool(url, max_size=max_size, prepare=settings.database_prepare) as pool:
        yield pool


@dataclass(frozen=True, slots=True)
class Connected:
    """A venue connection and the account behind its key."""

    login: Login
    venue: Venue
    account: Account
    key: KeyFacts


def connect(login: Login, settings: Settings) -> Venue:
    """A connection for a login. Nothing is sent yet."""
    from fillbook.venues import bybit  # brings the HTTP client, which many commands don't need

    environment = environment_of(login)
    return bybit.connect(
        key=login.key,
        secret=login.secret.get_secret_value(),
        clock=now,
        base_url=login.base_url,
        stream_url=login.stream_url,
        environment="mainnet" if environment == PAPER else environment,
        pace=bybit.PaceSettings(pause_min=settings.pause_min, rate_max=settings.bybit_rate),
    )


async def state_settings(pool: Pool, account: Account, settings: Settings) -> None:
    """Put what settings say of an account on its chain, where it differs from what was said last.

    A pattern that is not set says nothing; `none` takes back what was stated.
    """
    if settings.bots:
        await register_bots(pool, map(BotRow, settings.bots), known_from="setting")
    if settings.client_tag_pattern is None:
        return
    from fillbook.ledger import stating
    from fillbook.ledger.statements import state
    from fillbook.ledger.writing import writing
    from fillbook.reports.statements import last

    wanted = TagPattern(settings.client_tag_pattern)
    async with writing(pool, account.account_id, lease=None, now=now()) as open_writing:
        known = await last(
            open_writing.conn, account.account_id, "tag_pattern", stating.TAG_PATTERN
        )
        if wanted != (known or TagPattern("")):
            said = stating.Said("settings", "CLIENT_TAG_PATTERN")
            await state(open_writing, wanted, said)


@asynccontextmanager
async def connected(pool: Pool, login: Login, settings: Settings) -> AsyncIterator[Connected]:
    """Ask the venue whose key it is, refuse one that can do harm, and find its account."""
    venue = connect(login, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(venue.close)
        key = await venue.key_facts()
        account = await admit(pool, login, key, now=now())
        yield Connected(login, venue, account, key)


@asynccontextmanager
async def engine(
    pool: Pool,
    settings: Settings,
    login: Login,
    *,
    progress: "Progress" = lambda _: None,
    again: bool = False,
) -> AsyncIterator["Engine"]:
    """All that a pass over an account needs, connected; what settings say of it is stated."""
    from fillbook.sync.engine import Engine, Limits

    async with connected(pool, login, settings) as found:
        await state_settings(pool, found.account, settings)
        yield Engine(
            pool=pool,
            venue=found.venue,
            account=found.account,
            clock=now,
            limits=Limits(window_max=settings.window_max, overlap_min=settings.overlap_min),
            progress=progress,
            again=again,
        )


async def sync(
    pool: Pool,
    settings: Settings,
    *,
    login: Login,
    kind: RunKind,
    window: Callable[[Account], Awaitable[Window]],
    progress: "Progress" = lambda _: None,
    again: bool = False,
) -> "Passed":
    """One pass over an account."""
    async with engine(pool, settings, login, progress=progress, again=again) as ready:
        return await ready.sync(kind, await window(ready.account))


def parser_of(account: Account) -> "Parse":
    """How raw records of an account are read."""
    if account.venue != "bybit":
        raise NotFound(f"There is no venue {account.venue}.")
    from fillbook.venues.bybit.parse import parse_record

    return parse_record


def with_home(settings: Settings, folder: Path) -> Settings:
    """The same settings in another folder, on the embedded database: the demo's."""
    return settings.model_copy(
        update={
            "home": folder,
            "database_url": None,
            "database_direct_url": None,
            "db_host": None,
            "db_port": None,
            "db_user": None,
            "db_pass": None,
            "db_name": None,
            "postgres_password": None,
            "client_tag_pattern": None,
            "secrets_key": None,
            "registered_bots": "",
        }
    )
