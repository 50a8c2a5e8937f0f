"""A signed client of the paper Bybit, as plain as can be, for these tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from papervenues.bybit import ApiKey, RunningVenue, Settings, history_of, running
from papervenues.bybit.auth import sign
from papervenues.bybit.server import wall_clock_ms
from papervenues.bybit.venue import Clock
from papervenues.faults import FaultPlan, parse_fault

DAY_MS = 86_400_000
END_MS = 1_763_000_040_000
# Read once, so that no test runs over midnight.
RECENT_MS = wall_clock_ms() // DAY_MS * DAY_MS
WINDOW = "5000"
Row = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Row:
        decoded: Row = msgspec.json.decode(self.body)
        return decoded

    @property
    def code(self) -> int:
        return int(self.json()["retCode"])

    @property
    def rows(self) -> list[Row]:
        rows: list[Row] = self.json()["result"]["list"]
        return rows

    @property
    def cursor(self) -> str:
        return str(self.json()["result"]["nextPageCursor"])


@dataclass
class Client:
    """Asks one venue with one key; a query is sent and signed exactly as it is given."""

    venue: RunningVenue
    session: aiohttp.ClientSession
    key: ApiKey
    clock: Clock = field(default=wall_clock_ms)

    async def get(self, path: str, query: str = "", **headers: str) -> Reply:
        stamp = str(self.clock())
        signed = {
            "X-BAPI-API-KEY": self.key.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": WINDOW,
            "X-BAPI-SIGN": sign(secret=self.key.secret, text=stamp + self.key.key + WINDOW + query),
        }
        sent = {name: text for name, text in (signed | headers).items() if text}
        return await self._ask(path, query, sent)

    async def executions(self, query: str) -> Reply:
        return await self.get("/v5/execution/list", query)

    async def walk(self, *, start: int, end: int, extra: str = "&limit=100") -> list[Reply]:
        """All pages of one window, each of which must be good."""
        replies: list[Reply] = []
        cursor = ""
        while True:
            query = f"category=linear&startTime={start}&endTime={end}{extra}"
            reply = await self.executions(query + (f"&cursor={cursor}" if cursor else ""))
            assert reply.code == 0, reply.body
            replies.append(reply)
            cursor = reply.cursor
            if not (reply.rows and cursor):
                return replies

    async def everything(self) -> list[Row]:
        """All rows of the history, window by window, as they came."""
        settings = self.venue.history.settings
        rows: list[Row] = []
        start = settings.start_ms
        while start < settings.end_ms:
            end = min(start + 7 * DAY_MS, settings.end_ms)
            rows += [row for page in await self.walk(start=start, end=end) for row in page.rows]
            start = end
        return rows

    async def truth(self) -> Row:
        return (await self._ask("/paper/truth", "", {})).json()

    async def _ask(self, path: str, query: str, headers: dict[str, str]) -> Reply:
        url = URL(f"{self.venue.url}{path}" + (f"?{query}" if query else ""), encoded=True)
        async with self.session.get(url, headers=headers) as response:
            body = await response.read()
            return Reply(response.status, dict(response.headers), body)


def settings(
    *faults: str,
    executions: int = 800,
    days: int = 12,
    **more: Any,  # noqa: ANN401 - each input of a history has a type of its own
) -> Settings:
    """A small history that ends at the last midnight, in the past of the real server time."""
    plan = FaultPlan(tuple(parse_fault(text) for text in faults))
    return Settings(end_ms=RECENT_MS, executions=executions, days=days, faults=plan, **more)


history_made = lru_cache(maxsize=None)(history_of)


@asynccontextmanager
async def client_of(wanted: Settings, *, clock: Clock = wall_clock_ms) -> AsyncIterator[Client]:
    """A running venue and a client with its first read-only key."""
    history = history_made(wanted)
    async with (
        running(wanted, history=history, clock=clock) as venue,
        aiohttp.ClientSession() as session,
    ):
        yield Client(venue, session, venue.keys[0], clock)
