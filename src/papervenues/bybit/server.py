"""The paper Bybit on a loopback socket."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from papervenues.bybit import misbehaviour
from papervenues.bybit.auth import authenticate
from papervenues.bybit.envelope import (
    NO_ROUTE,
    TOO_MANY,
    Answer,
    RefusalError,
    refusal,
    success,
)
from papervenues.bybit.limiter import Allowance
from papervenues.bybit.query import parse_query
from papervenues.bybit.settings import ApiKey, Settings, keys_of
from papervenues.bybit.venue import Clock, PaperHistory, Venue, history_of

HOST = "127.0.0.1"
BACKLOG = 256
SHUTDOWN_SECONDS = 1.0
EXECUTIONS_PATH = "/v5/execution/list"
TRUTH_PATH = "/paper/truth"
WEBSOCKET_PATH = "/v5/private"
PUBLIC_PATHS = frozenset({"/v5/market/time", "/v5/market/tickers", "/v5/market/instruments-info"})
PRIVATE_PATHS = frozenset(
    {
        EXECUTIONS_PATH,
        "/v5/user/query-api",
        "/v5/account/info",
        "/v5/position/list",
        "/v5/asset/coin/query-info",
    }
)


def wall_clock_ms() -> int:
    """The time of this machine in Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class RunningVenue:
    """A paper Bybit that answers."""

    url: str
    ws_url: str
    keys: tuple[ApiKey, ...]
    history: PaperHistory


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes any free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    port: int = 0,
    listener: socket.socket | None = None,
    history: PaperHistory | None = None,
    clock: Clock = wall_clock_ms,
) -> AsyncIterator[RunningVenue]:
    """Serve a history (made from the settings, unless it is given) until the block ends."""
    history = history_of(settings) if history is None else history
    sock = bind(port) if listener is None else listener
    runner = web.AppRunner(
        application(Venue(history, clock=clock)),
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        address = f"{HOST}:{sock.getsockname()[1]}"
        yield RunningVenue(
            url=f"http://{address}",
            ws_url=f"ws://{address}{WEBSOCKET_PATH}",
            keys=keys_of(settings),
            history=history,
        )
    finally:
        await runner.cleanup()
        sock.close()


def application(venue: Venue) -> web.Application:
    """The web application; one handler, since even an unknown path has the venue's shape."""
    app = web.Application()
    handler = _Handler(venue)
    app.router.add_get(TRUTH_PATH, handler.truth)
    app.router.add_route("*", "/{path:.*}", handler.answer)
    return app


class _Handler:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def truth(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        for chunk in self._venue.truth():
            await response.write(chunk)
            # A fast reader never makes `write` wait, but others want to be served too.
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def answer(self, request: web.Request) -> web.StreamResponse:
        now_ms = self._venue.clock()
        # The raw path, since the signature covers the query as it came.
        path, _, raw_query = request.raw_path.partition("?")
        strikes: frozenset[str] = frozenset()
        try:
            if request.method == "GET" and path in PUBLIC_PATHS:
                result = self._venue.public(path, parse_query(raw_query), now_ms=now_ms)
                answer = Answer(success(result or b"{}", now_ms=now_ms))
            elif request.method == "GET" and path in PRIVATE_PATHS:
                answer, strikes = self._private(request, path, raw_query, now_ms=now_ms)
            else:
                body = refusal(NO_ROUTE, "Route not found.", now_ms=now_ms)
                answer = Answer(body, status=404)
        except RefusalError as error:
            answer = Answer(refusal(error.code, error.text, now_ms=now_ms))
        return await self._send(request, answer, strikes=strikes)

    def _private(
        self, request: web.Request, path: str, raw_query: str, *, now_ms: int
    ) -> tuple[Answer, frozenset[str]]:
        key = authenticate(
            self._venue.keys, request.headers, payload=raw_query, now_ms=now_ms, trading=False
        )
        allowance = self._venue.limiter.ask(key.key, path, now_ms=now_ms)
        strikes: frozenset[str] = frozenset()
        if not allowance.granted:
            body = refusal(TOO_MANY, misbehaviour.TOO_MANY_TEXT, now_ms=now_ms)
            return _with_headers(Answer(body), allowance), strikes
        try:
            if path == EXECUTIONS_PATH:
                answer, strikes = self._executions(key, raw_query, now_ms=now_ms)
            else:
                query = parse_query(raw_query)
                result = self._venue.private(path, query, key=key, now_ms=now_ms)
                answer = Answer(success(result or b"{}", now_ms=now_ms))
        except RefusalError as error:
            answer = Answer(refusal(error.code, error.text, now_ms=now_ms))
        return _with_headers(answer, allowance), strikes

    def _executions(
        self, key: ApiKey, raw_query: str, *, now_ms: int
    ) -> tuple[Answer, frozenset[str]]:
        pages = self._venue.pages[key.account]
        ask = pages.understand(parse_query(raw_query), now_ms=now_ms)
        strikes = self._venue.luck.strikes(
            f"{key.account}?{raw_query}",
            symbol=ask.symbol,
            start_ms=ask.start_ms,
            end_ms=ask.end_ms,
        )
        wrong = misbehaviour.instead(strikes, now_ms=now_ms, has_cursor=bool(ask.cursor))
        if wrong is not None:
            return wrong, strikes
        result = pages.page(
            ask, duplicate="duplicate_rows" in strikes, loop="cursor_loop" in strikes
        )
        answer = Answer(success(result, now_ms=now_ms))
        if "truncated_json" in strikes:
            answer = misbehaviour.cut_off(answer, seed=self._venue.settings.seed)
        return answer, strikes

    async def _send(
        self, request: web.Request, answer: Answer, *, strikes: frozenset[str]
    ) -> web.StreamResponse:
        if "dropped_socket" in strikes:
            return await misbehaviour.drop(request, answer, seed=self._venue.settings.seed)
        if "slow_body" in strikes:
            return await misbehaviour.send_slowly(request, answer)
        return web.Response(
            body=answer.body,
            status=answer.status,
            content_type=answer.content_type,
            headers=answer.headers,
        )


def _with_headers(answer: Answer, allowance: Allowance) -> Answer:
    # A fault's own headers win over what the limit says.
    headers = allowance.headers() | answer.headers
    return Answer(answer.body, answer.status, answer.content_type, headers)
