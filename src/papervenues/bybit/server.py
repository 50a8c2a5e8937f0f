"""The paper Bybit on a loopback socket."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from papervenues.bybit import live_trading, private_stream, wire
from papervenues.bybit.book_truth import book_parts
from papervenues.bybit.keys import further_keys_of
from papervenues.bybit.operator_routes import operator_routes
from papervenues.bybit.pipeline import Incoming, Pipeline
from papervenues.bybit.settings import ApiKey, Settings, keys_of
from papervenues.bybit.venue import Clock, PaperHistory, Venue, history_of

HOST = "127.0.0.1"
BACKLOG = 256
SHUTDOWN_SECONDS = 1.0
TRUTH_PATH = "/paper/truth"
WEBSOCKET_PATH = "/v5/private"
BODY_BYTES_MAX = 1 << 20


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
    all_keys: tuple[ApiKey, ...]
    venue: Venue


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
    all_keys = (*keys_of(settings), *further_keys_of(settings))
    venue = Venue(history, clock=clock)
    venue.keys |= {key.key: key for key in all_keys}
    runner = web.AppRunner(application(venue), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        address = f"{HOST}:{sock.getsockname()[1]}"
        async with live_trading.going_on(venue):
            yield RunningVenue(
                url=f"http://{address}",
                ws_url=f"ws://{address}{WEBSOCKET_PATH}",
                keys=keys_of(settings),
                history=history,
                all_keys=all_keys,
                venue=venue,
            )
    finally:
        await runner.cleanup()
        sock.close()


def application(venue: Venue) -> web.Application:
    """The web application; one handler, since even an unknown path has the venue's shape."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    handler = _Handler(venue)
    app.router.add_get(TRUTH_PATH, handler.truth)
    app.router.add_routes(operator_routes(venue))
    app.router.add_route("*", "/{path:.*}", handler.answer)
    return app


class _Handler:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._pipeline = Pipeline(venue)

    async def truth(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        for chunk in self._venue.truth(more=book_parts(self._venue)):
            await response.write(chunk)
            # A fast reader never makes `write` wait, but others want to be served too.
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def answer(self, request: web.Request) -> web.StreamResponse:
        # The raw path, since the signature covers the query as it came.
        path, _, raw_query = request.raw_path.partition("?")
        if path == WEBSOCKET_PATH and "Upgrade" in request.headers:
            return await private_stream.serve(request, self._venue)
        live_trading.catch_up(self._venue, now_ms=self._venue.clock())
        incoming = Incoming(
            method=request.method,
            path=path,
            raw_query=raw_query,
            body=await request.read() if request.can_read_body else b"",
            headers=request.headers,
            address=request.remote or HOST,
        )
        outgoing = self._pipeline.answer(incoming)
        return await wire.send(
            request, outgoing.answer, strikes=outgoing.strikes, salt=outgoing.salt
        )
