"""A small history, booked by the real engine from the paper exchange, and servers that show it."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from fillbook.domain.window import Window, from_milliseconds
from fillbook.faces import web
from fillbook.faces.api import create_app
from fillbook.faces.server import serve
from fillbook.ledger import accounts, tokens
from fillbook.ledger._pool import open_pool
from fillbook.sync.engine import Engine
from fillbook.venues.bybit import connect
from papervenues.bybit import history_of
from papervenues.bybit.replay import bot_holdings
from papervenues.bybit.server import running, wall_clock_ms
from papervenues.bybit.settings import MINUTE_MS, Settings
from tests.conftest import _databases

EXECUTIONS = 1500
SEEDS_MAX = 100
DAYS = 20
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 10


def now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Seeded:
    """A database with the small history, and what the paper exchange says truly happened."""

    url: str
    starts_at: datetime
    ends_at: datetime
    truth: dict[str, Any]

    @property
    def fills(self) -> list[dict[str, Any]]:
        """Truth without funding."""
        return [row for row in self.truth["executions"] if row["execType"] != "Funding"]


@dataclass(frozen=True, slots=True)
class Api:
    """A running server."""

    url: str
    token: str
    database_url: str

    @property
    def headers(self) -> dict[str, str]:
        """What opens it."""
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """A good answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/api/v1/{path}", params=query, headers=self.headers) as reply,
        ):
            assert reply.status == 200, await reply.text()
            said: dict[str, Any] = await reply.json()
            return said


@pytest.fixture(scope="session")
def seeded(server_url: str, template: str) -> Iterator[Seeded]:
    """The small history, booked once for the session."""
    with _databases(server_url) as make:
        yield asyncio.run(_seed(make(template)))


@pytest.fixture(scope="session")
def seeded_url(seeded: Seeded) -> str:
    """The address of the database with the small history."""
    return seeded.url


@pytest.fixture(scope="session")
def api(seeded_url: str) -> Iterator[Api]:
    """A server on the small history, with a token that may read."""
    with serving(seeded_url) as running_api:
        yield running_api


@pytest.fixture(scope="session")
def dashboard_url(api: Api) -> str:
    """The address of the page, with its token."""
    if not (web.DIST / "index.html").is_file():
        pytest.fail("The page is not built: run python hatch_build.py", pytrace=False)
    return f"{api.url}/?token={api.token}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client without cookies or tokens of its own."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@contextmanager
def serving(database_url: str) -> Iterator[Api]:
    """Serve a database from a thread of its own until the block ends."""
    with _Served(database_url) as served:
        yield served


class _Served:
    """A server in a thread, as its own program would run it."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._ready = threading.Event()
        self._api: Api | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Api:
        self._thread.start()
        assert self._ready.wait(START_SECONDS_MAX), "the server did not start"
        if self._error is not None:
            raise self._error
        assert self._api is not None
        return self._api

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS_MAX)
        assert not self._thread.is_alive(), "the server did not end"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with open_pool(self._database_url) as pool:
            token = await tokens.make(pool, name="test", scope="read", now=now())

            def ready(url: str) -> None:
                self._api = Api(url, token, self._database_url)
                self._ready.set()

            app = create_app(pool=pool, clock=now, version="0.0.0", hosts=["ledger.example"])
            await serve(app, port=0, on_ready=ready, stop=self._stop)


async def _seed(url: str) -> Seeded:
    end_ms = wall_clock_ms() // MINUTE_MS * MINUTE_MS
    settings = _with_something_closed(end_ms)
    asked = Window(from_milliseconds(settings.start_ms), from_milliseconds(end_ms))
    async with running(settings) as paper, open_pool(url) as pool:
        key = paper.keys[0]
        venue = connect(key=key.key, secret=key.secret, clock=now, base_url=paper.url)
        try:
            facts = await venue.key_facts()
            account = await accounts.find_or_add(
                pool,
                name="bybit",
                venue=venue.name,
                environment=venue.environment,
                venue_user_id=facts.venue_user_id,
                now=now(),
            )
            passed = await Engine(pool, venue, account, now).sync("backfill", asked)
        finally:
            await venue.close()
        assert passed.complete, passed.failures
        truth = await _truth(paper.url)
    return Seeded(url, asked.starts_at, asked.ends_at, truth)


def _with_something_closed(end_ms: int) -> Settings:
    """A history that ends now and leaves some symbol without an open lot: there all adds up."""
    for seed in range(SEEDS_MAX):
        settings = Settings(end_ms=end_ms, days=DAYS, executions=EXECUTIONS, seed=seed)
        (history,) = history_of(settings).accounts
        held = {holding.symbol for holding in bot_holdings(history, rows=len(history))}
        if len(held) < len({history.symbol_of(row) for row in range(len(history))}):
            return settings
    raise AssertionError("no seed leaves a symbol closed")


async def _truth(paper_url: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{paper_url}/paper/truth") as reply,
    ):
        said: dict[str, Any] = json.loads(await reply.read())
        return said
