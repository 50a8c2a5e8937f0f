"""Trading goes on while the venue is asked and history is read: no difference that is none."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import accounts
from fillbook.ledger._pool import open_pool
from fillbook.sync.engine import Engine
from fillbook.sync.reconcile import Reconciled, compare, observe
from fillbook.venues.bybit import connect
from papervenues.bybit import running
from papervenues.bybit.server import wall_clock_ms
from tests.sync.book import Book, Clock, paper
from tests.sync.trading import order

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
QTY = {"BTCUSDT": "0.01", "ETHUSDT": "0.1", "SOLUSDT": "1"}
ROUNDS = 8
MANY_ROUNDS = 100


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def trading(url: str) -> AsyncIterator[tuple[Book, Engine, Window]]:
    """A history that ends now, and an exchange that goes on."""
    settings = replace(paper(executions=150, days=2), end_ms=wall_clock_ms() // 60_000 * 60_000)
    async with running(settings) as venue, open_pool(url, max_size=4) as pool:
        account = await accounts.find_or_add(
            pool, name="live", venue="bybit", environment="paper",
            venue_user_id=str(settings.user_id(0)), now=_now(),
        )  # fmt: skip
        key = venue.keys[0]
        bybit = connect(key=key.key, secret=key.secret, clock=_now, base_url=venue.url)
        engine = Engine(pool=pool, venue=bybit, account=account, clock=_now)
        start = from_milliseconds(settings.start_ms) - timedelta(hours=1)
        try:
            yield Book(pool, venue, Clock(), account), engine, Window(start, _now())
        finally:
            await bybit.close()


async def _trades(book: Book, draws: random.Random, count: int) -> None:
    """Some orders, a few milliseconds apart."""
    for _ in range(count):
        symbol = draws.choice(SYMBOLS)
        told = await order(
            book.paper, symbol=symbol, side=draws.choice(("Buy", "Sell")), qty=QTY[symbol]
        )
        assert told["retCode"] == 0, told
        await asyncio.sleep(draws.random() / 50)


async def _round(book: Book, engine: Engine, start: datetime, seed: int) -> Reconciled:
    """Trades before, during and after each question, wherever they fall."""
    draws = random.Random(seed)
    before = asyncio.create_task(_trades(book, draws, draws.randint(1, 6)))
    await asyncio.sleep(draws.random() / 20)
    observed = await observe(engine)
    between = asyncio.create_task(_trades(book, draws, draws.randint(0, 4)))
    await asyncio.sleep(draws.random() / 20)
    await engine.sync("manual", Window(start, _now() + timedelta(hours=1)))
    came_to = await compare(engine, observed)
    await asyncio.gather(before, between)
    return came_to


@pytest.mark.parametrize(
    "rounds",
    [ROUNDS, pytest.param(MANY_ROUNDS, marks=(pytest.mark.slow, pytest.mark.timeout(900)))],
)
async def test_fills_in_flight_are_no_break(database_url: str, rounds: int) -> None:
    """Each position and wallet agrees or is put off; no break is ever opened."""
    async with trading(database_url) as (book, engine, window):
        await engine.sync("manual", window)
        came_to = [await _round(book, engine, window.starts_at, seed) for seed in range(rounds)]
        last = await _quiet(engine, window.starts_at)

        assert [str(one.subject) for found in came_to for one in found.opened] == []
        assert all(found.compared > 0 for found in came_to)
        assert last.open == ()
        assert [one for one in last.deferred if one.subject.way in ("position", "cash")] == []


async def _quiet(engine: Engine, start: datetime) -> Reconciled:
    """Once nothing is in flight, everything that is held and owned is compared and agrees."""
    await asyncio.sleep(5.5)
    observed = await observe(engine)
    await engine.sync("manual", Window(start, _now() + timedelta(hours=1)))
    return await compare(engine, observed)
