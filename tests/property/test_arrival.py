"""Figures rest on facts, not on the way they came in: any order, any batches, any restart."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.property.histories import MILLISECOND, NEW_STRETCH, STARTED, History, histories
from tests.property.resuming import Rows, laid_at_once

BURSTS = st.integers(0, 2)


@given(histories(openings=st.integers(-3, 3), steps=BURSTS, lossless=False), st.randoms())
def test_order_of_arrival_does_not_matter(history: History, random: Random) -> None:
    """The same facts shuffled give the same rows."""
    fills, flows = list(history.fills), list(history.flows)
    random.shuffle(fills)
    random.shuffle(flows)

    expected = laid_at_once(NEW_STRETCH, history.fills, history.flows).content()
    assert expected == laid_at_once(NEW_STRETCH, fills, flows).content()


@given(histories(openings=st.integers(-3, 3), steps=BURSTS, lossless=False), st.integers(0, 50))
def test_resuming_equals_laying_at_once(history: History, milliseconds: int) -> None:
    """A prefix, then the rest from the state before an instant, gives what one call gives."""
    cut = STARTED + milliseconds * MILLISECOND
    rows = Rows(NEW_STRETCH)
    rows.book(
        [fill for fill in history.fills if fill.at < cut],
        [flow for flow in history.flows if flow.at < cut],
    )
    rows.book(
        [fill for fill in history.fills if fill.at >= cut],
        [flow for flow in history.flows if flow.at >= cut],
    )

    assert laid_at_once(NEW_STRETCH, history.fills, history.flows).content() == rows.content()


@given(
    histories(openings=st.integers(-3, 3), steps=BURSTS, lossless=False),
    st.lists(st.integers(0, 4), min_size=24, max_size=24),
    st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
def test_batches_in_any_order_equal_laying_at_once(
    history: History, fill_batches: list[int], flow_batches: list[int]
) -> None:
    """Late rows lay again from their instant on; five batches in any order end the same."""
    rows = Rows(NEW_STRETCH)
    for batch in range(5):
        rows.book(
            [
                fill
                for fill, wanted in zip(history.fills, fill_batches, strict=False)
                if wanted == batch
            ],
            [
                flow
                for flow, wanted in zip(history.flows, flow_batches, strict=False)
                if wanted == batch
            ],
        )

    assert laid_at_once(NEW_STRETCH, history.fills, history.flows).content() == rows.content()


@given(histories(openings=st.integers(-3, 3), steps=BURSTS), st.integers(0, 50))
def test_laying_twice_changes_nothing(history: History, milliseconds: int) -> None:
    """Laying again from any instant leaves the rows as they are."""
    rows = laid_at_once(NEW_STRETCH, history.fills, history.flows)
    rows.lay_from(STARTED + milliseconds * MILLISECOND)

    assert laid_at_once(NEW_STRETCH, history.fills, history.flows).content() == rows.content()


@given(histories(steps=st.just(1)), st.integers(1, 5000))
def test_time_only_orders(history: History, days: int) -> None:
    """The same history at another time has the same matches."""
    later = timedelta(days=days)
    fills = [replace(fill, at=fill.at + later) for fill in history.fills]
    flows = [replace(flow, at=flow.at + later) for flow in history.flows]

    def figures(rows: Rows) -> object:
        return [
            (owner, match.start, match.end, match.direction, match.gross, match.funding)
            for owner, book in sorted(rows.books.items())
            for match in book.matches
        ]

    assert figures(laid_at_once(NEW_STRETCH, history.fills, history.flows)) == figures(
        laid_at_once(NEW_STRETCH, fills, flows)
    )
