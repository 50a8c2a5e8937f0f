"""One thin WebSocket for every venue: text in, text out, and nothing else.

A line that closes, breaks or says what is no text raises `VenueUnavailable` with one sentence,
which names the host and nothing that was sent. Nobody reconnects here: whoever listens must first
read what was missed.
"""

import asyncio
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from fillbook.errors import VenueError, VenueUnavailable
from fillbook.venues._breaks import sentence_of
from fillbook.venues._transport import BODY_BYTES_MAX

CLOSE_SECONDS_MAX = 3.0
OPEN_SECONDS_MAX = 15.0
REFUSED = 403


class Socket:
    """An open line."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse, host: str) -> None:
        self._line = line
        self.host = host

    async def send(self, text: str) -> None:
        """Say something."""
        try:
            await self._line.send_str(text)
        except (aiohttp.ClientError, OSError, RuntimeError):
            raise self.broken("the connection was dropped") from None

    async def receive(self, seconds: float) -> str | None:
        """What is said next; None when nothing is for so long."""
        try:
            message = await self._line.receive(timeout=seconds)
        except TimeoutError:
            return None
        except (aiohttp.ClientError, OSError, RuntimeError):
            raise self.broken("the connection was dropped") from None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            raise self.broken("it said what is no text")
        raise self.broken("the line was closed")

    async def close(self) -> None:
        """Close the line, without waiting long for the other end."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._line.close()
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError):
            return

    def broken(self, how: str) -> VenueUnavailable:
        """The error that ends this line."""
        return VenueUnavailable(f"{self.host}: {how}; connect again and read what was missed")


async def open_socket(session: aiohttp.ClientSession, url: str) -> Socket:
    """Open a line. HTTP 403 is told apart by its code: it blocks an address."""
    host = urlsplit(url).netloc
    failure = "no connection"
    try:
        async with asyncio.timeout(OPEN_SECONDS_MAX):
            line = await session.ws_connect(
                URL(url, encoded=True), max_msg_size=BODY_BYTES_MAX, autoping=True
            )
            return Socket(line, host)
    except aiohttp.WSServerHandshakeError as error:
        if error.status == REFUSED:
            raise VenueError(f"{host} has blocked this address", code=REFUSED) from None
        failure = f"the line was refused (HTTP {error.status})"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        failure = sentence_of(error)
    # Raised outside of the handler, so that no chained error carries the address along.
    raise VenueUnavailable(f"{host}: {failure}; try again later")
