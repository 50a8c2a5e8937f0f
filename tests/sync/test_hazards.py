"""Hazards around a sync: a wipe under it, a clock that runs ahead, history that grows backwards."""

import asyncio
from datetime import datetime, timedelta

import pytest

from fillbook.domain.window import Window
from fillbook.errors import StaleFence, UsageError
from fillbook.ledger.accounts import find_or_add
from fillbook.ledger.rebuild import wipe
from fillbook.ledger.verify import verify
from fillbook.sync.engine import Engine, Limits
from fillbook.venues.bybit.parse import parse_record
from tests.ledger.handed_in import END as HAND_END
from tests.ledger.handed_in import fill, hand
from tests.sync.book import DAY, END, Undisturbed, connection, opened, paper, whole
from tests.sync.truth import must_equal_truth

LIMITS = Limits(window_max=DAY)


async def test_a_wipe_under_a_sync_ends_it(database_url: str, undisturbed: Undisturbed) -> None:
    """The sync may not prove a window whose first pages are gone; the next one fetches it all."""
    settings = paper(executions=600, days=10)
    async with opened(database_url, settings) as book:
        wiping: list[asyncio.Task[dict[str, int]]] = []

        def after_a_window(_: object) -> None:
            if not wiping:
                act = wipe(book.pool, book.account_id, actor="test", now=book.clock())
                wiping.append(asyncio.get_running_loop().create_task(act))

        with pytest.raises(StaleFence):
            await book.backfill(whole(settings), progress=after_a_window, limits=LIMITS)
        await asyncio.gather(*wiping)
        assert (await book.backfill(whole(settings), limits=LIMITS)).complete

        await must_equal_truth(book)
        assert (await book.verify()).ok
        assert await book.hash() == await undisturbed(settings)


async def test_a_clock_that_runs_ahead_proves_no_future(database_url: str) -> None:
    """Coverage ends where the venue's clock stands, not where this machine believes to be."""
    settings = paper(executions=300, days=5)
    async with opened(database_url, settings) as book:
        ahead = timedelta(hours=3)
        venue = connection(book.paper, book.clock)
        engine = Engine(book.pool, venue, book.account, lambda: book.clock() + ahead)
        asked = whole(settings)
        passed = await engine.sync("backfill", Window(asked.starts_at, END + ahead))
        with pytest.raises(UsageError, match="venue's clock"):
            await engine.sync("backfill", Window(END + timedelta(hours=1), END + ahead))
        await venue.close()
        rows = await book.rows("SELECT max(upper(read)) FROM derived.coverage")

    assert passed.complete
    assert rows == [(END.replace(microsecond=END.microsecond // 1000 * 1000),)]


async def test_reading_again_finds_what_was_settled_too_early(database_url: str) -> None:
    """A row that appears long after its window settled is found by reading the window once more."""
    settings = paper("late_rows=0.05", executions=600, days=10)
    async with opened(database_url, settings) as book:
        asked = whole(settings)
        for again in (False, True, True, True, True):
            venue = connection(book.paper, book.clock)
            engine = Engine(book.pool, venue, book.account, book.clock, again=again)
            assert (await engine.sync("backfill", asked)).complete
            await venue.close()

        await must_equal_truth(book)
        assert (await book.verify()).ok


async def test_older_history_renames_no_trade(database_url: str) -> None:
    """A trade keeps its id when windows before it are proven, with or without rows in them."""
    at = HAND_END - timedelta(hours=5)
    async with hand(database_url) as one:
        await one.book([
            fill("1", at, "Buy", "1", order="A"),
            fill("2", at + timedelta(minutes=1), "Sell", "1", order="B"),
        ])  # fmt: skip
        await one.prove(Window(at - timedelta(hours=1), HAND_END))
        before = await one.rows("SELECT trade_id, id FROM derived.completed_trades")
        await one.prove(Window(at - timedelta(days=3), at - timedelta(hours=1)))
        after = await one.rows("SELECT trade_id, id FROM derived.completed_trades")

        assert len(before) == 1
        assert before == after
        await one.must_stand("older history")


async def test_a_chain_under_another_account_does_not_verify(database_url: str) -> None:
    """Two accounts that trade places, by hand, are named: each chain commits to whose it is."""
    async with hand(database_url) as one:
        other = await find_or_add(
            one.pool, name="other", venue="bybit", environment="paper", venue_user_id="2",
            now=datetime(2026, 3, 1, tzinfo=HAND_END.tzinfo),
        )  # fmt: skip
        users = "UPDATE ops.accounts SET venue_user_id = %s WHERE account_id = %s RETURNING 1"
        (mine,) = (await one.rows("SELECT venue_user_id FROM ops.accounts WHERE name = 'hand'"))[0]
        await one.rows(users, "x", one.account_id)
        await one.rows(users, mine, other.account_id)
        await one.rows(users, "2", one.account_id)

        for account_id in (one.account_id, other.account_id):
            found = await verify(one.pool, account_id, parse_record)
            assert {finding.where for finding in found.findings} == {"facts.geneses"}
