"""A real `sync --follow` or `run` on an exchange that trades, while things go wrong around it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from fillbook.ledger import accounts
from fillbook.ledger._pool import open_pool
from fillbook.ledger.verify import verify
from fillbook.venues.bybit.parse import parse_record
from papervenues.bybit import Settings
from papervenues.bybit.server import wall_clock_ms
from tests.crash.nursery import Child
from tests.crash.rig import Rig
from tests.sync.book import Book, Clock
from tests.sync.trading import order
from tests.sync.truth import booked_executions, booked_positions, true_executions, true_positions

SECONDS_MAX = 90
POLL_SECONDS = 0.05
MINUTE_MS = 60_000
LIVE = "bybit: live"
FOLLOWER = ("sync", "--follow")
SERVICE = ("run",)
LAID = """
SELECT count(*) FROM derived.lines l JOIN facts.executions e USING (account_id, execution_key)
WHERE e.order_id = %s
"""


def until_now() -> Settings:
    """A small history that ends a moment ago, on an exchange that goes on."""
    return Settings(end_ms=wall_clock_ms() // MINUTE_MS * MINUTE_MS, days=2, executions=60)


@dataclass(slots=True)
class Following:
    """A follower in a process of its own, and the orders placed meanwhile."""

    rig: Rig
    url: str  # the database itself
    child: Child
    orders: list[str] = field(default_factory=list)
    sides: int = 0

    async def trade(self) -> str:
        """One fill more; the order's id."""
        side = ("Buy", "Sell")[self.sides % 2]
        self.sides += 1
        told = await order(self.rig.exchange.venue, symbol="BTCUSDT", side=side, qty="0.01")
        assert told["retCode"] == 0, told
        self.orders.append(str(told["result"]["orderId"]))
        return self.orders[-1]

    def times_live(self) -> int:
        """How often it has said that it is live."""
        return self.child.out.read_text().splitlines().count(LIVE)

    async def live(self, times: int = 1) -> float:
        """Wait until it is live for the nth time; how many seconds that took."""
        return await self.until(lambda: self.times_live() >= times, f"live {times} times")

    async def laid(self) -> float:
        """Wait until every order's fills are in the books."""

        def done() -> bool:
            with psycopg.connect(self.url) as conn:
                found = [conn.execute(LAID, [one]).fetchone() for one in self.orders]
            return all(row and row[0] for row in found)

        return await self.until(done, "each fill is laid")

    async def until(self, done: Callable[[], bool], what: str) -> float:
        """Wait until something holds, while the process runs."""
        begun = time.monotonic()
        while time.monotonic() - begun < SECONDS_MAX:
            assert not self.child.code.done(), f"it ended: {self.said()}"
            try:
                if await asyncio.to_thread(done):
                    return time.monotonic() - begun
            except psycopg.OperationalError:  # the server is away
                pass
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"not {what} within {SECONDS_MAX} s: {self.said()}")

    def said(self) -> str:
        """All that it has said."""
        return self.child.out.read_text() + self.child.err.read_text()

    async def end(self) -> None:
        """Ask it to stop; it says so and leaves."""
        self.child.signal(signal.SIGTERM)
        ended = await self.child.ended(seconds_max=15)
        assert ended.code == 0, ended
        assert "Traceback" not in ended.err, ended.err

    async def must_hold_truth(self) -> None:
        """Every fill and every position of the exchange, once, and a book that verifies."""
        async with open_pool(self.url, max_size=2) as pool:
            (account,) = await accounts.all_accounts(pool)
            book = Book(pool, self.rig.exchange.venue, Clock(datetime.now(UTC)), account)
            truth = await book.truth()
            assert await booked_executions(book) == true_executions(truth)
            assert await booked_positions(book) == true_positions(truth)
            verified = await verify(pool, account.account_id, parse_record)
            assert verified.ok, f"verify: {verified}"


@asynccontextmanager
async def following(
    rig: Rig, url: str, *, through: str, words: tuple[str, ...] = FOLLOWER
) -> AsyncIterator[Following]:
    """A follower, or the service, that is live; `through` is the address that it is given."""
    child = await rig.start(*words, url=through)
    one = Following(rig, url, child)
    try:
        await one.live()
        yield one
    finally:
        child.kill()
        await child.ended()
