"""A private stream on loopback that says what a test tells it to, and keeps what it was told."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.venues.scripted_bybit import KEY, SECRET, TIME, ScriptedBybit

Line = web.WebSocketResponse
Act = Callable[[Line], Awaitable[None]]


async def _nothing(_: Line) -> None:
    """Say nothing further."""


@dataclass(slots=True)
class ScriptedStream:
    """Answers proofs, subscriptions and pings; what it does once subscribed is handed in."""

    url: str = ""
    then: Act = _nothing
    before_the_word: Act = _nothing
    answers_auth: bool = True
    answers_subscribe: bool = True
    answers_pings: bool = True
    refuses_with: int = 0
    said: list[dict[str, object]] = field(default_factory=list)
    lines: int = 0
    good_proofs: int = 0
    rest: ScriptedBybit = field(default_factory=ScriptedBybit)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One line, or a question about the time."""
        if request.path == TIME:
            return await self.rest.handle(request)
        if self.refuses_with:
            return web.Response(status=self.refuses_with)
        line = web.WebSocketResponse()
        await line.prepare(request)
        self.lines += 1
        async for message in line:
            if message.type is WSMsgType.TEXT:
                await self._answer(line, json.loads(message.data))
        return line

    async def _answer(self, line: Line, said: dict[str, object]) -> None:
        self.said.append(said)
        if said["op"] == "auth" and self.answers_auth:
            good = self._is_good(said["args"])
            self.good_proofs += good
            await _say(line, {"success": good, "ret_msg": "", "op": "auth", "conn_id": "1"})
            if not good:
                await line.close()
        if said["op"] == "subscribe":
            await self.before_the_word(line)
            if self.answers_subscribe:
                answer = {"success": True, "ret_msg": "", "op": "subscribe"}
                await _say(line, answer | {"req_id": said["req_id"]})
                await self.then(line)
        if said["op"] == "ping" and self.answers_pings:
            await _say(line, {"op": "pong", "args": ["1"], "conn_id": "1"})

    def _is_good(self, proof: object) -> bool:
        assert isinstance(proof, list)
        key, expires, signature = proof
        text = f"GET/realtime{expires}"
        good = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        return bool(key == KEY and isinstance(expires, int) and signature == good)


def saying(*messages: object) -> Act:
    """Say these, each as JSON unless it is text already."""

    async def act(line: Line) -> None:
        for message in messages:
            await _say(line, message)

    return act


def then_close(*messages: object) -> Act:
    """Say these and close the line."""

    async def act(line: Line) -> None:
        await saying(*messages)(line)
        await line.close()

    return act


def on(topic: str, *rows: object) -> dict[str, object]:
    """A message of a topic."""
    return {"id": "1", "topic": topic, "creationTime": 1_760_000_000_123, "data": list(rows)}


async def _say(line: Line, message: object) -> None:
    await line.send_str(message if isinstance(message, str) else json.dumps(message))


@asynccontextmanager
async def scripted_stream() -> AsyncIterator[ScriptedStream]:
    """A running scripted stream."""
    scripted = ScriptedStream()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        scripted.rest.url = scripted.url
        yield scripted
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
