"""Runs a third-party client in its own environment against a paper venue in this process."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from papervenues.bybit import RunningVenue, Settings, running

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "artifacts" / "clients" / "bin" / "python"
SECONDS_MAX = 60
MINUTE_MS = 60_000
DAY_MS = 86_400_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Session:
    """What a client saw, by name, and what truly happened."""

    seen: dict[str, Any]
    truth: Row
    venue: RunningVenue

    def true_executions(self, *, start: int, end: int, category: str = "linear") -> set[str]:
        """The ids of what happened in a window, both bounds included."""
        return {
            row["execId"]
            for row in self.truth["executions"]
            if start <= int(row["execTime"]) <= end and row["category"] == category
        }


@asynccontextmanager
async def session_of(program: str) -> AsyncIterator[Session]:
    """Serve a small history that ends now, and let a program have its session with it."""
    assert PYTHON.exists(), (
        "the third-party clients are not installed: run `sh scripts/clients` first"
    )
    end = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    # One bot, which does not trade LINK: what these sessions hold of it is their own.
    settings = Settings(end_ms=end, executions=600, days=10, bots=1)
    async with running(settings) as venue:
        seen = await _seen(program, venue, start=end - 6 * DAY_MS, end=end)
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{venue.url}/paper/truth") as response,
        ):
            truth: Row = json.loads(await response.read())
        yield Session(seen, truth, venue)


async def _seen(program: str, venue: RunningVenue, *, start: int, end: int) -> dict[str, Any]:
    key = venue.keys[1]
    process = await asyncio.create_subprocess_exec(
        str(PYTHON), "-I", str(Path(__file__).with_name(program)), venue.url, venue.ws_url,
        key.key, key.secret, str(start), str(end),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS_MAX):
            out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()[-3000:]
    lines = (json.loads(line) for line in out.decode().splitlines())
    return {"start": start, "end": end} | {line["name"]: line["seen"] for line in lines}
