"""Windows of many pages: what goes wrong with cursors strikes in the middle of a walk.

A history that is thin has one page to a window, and a cursor that leads nowhere is never asked for
there. Here one window holds ten pages.
"""

import asyncio

import pytest

from fillbook.ledger._pool import transaction
from fillbook.sync import engine as engine_file
from fillbook.sync.engine import Engine
from tests.sync.book import ONE_LIST, connection, opened, paper, whole
from tests.sync.fault_oracle import must_be_exact_or_say_why, read_on
from tests.sync.truth import must_equal_truth

OF_WALKS = (
    "cursor_cycle=0.1",
    "cursor_expired=0.1",
    "cursor_refused=0.1",
    "cursors_forgotten=0.05",
    "early_end=0.1",
    "end_is_error=0.1",
    "short_pages=0.5",
    "window_refused=0.3",
)
EXECUTIONS = 900
DAYS = 6
REQUESTS_MAX = 60  # for ten pages, the terms, the marks and the clock
SECONDS_MAX = 20
AHEAD = 2
STILL_SECONDS = 0.5
BESIDE_PAGES = 4  # the clock and the terms


@pytest.mark.parametrize("fault", OF_WALKS)
async def test_a_long_walk_ends_with_the_truth_or_says_why_not(
    database_url: str, fault: str
) -> None:
    """Every row is booked, or its time is not proven and somebody complained."""
    settings = paper(fault, executions=EXECUTIONS, days=DAYS)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        await must_be_exact_or_say_why(book, settings, await read_on(book, settings))


async def test_a_cursor_that_runs_out_costs_a_walk_and_not_the_window(database_url: str) -> None:
    """The window is begun again within the pass, and read to its end."""
    settings = paper("cursor_expired=0.2", executions=EXECUTIONS, days=DAYS)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        passed = await book.backfill(whole(settings))
        ((pages,),) = await book.rows("SELECT sum(pages) FROM facts.windows")

        assert passed.complete
        assert passed.run.requests > pages + 5
        await must_equal_truth(book)


@pytest.mark.parametrize("fault", ["cursor_cycle=1", "cursor_loop=1"])
async def test_a_cursor_that_leads_back_ends_the_walk(database_url: str, fault: str) -> None:
    """After few requests, with the reason, and nothing of the window is proven."""
    settings = paper(fault, executions=EXECUTIONS, days=DAYS)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        async with asyncio.timeout(SECONDS_MAX):
            passed = await book.backfill(whole(settings))

        assert not passed.complete
        assert "cursor repeats" in passed.failures[0]
        assert passed.run.requests < REQUESTS_MAX
        assert (await book.verify()).ok


async def test_pages_wait_for_the_ledger_in_bounded_number(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be booked a few pages are fetched ahead, and no more: memory is bounded."""
    monkeypatch.setattr(engine_file, "PAGES_AHEAD_MAX", AHEAD)
    monkeypatch.setattr(engine_file, "PAGES_AHEAD_MIN", AHEAD)
    settings = paper(executions=EXECUTIONS, days=DAYS)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        venue = connection(book.paper, book.clock, book.reads)
        engine = Engine(book.pool, venue, book.account, book.clock)
        async with transaction(book.pool) as conn:
            await conn.execute("SELECT FROM ops.chain_heads FOR UPDATE")
            passing = asyncio.create_task(engine.sync("backfill", whole(settings)))
            asked = [-1]
            while asked[-1] != venue.requests or asked[-1] < AHEAD:
                asked.append(venue.requests)
                await asyncio.sleep(STILL_SECONDS)
        passed = await passing
        await venue.close()

        assert asked[-1] <= 2 * AHEAD + BESIDE_PAGES
        assert passed.complete
        assert passed.run.requests > asked[-1]
