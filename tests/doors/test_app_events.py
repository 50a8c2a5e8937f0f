"""`register_exchange_sync_events`: in an application, whatever handlers it has of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psycopg
import pytest
import structlog
import uvicorn
from fastapi import FastAPI

from fillbook import register_exchange_sync_events
from papervenues.bybit.settings import Settings

WAIT_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10

Told = list[str]


def plain(told: Told) -> FastAPI:
    """No handlers."""
    del told
    return FastAPI()


def with_lifespan(told: Told) -> FastAPI:
    """A lifespan of its own, which hands something to its requests."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, str]]:
        told.append("up")
        yield {"mine": "yes"}
        told.append("down")

    return FastAPI(lifespan=lifespan)


def with_handlers(told: Told) -> FastAPI:
    """Handlers of the older kind."""
    app = FastAPI()
    app.router.on_startup.append(lambda: told.append("up"))
    app.router.on_shutdown.append(lambda: told.append("down"))
    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The application under uvicorn, from its start to its shutdown; its address."""

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    config = uvicorn.Config(app, port=0, log_config=None, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await serving


async def hello_of(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/hello") as reply:
        said: str = await reply.json()
        return said


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("made", [plain, with_lifespan, with_handlers])
async def test_the_service_lives_as_long_as_the_application(
    paper: Settings, database_url: str, made: Callable[[Told], FastAPI]
) -> None:
    """Fills are booked while it serves; it ends with it, and its own handlers run as before."""
    told: Told = []
    app = made(told)
    sync = register_exchange_sync_events(app)
    assert sync.state == "not started"

    async with served(app) as url, await psycopg.AsyncConnection.connect(database_url) as conn:

        async def booked() -> int:
            row = await (await conn.execute("SELECT count(*) FROM facts.executions")).fetchone()
            await conn.rollback()
            assert row is not None
            return int(row[0])

        await until(lambda: sync.state == "running")
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not await booked():
            assert time.monotonic() < deadline, sync
            await asyncio.sleep(0.1)
        assert await hello_of(url) == "hello"
        assert app.state.exchange_sync is sync
        assert await sync.health() is not None
        assert told in ([], ["up"])

    assert (sync.state, sync.error, sync.service) == ("stopped", None, None)
    assert not structlog.is_configured()  # it is the application's own
    assert told in ([], ["up", "down"])
    assert bool(told) == (made is not plain)


async def test_a_sync_that_cannot_begin_leaves_the_application_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting is said in the state and in the log; the application answers and ends."""
    monkeypatch.setenv("BACKFILL_MONTHS", "a few")
    app = FastAPI()
    sync = register_exchange_sync_events(app)

    async with served(app) as url:
        await until(lambda: sync.state == "failed")
        assert await hello_of(url) == "hello"

    assert sync.state == "failed"
    assert "BACKFILL_MONTHS" in (sync.error or "")


async def test_a_database_that_is_away_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application answers meanwhile, and its end does not wait for the database."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    app = FastAPI()
    sync = register_exchange_sync_events(app)

    async with served(app) as url:
        await asyncio.sleep(1)
        states = [str(sync.state)]
        assert await hello_of(url) == "hello"
        began_to_end = time.monotonic()

    assert [*states, str(sync.state)] in (["starting", "stopped"], ["waiting", "stopped"])
    assert time.monotonic() - began_to_end < STOP_SECONDS_MAX / 2


async def test_it_can_be_switched_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EXCHANGE_SYNC_ENABLED=false: nothing is started."""
    monkeypatch.setenv("EXCHANGE_SYNC_ENABLED", "false")
    app = FastAPI()
    sync = register_exchange_sync_events(app)

    async with served(app):
        await until(lambda: sync.state == "disabled")

    assert (sync.state, sync.service) == ("disabled", None)


def test_registering_twice_is_registering_once() -> None:
    """The second call returns what the first one made, and wraps nothing."""
    app = FastAPI()

    first = register_exchange_sync_events(app)
    wrapped = app.router.lifespan_context

    assert register_exchange_sync_events(app) is first
    assert app.router.lifespan_context is wrapped
