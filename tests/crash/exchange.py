"""The paper exchange with somebody who sees each question come and each answer go."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from papervenues.bybit import RunningVenue, Settings, history_of, keys_of, live_trading
from papervenues.bybit.server import HOST, WEBSOCKET_PATH, application, bind, wall_clock_ms
from papervenues.bybit.venue import Venue

Seen = Callable[[str, int], bool]  # a point, and for the nth time; true: it is not answered


def nothing(_: str, __: int) -> bool:
    """See nothing."""
    return False


@dataclass(slots=True)
class Exchange:
    """A paper exchange that answers, and is seen."""

    venue: RunningVenue
    seen: Seen = nothing
    hits: Counter[str] = field(default_factory=Counter)

    @property
    def settings(self) -> Settings:
        """What its history is made of."""
        return self.venue.history.settings

    def watch(self, seen: Seen = nothing) -> None:
        """Count from nothing."""
        self.hits.clear()
        self.seen = seen

    def note(self, point: str) -> bool:
        """Count a point; true where it ends the conversation."""
        self.hits[point] += 1
        return self.seen(point, self.hits[point])


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[Exchange]:
    """A paper exchange on loopback."""
    keys = keys_of(settings)
    history = history_of(settings)
    venue = Venue(history, clock=wall_clock_ms)
    venue.keys |= {key.key: key for key in keys}
    sock = bind(0)
    address = f"{HOST}:{sock.getsockname()[1]}"
    one = Exchange(
        RunningVenue(
            url=f"http://{address}",
            ws_url=f"ws://{address}{WEBSOCKET_PATH}",
            keys=keys,
            history=history,
            all_keys=keys,
            venue=venue,
        )
    )
    app = application(venue)

    @web.middleware
    async def see(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path == WEBSOCKET_PATH:
            return await handler(request)
        name = request.path.removeprefix("/v5/")
        page = "page" if "cursor" in request.query else "question"
        if one.note(f"asked {name}") or one.note(f"asked a {page}"):
            raise web.HTTPServiceUnavailable
        answered = await handler(request)
        one.note(f"answered {name}")
        return answered

    app.middlewares.append(see)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        async with live_trading.going_on(venue):
            yield one
    finally:
        await runner.cleanup()
        sock.close()
