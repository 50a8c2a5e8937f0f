"""A Bybit on loopback that answers what a test tells it to, and keeps what it was asked."""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from fillbook.domain.window import milliseconds
from fillbook.venues._sharing import Sharing
from fillbook.venues.bybit import BybitVenue, RetrySettings, StreamLimits, connect
from tests.venues.bybit_rows import NOW

KEY = "labkey"
SECRET = "labsecret"
EXECUTIONS = "/v5/execution/list"
TIME = "/v5/market/time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, or a way of not answering."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    behaviour: str = "answer"  # answer, drop, break_off, stall


def success(result: object, **headers: str) -> Reply:
    """The venue's envelope around a result."""
    body = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1}
    return Reply(body=json.dumps(body).encode(), headers=headers)


def refusal(code: int, text: str = "no", **headers: str) -> Reply:
    """The venue's envelope around an error."""
    body = {"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": 1}
    return Reply(body=json.dumps(body).encode(), headers=headers)


def listing(
    rows: Sequence[object], cursor: str | None = "", *, category: str = "linear", name: str = "list"
) -> Reply:
    """A page of a list."""
    result: dict[str, object] = {"category": category, name: list(rows)}
    if cursor is not None:
        result["nextPageCursor"] = cursor
    return success(result)


@dataclass(slots=True)
class FakeTime:
    """A clock and a sleep that belong together: sleeping moves the clock on at once."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def stopwatch(self) -> float:
        return (self.now - NOW).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class ScriptedBybit:
    """Plays replies per path; a path without a script answers 404."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.unsigned: list[str] = []
        self.bodies: list[bytes] = []
        self.timestamps: list[int] = []
        self.clock: Callable[[], datetime] = lambda: NOW
        self._scripts: dict[str, deque[Reply]] = {}

    def play(self, path: str, *replies: Reply) -> None:
        """Answer a path with these in turn; the last one stays."""
        self._scripts[path] = deque(replies)

    def asked_of(self, path: str) -> list[str]:
        """The raw queries that a path was asked with."""
        return [raw.partition("?")[2] for raw in self.asked if raw.partition("?")[0] == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        self.asked.append(request.raw_path)
        self.bodies.append(await request.read())
        if not self._is_signed(request, query):
            self.unsigned.append(path)
        if "X-BAPI-TIMESTAMP" in request.headers:
            self.timestamps.append(int(request.headers["X-BAPI-TIMESTAMP"]))
        return await _send(request, self._next(path))

    def _is_signed(self, request: web.Request, query: str) -> bool:
        sent = request.headers
        stamp, window = sent.get("X-BAPI-TIMESTAMP", ""), sent.get("X-BAPI-RECV-WINDOW", "")
        text = f"{stamp}{KEY}{window}{query}"
        good = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        return sent.get("X-BAPI-API-KEY") == KEY and sent.get("X-BAPI-SIGN") == good

    def _next(self, path: str) -> Reply:
        script = self._scripts.get(path)
        if script:
            return script.popleft() if len(script) > 1 else script[0]
        if path == TIME:
            nanos = milliseconds(self.clock()) * 1_000_000
            return success({"timeSecond": str(nanos // 10**9), "timeNano": str(nanos)})
        return Reply(status=404)


async def _send(request: web.Request, reply: Reply) -> web.StreamResponse:
    transport = request.transport
    assert transport is not None
    if reply.behaviour == "drop":
        transport.close()
    if reply.behaviour == "stall":
        await asyncio.sleep(3)
    if reply.behaviour == "break_off":
        response = web.StreamResponse(headers={"Content-Length": str(len(reply.body))})
        await response.prepare(request)
        await response.write(reply.body[: len(reply.body) // 2])
        transport.close()
        return response
    return web.Response(body=reply.body, status=reply.status, headers=reply.headers)


@asynccontextmanager
async def scripted_bybit() -> AsyncIterator[ScriptedBybit]:
    """A running scripted venue."""
    scripted = ScriptedBybit()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield scripted
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(
    scripted: ScriptedBybit,
    *,
    fake: FakeTime | None = None,
    tries: int = 5,
    sharing: Sharing | None = None,
    categories: Sequence[str] | None = None,
    environment: str = "mainnet",
    stream_limits: StreamLimits | None = None,
) -> AsyncIterator[BybitVenue]:
    """A venue that speaks to the scripted one and waits without waiting."""
    fake = fake or FakeTime()
    venue = connect(
        key=KEY,
        secret=SECRET,
        base_url=scripted.url,
        environment=environment,
        clock=fake.clock,
        sleep=fake.sleep,
        stopwatch=fake.stopwatch,
        sharing=sharing,
        retry=RetrySettings(tries=tries),
        categories=categories,
        stream_limits=stream_limits,
    )
    try:
        yield venue
    finally:
        await venue.close()
