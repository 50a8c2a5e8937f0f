"""A paper Bybit whose faults change what is served only, beside one history that is made once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp

from papervenues.bybit import Settings, running
from papervenues.bybit.server import wall_clock_ms
from papervenues.bybit.venue import Clock
from tests.papervenues.paper_client import Client, history_made, settings


@asynccontextmanager
async def faulty(wanted: Settings, *, clock: Clock = wall_clock_ms) -> AsyncIterator[Client]:
    """A running venue with these faults and switches, and a client of it."""
    sound = history_made(settings())
    history = replace(sound, settings=wanted)
    async with (
        running(wanted, history=history, clock=clock) as venue,
        aiohttp.ClientSession() as session,
    ):
        yield Client(venue, session, venue.keys[0], clock)
