"""Where the balances of the account log do not add up: what both lists leave out is noticed here.

Each line of the log says by how much a balance changed and what it was afterwards, so a line that
is missing leaves a break between its neighbours. Breaks are derived state: brought up to date in
the transaction that proves a window of the log, for that window and its neighbours.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from fillbook.accounting.cash_chain import Break, Step, breaks
from fillbook.domain.window import Window
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries

SQL = queries("chain_breaks.sql")

WITNESS = "account_log"
CHUNK = timedelta(days=7)  # laid at once, whatever the history's length


@dataclass(frozen=True, slots=True)
class Coin:
    """The breaks of one coin in and around a window."""

    currency: str
    last_at: datetime
    breaks: tuple[Break, ...]

    def rows(self, window: Window) -> Iterator[dict[str, object]]:
        """Those that end in the window, or at the first line after it."""
        for one in self.breaks:
            if one.at >= window.starts_at:
                yield {
                    "currency": self.currency,
                    "at": one.at,
                    "after_at": one.after,
                    "expected": one.expected,
                    "told": one.told,
                }


async def note(conn: Connection, account_id: int, window: Window) -> None:
    """Bring the breaks in and around a window up to date."""
    for stretch in await _stretches(conn, account_id):
        if stretch.starts_at <= window.starts_at < stretch.ends_at:
            coins = await _coins(conn, account_id, stretch, window)
            await _drop(conn, account_id, window, coins)
            await _put(conn, account_id, window, coins)


async def lay_all(conn: Connection, account_id: int) -> None:
    """Lay the breaks of an account that has none yet."""
    async for window, coins in _everything(conn, account_id):
        await _put(conn, account_id, window, coins)


async def differ(conn: Connection, account_id: int) -> bool:
    """Whether the breaks that are kept are not those that facts make."""
    found = {
        tuple(row.values())
        async for window, coins in _everything(conn, account_id)
        for coin in coins
        for row in coin.rows(window)
    }
    kept = await (await conn.execute(SQL["all_breaks"], {"account_id": account_id})).fetchall()
    return found != set(kept)


async def _everything(
    conn: Connection, account_id: int
) -> AsyncIterator[tuple[Window, list[Coin]]]:
    for stretch in await _stretches(conn, account_id):
        at = stretch.starts_at
        while at < stretch.ends_at:
            window = Window(at, min(at + CHUNK, stretch.ends_at))
            yield window, await _coins(conn, account_id, stretch, window)
            at = window.ends_at


async def _stretches(conn: Connection, account_id: int) -> list[Window]:
    found = await conn.execute(SQL["stretches"], {"account_id": account_id})
    return [Window(*row) for row in await found.fetchall()]


async def _coins(conn: Connection, account_id: int, stretch: Window, window: Window) -> list[Coin]:
    words = {
        "account_id": account_id,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "since": stretch.starts_at,
        "until": stretch.ends_at,
    }
    found = await (await conn.execute(SQL["lines_around"], words)).fetchall()
    return [
        Coin(currency, last_at, tuple(breaks(Step(*row[2:]) for row in rows)))
        for (currency, last_at), rows in groupby(found, key=itemgetter(0, 1))
    ]


async def _drop(conn: Connection, account_id: int, window: Window, coins: Iterable[Coin]) -> None:
    await conn.execute(
        SQL["drop_breaks"],
        {
            "account_id": account_id,
            "starts_at": window.starts_at,
            "currencies": [coin.currency for coin in coins],
            "last": [coin.last_at for coin in coins],
        },
    )


async def _put(conn: Connection, account_id: int, window: Window, coins: Iterable[Coin]) -> None:
    for coin in coins:
        for row in coin.rows(window):
            await conn.execute(SQL["put_break"], {"account_id": account_id, **row})
