"""A plain client of a Bybit's histories: windows from the oldest to the newest, pages by cursor.

It knows nothing of Fillbook. A benchmark uses it to count the requests that a history needs, and to
read an account as a program without a ledger would.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

DAY_MS = 86_400_000
WEEK_DAYS = 7
MONTH_DAYS = 30
RECEIVE_WINDOW_MS = "5000"
CURSOR_NAME = "nextPageCursor"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A history of the venue: where it is, its longest window, its largest page."""

    path: str
    words: str
    rows_max: int
    days_max: int = WEEK_DAYS
    list_name: str = "list"


EXECUTIONS = Endpoint("/v5/execution/list", "category=linear", 100)
CATEGORIES = ("linear", "inverse", "spot", "option")
OPTION_COINS = ("BTC", "ETH", "SOL", "XRP", "MNT", "DOGE")
# All that a pass over every stream reads. Options are listed for one base coin at a time.
HISTORIES = (
    *(Endpoint("/v5/order/history", f"category={one}", 50) for one in CATEGORIES),
    *(Endpoint("/v5/execution/list", f"category={one}", 100) for one in CATEGORIES[:3]),
    *(Endpoint("/v5/execution/list", f"baseCoin={one}&category=option", 100)
      for one in OPTION_COINS),
    Endpoint("/v5/account/transaction-log", "accountType=UNIFIED", 50),
    *(Endpoint("/v5/position/closed-pnl", f"category={one}", 100) for one in CATEGORIES[:2]),
    Endpoint("/v5/asset/transfer/query-inter-transfer-list", "", 50),
    Endpoint("/v5/asset/deposit/query-record", "", 50, MONTH_DAYS, "rows"),
    Endpoint("/v5/asset/deposit/query-internal-record", "", 50, MONTH_DAYS, "rows"),
    Endpoint("/v5/asset/withdraw/query-record", "withdrawType=2", 50, MONTH_DAYS, "rows"),
)  # fmt: skip


@dataclass(slots=True)
class PlainClient:
    """Asks with one key, and counts; it rests after each answer for as long as it is told."""

    session: aiohttp.ClientSession
    url: str
    key: str
    secret: str
    pause_seconds: float = 0.0
    requests: int = 0
    requests_of: dict[str, int] = field(default_factory=dict)

    async def walk(
        self, endpoint: Endpoint, start_ms: int, end_ms: int, *, days: int
    ) -> AsyncIterator[list[Row]]:
        """The pages of an interval, in windows of so many days."""
        at = start_ms
        while at < end_ms:
            until = min(at + days * DAY_MS, end_ms)
            async for rows in self.window(endpoint, at, until):
                yield rows
            at = until

    async def window(
        self, endpoint: Endpoint, start_ms: int, end_ms: int
    ) -> AsyncIterator[list[Row]]:
        """The pages of one window, to the end that the venue tells."""
        cursor = ""
        while True:
            words = [endpoint.words] if endpoint.words else []
            words += [f"startTime={start_ms}", f"endTime={end_ms}", f"limit={endpoint.rows_max}"]
            # The venue's cursor is percent-encoded already, and goes back as it came.
            words += [f"cursor={cursor}"] if cursor else []
            result = await self._ask(endpoint.path, "&".join(words))
            rows = result[endpoint.list_name]
            if rows:
                yield rows
            cursor = result[CURSOR_NAME]
            if not rows or not cursor:
                return

    async def _ask(self, path: str, query: str) -> Row:
        stamp = str(time.time_ns() // 1_000_000)
        text = stamp + self.key + RECEIVE_WINDOW_MS + query
        headers = {
            "X-BAPI-API-KEY": self.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": RECEIVE_WINDOW_MS,
            "X-BAPI-SIGN": self._signed(text),
        }
        self.requests += 1
        self.requests_of[path] = self.requests_of.get(path, 0) + 1
        url = URL(f"{self.url}{path}?{query}", encoded=True)
        async with self.session.get(url, headers=headers) as answer:
            said: Row = await answer.json()
        assert said["retCode"] == 0, said
        await asyncio.sleep(self.pause_seconds)
        result: Row = said["result"]
        return result

    def _signed(self, text: str) -> str:
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
