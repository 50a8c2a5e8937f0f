"""Whatever the exchange does wrong, the book ends exact, or says where it is not proven."""

import random

import pytest

from fillbook.domain.window import from_milliseconds, milliseconds, minus
from fillbook.errors import VenueUnavailable
from fillbook.ledger import coverage
from fillbook.sync.engine import Limits
from tests.sync.book import DAY, END, PASSES_MAX, Book, opened, paper, whole
from tests.sync.truth import (
    booked_executions,
    booked_positions,
    must_equal_truth,
    true_executions,
    true_positions,
)

LIMITS = Limits(window_max=2 * DAY)
PASSING = [
    "http_500=0.3",
    "rate_limited=0.3",
    "truncated_json=0.3",
    "html_body=0.3",
    "result_null=0.3",
    "dropped_socket=0.3",
    "duplicate_rows=0.7",
    "cursor_expired=0.3",
    "cursor_loop=0.3",
    "same_ms_burst=0.02",
]
FAULTS_MIXED = 4


async def _until_proven(book: Book, days: int) -> int:
    """Pass after pass; a pass that gives up says why, and leaves the rest to the next one."""
    asked = whole(paper(days=days))
    for number in range(1, PASSES_MAX + 1):
        try:
            passed = await book.backfill(asked, limits=LIMITS)
        except VenueUnavailable as error:
            await _must_say_why(book, days, str(error))
            continue
        if passed.complete:
            return number
        await _must_say_why(book, days, passed.failures[0])
    raise AssertionError(f"not proven after {PASSES_MAX} passes")


async def _must_say_why(book: Book, days: int, reason: str) -> None:
    """Gaps are there, the failed window is among them with its reason, and the book stands."""
    failures = await book.rows("SELECT stream, scope, reason FROM ops.window_failures")
    said = [(stream, scope) for stream, scope, why in failures if why in reason]
    assert said, reason
    for stream, scope in said:
        known = await coverage.get(book.pool, book.account_id, stream, scope)
        assert minus([whole(paper(days=days))], known.read)
    assert (await book.verify()).ok


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_leaves_no_trace(database_url: str, fault: str) -> None:
    """However often it strikes: once every window is proven, the book is exact."""
    settings = paper(fault, executions=700, days=10)
    async with opened(database_url, settings) as book:
        await _until_proven(book, 10)

        await must_equal_truth(book)
        assert (await book.verify()).ok


@pytest.mark.parametrize("seed", range(3))
async def test_faults_that_pass_together_leave_no_trace(database_url: str, seed: int) -> None:
    """Several faults at once, drawn by a seed."""
    chosen = random.Random(seed).sample(PASSING, FAULTS_MIXED)
    mixed = [f"{fault.partition('=')[0]}=0.1" for fault in chosen if "burst" not in fault]
    settings = paper(*mixed, executions=700, days=10, seed=seed)
    async with opened(database_url, settings) as book:
        await _until_proven(book, 10)

        await must_equal_truth(book)
        assert (await book.verify()).ok


async def test_a_slow_body_is_waited_for(database_url: str) -> None:
    """Answers that come in pieces over a second are whole answers."""
    settings = paper("slow_body=0.2", executions=300, days=5)
    async with opened(database_url, settings) as book:
        assert (await book.backfill(whole(settings))).complete
        await must_equal_truth(book)


async def test_a_hidden_row_raises_an_alarm(database_url: str) -> None:
    """Rows that are never listed: the log tells of them, and the position chain breaks there."""
    settings = paper("hidden_row=0.03@BTCUSDT", executions=700, days=10)
    async with opened(database_url, settings) as book:
        passed = await book.backfill(whole(settings))
        truth = await book.truth()
        hidden = true_executions(truth) - await booked_executions(book)
        alarms = await book.rows(
            "SELECT symbol, kind FROM derived.alarms WHERE kind = 'chain_break'"
        )
        held, true = await booked_positions(book), true_positions(truth)

        assert hidden
        assert not passed.complete
        assert len(passed.failures) == len({row[-1] for row in hidden})
        assert all("in dispute" in failure for failure in passed.failures)
        assert {row[0] for row in hidden} == {"BTCUSDT"}
        assert set(alarms) == {("BTCUSDT", "chain_break")}
        assert {symbol: qty for symbol, qty in true.items() if symbol != "BTCUSDT"} == {
            symbol: qty for symbol, qty in held.items() if symbol != "BTCUSDT"
        }
        assert (await book.verify()).ok


async def test_what_both_lists_leave_out_breaks_the_balances(database_url: str) -> None:
    """A window that the executions and the log both leave empty: balances do not follow there."""
    hole = END - 4 * DAY
    settings = paper(f"empty_list=1@{milliseconds(hole)}", executions=700, days=10)
    async with opened(database_url, settings, limits=Limits(window_max=2 * DAY)) as book:
        passed = await book.backfill(whole(settings))
        known = await coverage.get(book.pool, book.account_id, "executions", "linear")
        log = await coverage.get(book.pool, book.account_id, "account_log", "UNIFIED")
        missing = true_executions(await book.truth()) - await booked_executions(book)
        times = [from_milliseconds(row[-1]) for row in missing]

        assert missing
        assert not passed.complete
        for read in (known.read, log.read):
            assert not [
                at for at in times for piece in read if piece.starts_at < at < piece.ends_at
            ]
        assert (await book.verify()).ok
        await book.rows("DELETE FROM derived.chain_breaks RETURNING 1")
        assert {finding.where for finding in (await book.verify()).findings} == {
            "derived.chain_breaks"
        }
        await book.rebuild()
        assert (await book.verify()).ok
