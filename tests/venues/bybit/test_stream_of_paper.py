"""The private stream of a paper Bybit tells every execution whose time passes, as the list does."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import aiohttp

from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.raw import RawRecord
from fillbook.venues.bybit import BybitVenue, StreamLimits, connect
from fillbook.venues.bybit.parse import parse_record
from papervenues.bybit.server import running
from papervenues.bybit.virtual_clock import VirtualClock
from tests.venues.bybit.test_walk_wide import wide

STEP_MS = 120_000
STEPS = 150
DAY_MS = 86_400_000
WAIT_SECONDS_MAX = 15
OFTEN = StreamLimits(ping_seconds=0.02, pong_seconds=5)


async def hear(venue: BybitVenue, url: str, into: dict[str, tuple[str, RawRecord]]) -> int:
    """Listen while the venue's clock goes on; the answer is its time at the end."""
    now_ms = 0
    async with aiohttp.ClientSession() as session, venue.stream() as live:

        async def listen() -> None:
            async for one in live:
                if one.stream == "executions.live":
                    into.update((str(row.record_key), (one.scope, row)) for row in one.records)

        listening = asyncio.create_task(listen())
        for _ in range(STEPS):
            step = {"advance_ms": STEP_MS}
            async with session.post(f"{url}/paper/clock", json=step) as moved:
                now_ms = (await moved.json())["now_ms"]
            await asyncio.sleep(0.01)
        async with session.get(f"{url}/paper/truth") as told:
            happened = (await told.json())["executions"]
        due = sum(int(row["execTime"]) > now_ms - STEPS * STEP_MS for row in happened)
        for _ in range(WAIT_SECONDS_MAX * 50):
            if len(into) >= due or listening.done():
                break
            await asyncio.sleep(0.02)
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    assert len(into) == due > 0
    return now_ms


async def test_the_live_line_tells_what_happens() -> None:
    """Each execution once, of every category in play, readable, under the key of the list."""
    made = wide(hedge=False, executions=600)
    told: dict[str, tuple[str, RawRecord]] = {}
    async with running(made, clock=VirtualClock(made.start_ms + 5 * DAY_MS)) as paper:
        venue = connect(
            key=paper.keys[0].key,
            secret=paper.keys[0].secret,
            base_url=paper.url,
            clock=lambda: datetime.now(UTC),
            stream_limits=OFTEN,
        )
        try:
            await hear(venue, paper.url, told)
        finally:
            await venue.close()

    for key, (scope, record) in told.items():
        reading = parse_record("executions.live", scope, record.body)
        assert isinstance(reading, Execution | CashFlow)
        own = reading.execution_key if isinstance(reading, Execution) else reading.cash_key
        assert str(own) == key
    assert len({scope for scope, _ in told.values()}) > 1
