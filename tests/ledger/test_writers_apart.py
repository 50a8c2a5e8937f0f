"""Writers that know nothing of each other: two processes on one account, two accounts, one venue.

Writers of one process queue before they take a connection. Two pools stand for two processes here:
between them there is nothing but the database.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from fillbook.domain.window import Window
from fillbook.ledger._pool import open_pool
from tests.ledger.handed_in import END, Hand, Row, hand, paper_rows

DAYS = 4
ALL = Window(END - timedelta(days=DAYS), END)
ROWS_TO_A_PAGE = 5


@asynccontextmanager
async def _two_hands(url: str) -> AsyncIterator[tuple[Hand, Hand]]:
    async with hand(url) as one, open_pool(url, max_size=2) as pool:
        yield one, replace(one, pool=pool)


async def _page_by_page(writer: Hand, rows: list[Row]) -> None:
    for start in range(0, len(rows), ROWS_TO_A_PAGE):
        await writer.book(rows[start : start + ROWS_TO_A_PAGE])


async def test_two_processes_write_one_chain(database_url: str) -> None:
    """They book the same pages at once, in other orders: each row once, one chain, one hash."""
    rows = paper_rows(executions=100, days=DAYS, seed=8)
    shuffled = random.Random(8).sample(rows, len(rows))
    async with hand(database_url) as alone:
        await alone.book(rows)
        await alone.prove(ALL)
        expected = await alone.hash()
    async with _two_hands(database_url) as (one, other):
        await asyncio.gather(_page_by_page(one, rows), _page_by_page(other, shuffled))
        await other.prove(ALL)
        booked = await one.rows(
            "SELECT count(*), count(DISTINCT record_key) FROM facts.raw_records"
            " WHERE account_id = %s",
            one.account_id,
        )

        assert [(len(rows), len(rows))] == booked
        assert expected == await one.hash()
        await one.must_stand("two processes")


async def test_turn_by_turn_each_goes_on_where_the_other_ended(database_url: str) -> None:
    """Nothing that a process remembers of the chain counts: the database says where it ends."""
    rows = paper_rows(executions=40, days=DAYS, seed=9)
    async with _two_hands(database_url) as (one, other):
        for turn, start in enumerate(range(0, len(rows), ROWS_TO_A_PAGE)):
            await (one, other)[turn % 2].book(rows[start : start + ROWS_TO_A_PAGE])
        await one.prove(ALL)

        await one.must_stand("turn by turn")


async def test_what_another_account_has_is_no_duplicate(database_url: str) -> None:
    """Twins on two accounts are booked on both, and neither sees the other's."""
    rows = paper_rows(executions=40, days=DAYS, seed=10)
    async with hand(database_url) as one, hand(database_url) as other:
        for account in (one, other):
            booked = await account.book(rows)
            await account.prove(ALL)

            assert len(rows) == booked.rows_new
        assert await one.hash() == await other.hash()
        await other.must_stand("the second account")
