"""Several workers on one account: one at a time, and never one that lost its turn."""

import asyncio
from datetime import timedelta

import pytest

from fillbook.errors import LeaseHeld, StaleFence
from fillbook.ledger import leases
from fillbook.sync.engine import Engine, Limits, Passed
from fillbook.sync.turn import TURN
from tests.sync.book import (
    DAY,
    ONE_LIST,
    Book,
    Undisturbed,
    connection,
    opened,
    paper,
    whole,
)
from tests.sync.truth import must_equal_truth

LIMITS = Limits(window_max=DAY)


async def _ended(book: Book) -> Passed | LeaseHeld:
    try:
        return await book.backfill(whole(paper(days=10)), limits=LIMITS)
    except LeaseHeld as error:
        return error


async def test_two_backfills_at_once_make_one_book(
    database_url: str, undisturbed: Undisturbed
) -> None:
    """One of them ends well; the other is told who holds the lease, or finds all done."""
    settings = paper(executions=600, days=10)
    async with opened(database_url, settings) as book:
        ended = await asyncio.gather(*(_ended(book) for _ in range(3)))
        refused = [str(end) for end in ended if isinstance(end, LeaseHeld)]

        assert any(isinstance(end, Passed) and end.complete for end in ended)
        assert all("wait for it" in text for text in refused)
        assert refused
        await must_equal_truth(book)
        assert (await book.verify()).ok
        assert await book.hash() == await undisturbed(settings)


async def test_a_worker_that_lost_its_lease_writes_nothing(
    database_url: str, undisturbed: Undisturbed
) -> None:
    """Another worker takes the lease over in mid-run: the first one's next write is refused whole.

    What stands is what it committed before; the other one finishes the book.
    """
    settings = paper(executions=600, days=10)
    async with opened(database_url, settings) as book:
        taken: list[str] = []

        async def take_over() -> None:
            now = book.clock() + leases.LEASE_LENGTH + timedelta(seconds=1)
            await leases.acquire(book.pool, book.account_id, TURN, now=now)
            taken.extend(str(row) for row in await _written(book))

        tasks: list[asyncio.Task[None]] = []

        def after_some(_: object) -> None:
            if not tasks:
                tasks.append(asyncio.get_running_loop().create_task(take_over()))

        with pytest.raises(StaleFence, match="nothing was written"):
            await book.backfill(whole(settings), progress=after_some, limits=LIMITS)
        await asyncio.gather(*tasks)

        assert taken == [str(row) for row in await _written(book)]
        assert [("failed",)] == await book.rows("SELECT status FROM ops.runs")
        assert (await book.verify()).ok

        book.clock.at += leases.LEASE_LENGTH * 3
        assert (await book.backfill(whole(settings), limits=LIMITS)).complete
        await must_equal_truth(book)
        assert await book.hash() == await undisturbed(settings)


async def _written(book: Book) -> list[tuple[object, ...]]:
    return await book.rows(
        "SELECT (SELECT count(*) FROM facts.raw_records), (SELECT count(*) FROM facts.executions),"
        " (SELECT count(*) FROM facts.windows), (SELECT count(*) FROM derived.lines),"
        " (SELECT chain_seq FROM ops.chain_heads)"
    )


async def test_a_run_counts_its_own_requests(database_url: str) -> None:
    """A connection may be kept for months: what earlier runs asked is not counted again."""
    settings = paper(days=10)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        venue = connection(book.paper, book.clock, ONE_LIST)
        engine = Engine(book.pool, venue, book.account, book.clock)
        asked = whole(settings)
        try:
            first = (await engine.sync("backfill", asked)).run.requests
            before = venue.requests
            second = (await engine.sync("hourly", asked)).run.requests
            made = venue.requests - before
        finally:
            await venue.close()
        told = await book.rows("SELECT requests FROM ops.runs ORDER BY kind")

    assert 0 < second <= made < first
    assert [first, second] == [requests for (requests,) in told]
