"""The sync that people write first, as a program: each bot for itself, day by day, hour by hour.

For each bot it reads the account's executions in windows of one day, pages of 100 by cursor, and
rests 120 ms after each answer; the hourly sync reads the last two hours, again for each bot. It
keeps what carries the bot's name in its client id. It writes no database: that is left out in its
favour. The job comes on standard input as JSON, what it came to goes to standard output.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from benchmarks.own_memory import peak_mib
from benchmarks.plain_client import EXECUTIONS, PlainClient, Row

BOTS = ("shortseller_001", "lxalgo_001", "momentum_001")
PAUSE_SECONDS = 0.12
WINDOW_DAYS = 1
HOUR_MS = 3_600_000
OVERLAP_HOURS = 2


async def sync(job: dict[str, Any]) -> dict[str, object]:
    """The backfill, then one hourly sync at its end."""
    async with aiohttp.ClientSession() as session:
        client = PlainClient(
            session, job["url"], job["key"], job["secret"], pause_seconds=PAUSE_SECONDS
        )
        backfill = await _timed(client, job["start_ms"], job["end_ms"])
        hourly = await _timed(client, job["end_ms"] - OVERLAP_HOURS * HOUR_MS, job["end_ms"])
    return {"backfill": backfill, "hourly": hourly}


async def _timed(client: PlainClient, start_ms: int, end_ms: int) -> dict[str, object]:
    before, started = client.requests, time.perf_counter()
    received = 0
    found: set[str] = set()
    attributed: set[str] = set()
    for bot in BOTS:
        async for rows in client.walk(EXECUTIONS, start_ms, end_ms, days=WINDOW_DAYS):
            received += len(rows)
            found.update(_ids(rows))
            attributed.update(_ids([row for row in rows if bot in row["orderLinkId"]]))
    return {
        "requests": client.requests - before,
        "seconds": time.perf_counter() - started,
        "rows_received": received,
        "attributed": len(attributed),
        "ids": sorted(found),
    }


def _ids(rows: Sequence[Row]) -> list[str]:
    return [row["execId"] for row in rows]


if __name__ == "__main__":
    came_to = asyncio.run(sync(json.load(sys.stdin)))
    print(json.dumps(came_to | {"peak_mib": peak_mib()}))
