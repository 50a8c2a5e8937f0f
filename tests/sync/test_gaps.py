"""What cannot be read to its end stays unproven and says why; what is read later closes the gap."""

from datetime import timedelta

import pytest

from fillbook.domain.window import Window, milliseconds, minus
from fillbook.ledger import coverage
from fillbook.sync import traversal
from fillbook.sync.engine import Limits
from papervenues.bybit import history_of
from tests.sync.book import DAY, END, ONE_LIST, Book, Undisturbed, opened, paper, whole
from tests.sync.truth import must_equal_truth

STUCK = END - 9 * DAY
LIMITS = Limits(window_max=2 * DAY)


async def _coverage(book: Book) -> coverage.Coverage:
    return await coverage.get(book.pool, book.account_id, "executions", "linear")


async def test_a_looping_cursor_leaves_a_gap_that_closes(
    database_url: str, undisturbed: Undisturbed
) -> None:
    """One window with a looping cursor is a gap with its reason; all others are proven.

    Once the cursor is sound the next pass reads the gap alone, the stretches join, and the book is
    that of a run that nothing disturbed.
    """
    sound = paper()
    stuck = paper(f"cursor_loop=1@{milliseconds(STUCK)}")
    history, asked = history_of(sound), whole(sound)
    async with opened(database_url, stuck, history=history) as book:
        passed = await book.backfill(asked, limits=LIMITS)
        known = await _coverage(book)
        (gap,) = minus([asked], known.read)
        failures = await book.rows("SELECT starts_at, ends_at, reason FROM ops.window_failures")
        status = await book.rows("SELECT status, error FROM ops.runs")
        stretches = await book.rows("SELECT count(*) FROM derived.stretches")

        assert not passed.complete
        assert gap.starts_at <= STUCK < gap.ends_at
        assert gap.length <= 2 * DAY
        assert [(gap.starts_at, gap.ends_at)] == [row[:2] for row in failures]
        assert "cursor repeats" in failures[0][2]
        assert "cursor repeats" in passed.failures[0]
        assert [("partial", passed.failures[0])] == status
        assert (await book.verify()).ok
    async with opened(database_url, sound, history=history) as book:
        again = await book.backfill(asked, limits=LIMITS)

        assert again.complete
        assert again.run.requests < passed.run.requests / 2
        assert (asked,) == (await _coverage(book)).read
        assert [] == await book.rows("SELECT * FROM ops.window_failures")
        assert stretches > await book.rows("SELECT count(*) FROM derived.stretches")
        assert (await book.verify()).ok
        await must_equal_truth(book)
        assert await book.hash() == await undisturbed(sound)


async def test_a_burst_beyond_the_page_budget_halves_the_window(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window with more pages than the budget is read again in halves, until it fits."""
    monkeypatch.setattr(traversal, "PAGES_MAX", 3)
    settings = paper(executions=900, days=6)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        passed = await book.backfill(whole(settings))
        read = await book.rows("SELECT pages, ends_at - starts_at FROM facts.windows")

        assert passed.complete
        assert all(pages <= 3 for pages, _ in read)
        assert len(read) > 4
        assert len({length for _, length in read}) > 2
        await must_equal_truth(book)


async def test_a_burst_that_cannot_be_halved_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More pages than the budget in the shortest window: a gap with its reason, nothing more."""
    monkeypatch.setattr(traversal, "PAGES_MAX", 2)
    settings = paper("same_ms_burst=0.05", executions=1_200, days=4)
    async with opened(database_url, settings) as book:
        passed = await book.backfill(whole(settings))
        gaps = minus([whole(settings)], (await _coverage(book)).read)

        assert not passed.complete
        assert gaps
        assert sum((gap.length for gap in gaps), timedelta()) < len(passed.failures) * timedelta(
            minutes=11
        )
        assert (await book.verify()).ok


async def test_what_the_venue_no_longer_keeps_is_a_named_gap(database_url: str) -> None:
    """Time before the retention is unavailable by name, once, and the rest is proven."""
    settings = paper(executions=200, days=3)
    asked = Window(END - 800 * DAY, END)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        passed = await book.backfill(asked)
        known = await _coverage(book)
        before = await book.rows("SELECT count(*) FROM facts.windows WHERE outcome = 'unavailable'")
        await book.backfill(asked)

        assert passed.complete
        assert asked.starts_at == known.unavailable[0].starts_at
        assert known.unavailable[0].ends_at == known.read[0].starts_at
        assert [(1,)] == before
        assert before == await book.rows(
            "SELECT count(*) FROM facts.windows WHERE outcome = 'unavailable'"
        )
        assert (await book.verify()).ok


async def test_late_rows_heal_when_they_settle(database_url: str) -> None:
    """Rows that appear within two days are picked up by later passes, which settle the time."""
    settings = paper("late_rows=0.2", executions=400, days=5)
    asked = whole(settings)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        for at in (END - 4 * DAY, END - 2 * DAY, END):
            book.clock.at = at
            await book.backfill(asked)
            await book.show_late_rows()
        book.clock.at = END + timedelta(hours=49)
        last = await book.backfill(asked)
        known = await _coverage(book)

        assert last.complete
        assert last.run.booked.executions_new > 0
        assert (asked,) == known.settled
        await must_equal_truth(book)
        assert (await book.verify()).ok
        hashed = await book.hash()
        await book.rebuild()
        assert hashed == await book.hash()
