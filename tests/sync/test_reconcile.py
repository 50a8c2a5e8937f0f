"""A book and its venue agree, or the difference is a break with its size and cause."""

from collections.abc import Callable

import pytest

from tests.sync.book import opened, paper, whole
from tests.sync.reconciling import LATER, Chosen, chosen, faulty, reconcile, said, sound_book

WIDE = ("linear", "inverse", "spot", "option")
Case = Callable[[Chosen], tuple[list[str], set[tuple[str, str, str, str]]]]


@pytest.mark.parametrize("mode", ["one-way", "hedge"])
async def test_a_sound_book_has_no_break(database_url: str, mode: str) -> None:
    """Every category, every way: everything that can be compared agrees."""
    settings = paper(executions=600, days=12, categories=WIDE, hedge=mode == "hedge")
    async with opened(database_url, settings) as book:
        passed, first = await reconcile(book, whole(settings))
        _, second = await reconcile(book, whole(settings))
        ways = await book.rows(
            "SELECT way, verdict, count(*), sum(items) FROM ops.comparisons GROUP BY way, verdict"
        )

        assert passed.complete
        assert [str(one.subject) for one in first.open] == []
        assert first.deferred == ()
        assert first.not_compared == ()
        assert second.open == ()
        assert {way for way, *_ in ways} == {"position", "closed_pnl", "cash", "counts"}


def _fill_unlisted(one: Chosen) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    return [f"hidden_row=1@execution/list@{one.at}"], {
        ("position", "quantity", one.symbol, "venue_hole"),
        ("counts", "unlisted_fills", one.symbol, "venue_hole"),
        ("counts", "filled_qty", one.symbol, "venue_hole"),
        ("closed_pnl", "closed_qty", one.symbol, "venue_hole"),
    }


def _fill_in_no_list(one: Chosen) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    return [f"hidden_row=1@execution/list@{one.at}", f"hidden_from_log=1@{one.at}"], {
        ("position", "quantity", one.symbol, "venue_hole"),
        ("cash", "chain", "USDT", "venue_hole"),
        ("counts", "filled_qty", one.symbol, "venue_hole"),
        ("closed_pnl", "closed_qty", one.symbol, "venue_hole"),
    }


def _fill_unlogged(one: Chosen) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    return [f"hidden_from_log=1@{one.at}"], {
        ("cash", "chain", "USDT", "venue_hole"),
        ("counts", "unlogged_fills", one.symbol, "venue_hole"),
    }


def _close_uncounted(one: Chosen) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    return [f"hidden_row=1@closed-pnl@{one.at}"], {
        ("closed_pnl", "closed_qty", one.symbol, "venue_hole"),
        ("closed_pnl", "pnl", one.symbol, "venue_hole"),
    }


def _type_unknown(one: Chosen) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    return [f"exec_type_new=1@execution/list@{one.at}"], {
        ("position", "quantity", one.symbol, "unknown_record_type"),
        ("counts", "unread_fills", one.symbol, "unknown_record_type"),
        ("counts", "filled_qty", one.symbol, "unknown_record_type"),
        ("closed_pnl", "closed_qty", one.symbol, "unknown_record_type"),
    }


def _close_of_unknown_shape(one: Chosen) -> tuple[list[str], set[tuple[str, str, str, str]]]:
    return [f"field_renamed=1@closed-pnl@{one.at}"], {
        ("closed_pnl", "closed_qty", one.symbol, "unknown_record_type"),
        ("closed_pnl", "pnl", one.symbol, "unknown_record_type"),
    }


@pytest.mark.parametrize(
    "case",
    [
        _fill_unlisted,
        _fill_in_no_list,
        pytest.param(_fill_unlogged, marks=pytest.mark.slow),
        _close_uncounted,
        pytest.param(_type_unknown, marks=pytest.mark.slow),
        pytest.param(_close_of_unknown_shape, marks=pytest.mark.slow),
    ],
)
async def test_what_a_list_leaves_out_is_a_break_until_it_heals(
    database_url: str, case: Case
) -> None:
    """Size, place and cause; the same again on the next day; and closed when it is listed."""
    async with sound_book(database_url, paper(executions=400, days=8)) as (book, window):
        one = chosen(await book.truth())
        faults, expected = case(one)
        async with faulty(book, faults):
            _, first = await reconcile(book, window)
            _, second = await reconcile(book, window)
        book.clock.at += LATER
        _, third = await reconcile(book, window)
        left = await book.rows(
            "SELECT way, measure, symbol FROM ops.breaks WHERE healed_at IS NULL"
        )

        assert said(first) == expected
        assert said(second) == expected
        assert second.opened == ()
        assert {found.break_id for found in second.open} == {
            found.break_id for found in first.opened
        }
        assert all(found.tried for found in first.opened)
        assert said(third) == set()
        assert len(third.healed) == len(expected)
        assert left == []
