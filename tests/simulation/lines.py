"""The private stream without sockets: two queues between the paper exchange and the client.

The exchange's own session speaks on one end, as it does over a real socket; the product's own
stream module listens on the other.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from fillbook.errors import VenueUnavailable
from papervenues.bybit import live_trading
from papervenues.bybit.stream_session import Session, silence_asked

if TYPE_CHECKING:
    from tests.simulation.exchange import Exchange
    from tests.simulation.workers import Worker

WAITING_MAX = 20_000


class _ExchangesEnd:
    """What the exchange's session takes for its socket and its transport."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str | None] = asyncio.Queue(WAITING_MAX)
        self.is_open = True
        self.was_dropped = False

    async def send_str(self, text: str) -> None:
        if not self.is_open:
            raise ConnectionResetError
        self.told.put_nowait(text)

    async def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.told.put_nowait(None)

    def abort(self) -> None:
        """Break off without a farewell."""
        if self.is_open:
            self.is_open, self.was_dropped = False, True
            self.told.put_nowait(None)


@dataclass(slots=True, eq=False)
class VirtualLine:
    """The client's end of a line."""

    host: str
    worker: "Worker"
    session: Session
    _end: _ExchangesEnd
    _exchange: "Exchange"
    _asked: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    _task: "asyncio.Task[None] | None" = None

    @classmethod
    def opened(
        cls, exchange: "Exchange", worker: "Worker", url: str, *, host: str
    ) -> "VirtualLine":
        """A line that the exchange has taken."""
        venue, hub, end = exchange.venue, live_trading.of(exchange.venue).hub, _ExchangesEnd()
        session = Session(cast("Any", end), venue=venue, luck=hub.luck, name=hub.name_of_next())
        session.transport = cast("Any", end)
        query: Mapping[str, str] = dict(parse_qsl(urlsplit(url).query))
        session.silence_ms = silence_asked(query)
        session.accounts_seen = hub.accounts_seen
        hub.sessions.add(session)
        line = cls(host, worker, session, end, exchange)
        line._task = exchange.begin(line._serve())
        return line

    async def send(self, text: str) -> None:
        """Say something."""
        await self.worker.reach("before message said")
        if not self._end.is_open:
            raise self.broken("the connection was dropped")
        self._asked.put_nowait(text)

    async def receive(self, seconds: float) -> str | None:
        """What is said next; None when nothing is for so long."""
        await self.worker.awake()
        try:
            async with asyncio.timeout(seconds):
                text = await self._end.told.get()
        except TimeoutError:
            return None
        await self.worker.reach("after message heard")
        if text is None:
            self._end.told.put_nowait(None)  # whoever listens on is told so again
            raise self.broken("the line was closed")
        self.worker.world.trace.note("heard", self.worker.name, len(text))
        return text

    async def close(self) -> None:
        """Close the line."""
        await self._end.close()
        if self._task is not None:
            self._task.cancel()

    def broken(self, how: str) -> VenueUnavailable:
        """The error that ends this line."""
        return VenueUnavailable(f"{self.host}: {how}; connect again and read what was missed")

    async def _serve(self) -> None:
        """The exchange's side, until it is cancelled."""
        hub = live_trading.of(self._exchange.venue).hub
        try:
            while self._end.is_open:
                await self.session.take(await self._asked.get())
        finally:
            hub.sessions.discard(self.session)
            self.session.end()
