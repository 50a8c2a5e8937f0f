"""What the API refuses: strangers, foreign pages, foreign names, unfit bodies, hostile words."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from starlette.requests import Request

from fillbook.errors import Refused, Unauthenticated
from fillbook.faces.api.listing import operations
from fillbook.faces.api.routes import allowed
from fillbook.faces.api.sessions import IDLE_MAX, LIFE_MAX, MARKER_COOKIE, SESSION_COOKIE, Sessions
from fillbook.ledger import tokens
from fillbook.ledger._pool import open_pool
from fillbook.ledger.tokens import Known
from tests.faces.conftest import Api, now

OPEN = {"/healthz", "/readyz"}
UNAUTHORIZED = (
    '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"A valid token is needed."}'
)
HOSTILE = [
    "'; DROP TABLE facts.executions; --",
    "' OR '1'='1",
    "%(accounts)s",
    "%s %d %%",
    "\\'",
    "$$;SELECT pg_sleep(9)$$",
    "x\u202e\x07\x1b[31m",
    "<script>alert(1)</script>",
    "💥" * 60,
    "../../etc/passwd",
]


async def document(api: Api) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{api.url}/openapi.json", headers=api.headers) as reply,
    ):
        said: dict[str, Any] = await reply.json()
        return said


async def test_nothing_is_said_without_a_token(api: Api, http: aiohttp.ClientSession) -> None:
    """Each address of the document, and what is none, gives strangers one and the same answer."""

    known = [(method, path) for method, path, _ in operations(await document(api))]
    closed = [(method, path) for method, path in known if path not in OPEN]
    extra = (
        "/api",
        "/api/v1/nothing",
        "/api/v2/trades",
        "/docs",
        "/openapi.json",
        "//api/v1/trades",
    )
    said = set()
    for method, path in [*closed, *(("GET", path) for path in extra[:-1])]:
        async with http.request(method, api.url + path) as reply:
            said.add((path, reply.status, reply.content_type, await reply.text()))

    assert len(closed) > 10
    assert {answer[1:] for answer in said} == {
        (
            401,
            "application/problem+json",
            UNAUTHORIZED,
        )
    }


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer fb_000000000000_" + "A" * 43,
        "Basic {token}",
        "Bearer {token}x",
        "Bearer {cut}",
        "Bearer {swapped}",
        "Bearer " + "A" * 5000,
    ],
)
async def test_a_wrong_token_is_refused(
    api: Api, http: aiohttp.ClientSession, authorization: str
) -> None:
    """Whatever is wrong with it, the answer is the same."""

    last = "A" if api.token[-1] != "A" else "B"
    words = {
        "token": api.token,
        "cut": api.token[:-1],
        "swapped": api.token[:20]
        + ("x" if api.token[20] != "x" else "y")
        + api.token[21:-1]
        + last,
    }
    given = {"Authorization": authorization.format(**words)}
    async with http.get(f"{api.url}/api/v1/trades", headers=given) as reply:
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_a_token_in_the_address_opens_nothing(api: Api, http: aiohttp.ClientSession) -> None:
    """Addresses are written down in too many places."""

    async with http.get(f"{api.url}/api/v1/trades", params={"token": api.token}) as reply:
        assert reply.status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:1", 200),
        ("LOCALHOST:8080", 200),
        ("[::1]:8080", 200),
        ("ledger.example", 200),
        ("Ledger.Example:443", 200),
        ("evil.example", 421),
        ("ledger.example.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("127.0.0.1@evil.example", 421),
        ("0.0.0.0", 421),  # noqa: S104 - a name that is refused
        ("[::ffff:127.0.0.1]", 421),
        ("2130706433", 421),
        ("127.0.0.1:port", 421),
        ("localhost.", 421),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/healthz"])
async def test_only_our_names_are_answered(
    api: Api, http: aiohttp.ClientSession, path: str, host: str, status: int
) -> None:
    """A name that somebody points at loopback is not ours."""

    async with http.get(api.url + path, headers=api.headers | {"Host": host}) as reply:
        assert reply.status == status


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
async def test_a_missing_or_double_name_is_refused(api: Api, hosts: bytes) -> None:
    """Neither is taken for ours."""

    where = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    token = api.token.encode()
    writer.write(
        b"GET /api/v1/status HTTP/1.1\r\n" + hosts + b"Authorization: Bearer " + token
        + b"\r\nConnection: close\r\n\r\n"
    )  # fmt: skip
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.split(b" ")[1] in (b"400", b"421")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Origin": "{url}"}, 204),
        ({"Origin": "{url}", "Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_foreign_pages_open_no_session(
    api: Api, http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    """Even with the right token."""

    given = {name: value.format(url=api.url) for name, value in headers.items()}
    async with http.post(
        f"{api.url}/api/v1/session", json={"token": api.token}, headers=given
    ) as reply:
        assert reply.status == status
        assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"token=x", "application/x-www-form-urlencoded", 415),
        (b'{"token":"x"}', "text/plain", 415),
        (b'{"token":', "application/json", 422),
        (b'{"token":5}', "application/json", 422),
        (b'{"token":"' + b"x" * 100_000 + b'"}', "application/json", 413),
        (b'{"token":"x"}', "application/json", 401),
    ],
)
async def test_bodies_are_small_json(
    api: Api, http: aiohttp.ClientSession, body: bytes, kind: str, status: int
) -> None:
    """Forms, which any page may send, are not read."""

    async with http.post(
        f"{api.url}/api/v1/session", data=body, headers={"Content-Type": kind}
    ) as reply:
        assert (reply.status, reply.content_type) == (status, "application/problem+json")


async def test_a_session_reads_until_it_is_ended(api: Api) -> None:
    """The cookie is hidden from scripts; after logging out it opens nothing."""

    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        root = f"{api.url}/api/v1"
        async with browser.post(f"{root}/session", json={"token": api.token}) as opened:
            cookies = opened.cookies
        async with browser.get(f"{root}/trades") as reply:
            inside = reply.status
        secret = cookies[SESSION_COOKIE].value
        async with browser.delete(f"{root}/session") as ended:
            assert ended.status == 204
        stale = {"Cookie": f"{SESSION_COOKIE}={secret}"}
        async with browser.get(f"{root}/trades", headers=stale) as reply:
            outside = reply.status

    assert (inside, outside) == (200, 401)
    assert cookies[SESSION_COOKIE]["httponly"]
    assert cookies[SESSION_COOKIE]["samesite"].lower() == "strict"
    assert secret not in api.token
    assert (cookies[MARKER_COOKIE].value, cookies[MARKER_COOKIE]["httponly"]) == ("1", "")


async def test_sessions_end_with_time_and_with_their_token(database_url: str) -> None:
    """Idle too long, open too long, or the token revoked: each ends it."""

    async with open_pool(database_url) as pool:
        token = await tokens.make(pool, name="a", scope="read", now=now())
        times = [now()]
        sessions = Sessions(pool, lambda: times[-1])
        idle, long, revoked = [await sessions.open(token) for _ in range(3)]
        refused = []
        begun = times[0]
        while times[-1] < begun + LIFE_MAX - IDLE_MAX / 2:
            times.append(times[-1] + IDLE_MAX * 0.9)
            if times[-1] - begun <= LIFE_MAX:
                assert (await sessions.resume(long)).scope == "read"
        for secret in (idle, long):
            times.append(begun + LIFE_MAX + IDLE_MAX)
            with pytest.raises(Unauthenticated):
                await sessions.resume(secret)
        fresh = await sessions.open(token)
        prefix = (await sessions.resume(fresh)).prefix
        await tokens.revoke(pool, prefix, now=now())
        for secret in (fresh, revoked):
            with pytest.raises(Unauthenticated):
                await sessions.resume(secret)
            refused.append(secret)

    assert refused == [fresh, revoked]


@pytest.mark.parametrize("held", tokens.SCOPES)
@pytest.mark.parametrize("needed", tokens.SCOPES)
def test_a_token_that_reads_does_not_operate(held: tokens.Scope, needed: tokens.Scope) -> None:
    """Each scope allows what those before it do, and nothing more."""

    request = Request({"type": "http", "fillbook.known": Known("", held)})
    order = ("read", "operate", "admin")
    if order.index(held) >= order.index(needed):
        allowed(needed)(request)
    else:
        with pytest.raises(Refused, match=f"only {held}"):
            allowed(needed)(request)


@pytest.mark.parametrize(
    "part", ["account", "bot", "symbol", "exit_reason", "cursor", "from", "as_of"]
)
@pytest.mark.parametrize("word", HOSTILE)
async def test_hostile_words_are_only_words(
    api: Api, http: aiohttp.ClientSession, part: str, word: str
) -> None:
    """They match nothing or are not understood; never an error inside, never more rows."""

    path = "positions" if part == "as_of" else "trades"
    async with http.get(
        f"{api.url}/api/v1/{path}", params={part: word}, headers=api.headers
    ) as reply:
        said = await reply.json()

    assert (reply.status, said.get("rows", [])) in ((200, []), (400, []), (404, []), (422, []))


async def test_what_no_text_can_hold_is_refused(api: Api, http: aiohttp.ClientSession) -> None:
    """NUL, an endless word, a year before time: each is a problem of the asker."""

    for query in ("symbol=%00", "symbol=" + "x" * 5000, "from=0001-01-01T00:00:00%2B14:00",
                  "to=9999-12-31T23:59:59-14:00", "limit=0", "limit=1001", "limit=x", "limit=1e2",
                  "from=2026-01-01T00:00:00", "from=1700000000", "nothing=1", "limit=1&limit=2000",
                  "from=2026-01-02&to=2026-01-01"):  # fmt: skip
        async with http.get(f"{api.url}/api/v1/trades?{query}", headers=api.headers) as reply:
            said = await reply.json()

            assert reply.status in (400, 422), query
            assert set(said) == {"type", "title", "status", "detail"}


async def test_every_answer_carries_the_safe_headers(api: Api, http: aiohttp.ClientSession) -> None:
    """Good ones, refusals and files alike; figures are stored nowhere."""

    for path in ("/", "/favicon.svg", "/nothing", "/api/v1/trades", "/api/v1/nothing", "/healthz"):
        async with http.get(api.url + path, headers=api.headers) as reply:
            policy = reply.headers["Content-Security-Policy"]

            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["Referrer-Policy"] == "no-referrer"
            assert "server" not in reply.headers
            if path.startswith("/api"):
                assert reply.headers["Cache-Control"] == "no-store"


async def test_what_is_no_address_is_a_problem(api: Api, http: aiohttp.ClientSession) -> None:
    """With a token: an unknown address says where to look, an unknown report which there are."""

    for path, word in (("nothing", "/docs"), ("reports/nothing", "summary")):
        async with http.get(f"{api.url}/api/v1/{path}", headers=api.headers) as reply:
            said = await reply.json()

            assert (reply.status, reply.content_type) == (404, "application/problem+json")
            assert word in said["detail"]


async def test_long_answers_are_packed(api: Api, http: aiohttp.ClientSession) -> None:
    """A page of trades travels gzipped where the client can read that."""

    asked = api.headers | {"Accept-Encoding": "gzip"}
    async with http.get(f"{api.url}/api/v1/trades", headers=asked) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        assert len((await reply.json())["rows"]) == 100
