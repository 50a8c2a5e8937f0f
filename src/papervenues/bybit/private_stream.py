"""`/v5/private`: the private WebSocket stream.

`serve` keeps one connection until the client or the server ends it. What is said on it comes
from the `StreamHub` of the venue.
"""

import asyncio

from aiohttp import WSMsgType, web

from papervenues.bybit import live_trading
from papervenues.bybit.stream_session import Session, silence_asked
from papervenues.bybit.venue import Venue

MESSAGE_BYTES_MAX = 65_536


async def serve(request: web.Request, venue: Venue) -> web.WebSocketResponse:
    """Speak with one client."""
    hub = live_trading.of(venue).hub
    socket = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES_MAX, autoping=True)
    await socket.prepare(request)
    session = Session(socket, venue=venue, luck=hub.luck, name=hub.name_of_next())
    if isinstance(request.transport, asyncio.WriteTransport):
        session.transport = request.transport
    session.silence_ms = silence_asked(request.query)
    session.accounts_seen = hub.accounts_seen
    hub.sessions.add(session)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await session.take(message.data)
    finally:
        hub.sessions.discard(session)
        session.end()
    return socket
