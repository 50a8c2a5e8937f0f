"""Serving: ports, the page's files, an end in time, and a database that went away."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest
from psycopg import sql

from fillbook.errors import UsageError
from fillbook.faces.server import bind
from fillbook.faces.web import NOT_BUILT, Page
from fillbook.ledger._pool import open_pool
from fillbook.ledger.tokens import all_tokens
from tests.conftest import with_database
from tests.faces.conftest import Api, serving

END_SECONDS_MAX = 5
PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from fillbook.faces.api import create_app
from fillbook.faces.server import serve
from fillbook.ledger._pool import open_pool

async def main():
    async with open_pool(sys.argv[1]) as pool:
        app = create_app(pool=pool, clock=lambda: datetime.now(UTC), version="0")
        await serve(app, port=0, on_ready=lambda url: print(url, flush=True))
    print("ended well", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_time(database_url: str, number: signal.Signals) -> None:
    """Also while a client keeps its connection open; what follows the serving still runs."""

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, database_url, stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/healthz") as reply:
            alive = reply.status
        begun = time.monotonic()
        process.send_signal(number)
        said, _ = await process.communicate()
        took = time.monotonic() - begun

    assert alive == 200
    assert process.returncode == 0
    assert said.endswith(b"ended well\n")
    assert took < END_SECONDS_MAX


def test_a_taken_port_is_one_sentence() -> None:
    """It says what to do."""

    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            bind("127.0.0.1", port)

    assert str(caught.value) == (
        f"Port {port} is taken: choose another with --port, or --port 0 for any free one."
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_others_are_let_in_only_on_purpose(host: str) -> None:
    """What is not loopback is refused before anything listens."""

    with pytest.raises(UsageError, match="this machine alone"):
        bind(host, 0)


@pytest.fixture
def built(tmp_path: Path) -> Page:
    """A build of two files, and a secret beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<p>the page")
    (dist / "assets" / "index-abc.js").write_text("1")
    return Page(dist)


def asked(page: Page, path: str, **headers: str) -> tuple[int, str | None, bytes]:
    """Status, cache header and body of one request."""
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()  # the client stays and says nothing more
        return {}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "server": ("localhost", 80),
        "scheme": "http",
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(page(scope, receive, send))  # type: ignore[arg-type]
    pairs = dict(sent[0]["headers"])  # type: ignore[call-overload]
    body = b"".join(m.get("body", b"") for m in sent[1:])  # type: ignore[misc]
    cache = pairs.get(b"cache-control")
    return int(str(sent[0]["status"])), cache.decode() if cache else None, body


def test_the_page_is_asked_for_again_and_its_parts_are_kept(built: Page) -> None:
    """A new build is seen at once; hashed files are never asked for twice."""

    assert asked(built, "/") == (200, "no-cache", b"<p>the page")
    assert asked(built, "/index.html")[1] == "no-cache"
    status, cache, body = asked(built, "/assets/index-abc.js")
    assert (status, body) == (200, b"1")
    assert cache is not None
    assert "immutable" in cache


def test_only_navigation_falls_back_to_the_page(built: Page) -> None:
    """An old address shows the page; a missing script is missing."""

    assert asked(built, "/old/place", accept="text/html")[2] == b"<p>the page"
    assert asked(built, "/assets/index-old.js", accept="*/*")[0] == 404
    assert asked(built, "/x", accept="text/html", sec_fetch_mode="cors")[0] == 404


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/assets/../../secret.txt", "//etc/passwd", "/\0"]
)
def test_nothing_outside_the_build_is_served(built: Page, path: str) -> None:
    """However the way out is spelt."""

    status, _, body = asked(built, path)

    assert (status, b"secret" in body, b"root:" in body) == (404, False, False)


def test_a_page_that_was_not_built_says_so(tmp_path: Path) -> None:
    """In a sentence, with the API as the way on."""

    assert asked(Page(tmp_path / "none"), "/")[2].decode() == NOT_BUILT


async def test_a_database_that_went_away_is_not_ready(
    http: aiohttp.ClientSession, database_url: str
) -> None:
    """Alive and ready are two questions; where the database stood is told to nobody."""

    said = []
    with serving(database_url) as api:
        async with http.get(f"{api.url}/readyz") as reply:
            said.append(reply.status)
        name = urlsplit(database_url).path.lstrip("/")
        with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        async with http.get(f"{api.url}/readyz") as reply:
            said.append(reply.status)
            detail = (await reply.json())["detail"]
        async with http.get(f"{api.url}/healthz") as reply:
            said.append(reply.status)

    assert said == [200, 503, 200]
    assert detail == "The database does not answer."


async def test_no_token_is_kept_as_text(api: Api) -> None:
    """The database knows a digest and the public beginning."""

    async with open_pool(api.database_url) as pool:
        rows = await all_tokens(pool)
        async with pool.connection() as conn:
            kept = await (await conn.execute("SELECT t::text FROM ops.tokens t")).fetchall()
    secret = api.token.split("_", 2)[2]

    assert [row.prefix for row in rows if row.prefix in api.token]
    assert kept
    assert not [row for row in kept if secret in row[0]]
