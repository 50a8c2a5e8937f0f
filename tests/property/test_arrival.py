"""Figures rest on facts, not on the way they came in: any order, any batches, any restart."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.lay import lay
from fillbook.accounting.opening_balance import is_settled, narrowed
from tests.property.histories import (
    MILLISECOND,
    NEW_STRETCH,
    STARTED,
    History,
    any_histories,
    histories,
)
from tests.property.resuming import Rows, laid_at_once

HISTORIES = any_histories()
Fact = TypeVar("Fact")
CUTS = st.sets(st.integers(0, 50), max_size=6)


def at_once(history: History) -> object:
    return laid_at_once(history.stretch, history.fills, history.flows, history.known).content()


@given(HISTORIES, st.randoms())
def test_order_of_arrival_does_not_matter(history: History, random: Random) -> None:
    """The same facts shuffled give the same rows."""
    fills, flows = list(history.fills), list(history.flows)
    random.shuffle(fills)
    random.shuffle(flows)

    assert at_once(history) == at_once(replace(history, fills=tuple(fills), flows=tuple(flows)))


def between(history: History, start: datetime, end: datetime) -> History:
    """What happened from an instant to another."""
    return replace(
        history,
        fills=tuple(fill for fill in history.fills if start <= fill.at < end),
        flows=tuple(flow for flow in history.flows if start <= flow.at < end),
    )


def chunks(history: History, cuts: set[int]) -> list[History]:
    bounds = [STARTED + milliseconds * MILLISECOND for milliseconds in sorted(cuts)]
    starts, ends = [STARTED, *bounds], [*bounds, STARTED + timedelta(days=1000)]
    return [between(history, *bound) for bound in zip(starts, ends, strict=True)]


@given(HISTORIES, CUTS)
def test_resuming_equals_laying_at_once(history: History, cuts: set[int]) -> None:
    """Facts that come in piece by piece give what one call gives."""
    rows = Rows(history.stretch, history.known)
    for chunk in chunks(history, cuts):
        rows.book(chunk.fills, chunk.flows)

    assert at_once(history) == rows.content()


@given(HISTORIES, CUTS, CUTS, st.sampled_from(["patient", "hasty"]))
def test_chunks_equal_laying_at_once(
    history: History, searched: set[int], cuts: set[int], manner: str
) -> None:
    """Searched in chunks, laid in chunks from the state before: the rows and state of one call."""
    stretch = history.stretch
    for chunk in chunks(history, searched):
        stretch = narrowed(stretch, chunk.fills, history.known)
        if is_settled(stretch) and manner == "hasty":
            break
    rows = Rows(stretch, history.known)
    state = replace(stretch, is_searched=True)
    for chunk in chunks(history, cuts):
        laid = lay(state, chunk.fills, chunk.flows, history.known)
        assert not laid.restart
        rows.add(laid)
        state = laid.stretch

    if history.fills or history.flows:
        assert at_once(history) == rows.content()


@given(HISTORIES)
def test_a_settled_opening_stays(history: History) -> None:
    """Once it is settled no later fill changes the opening, or what is known of it."""
    stretch, settled = history.stretch, None
    for chunk in chunks(history, set(range(50))):
        stretch = narrowed(stretch, chunk.fills, history.known)
        found = (stretch.opening_qty, stretch.opening_evidence, stretch.opening_fixed_at)
        assert settled in (None, found)
        settled = found if is_settled(stretch) and chunk.fills else settled


@given(
    HISTORIES,
    st.lists(st.integers(0, 4), min_size=24, max_size=24),
    st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
def test_batches_in_any_order_equal_laying_at_once(
    history: History, fill_batches: list[int], flow_batches: list[int]
) -> None:
    """Late rows lay again from their instant on; five batches in any order end the same."""
    rows = Rows(history.stretch, history.known)
    for batch in range(5):
        rows.book(
            drawn(history.fills, fill_batches, batch), drawn(history.flows, flow_batches, batch)
        )

    assert at_once(history) == rows.content()


def drawn(facts: Sequence[Fact], batches: list[int], batch: int) -> list[Fact]:
    return [fact for fact, wanted in zip(facts, batches, strict=False) if wanted == batch]


@given(HISTORIES, st.integers(0, 50))
def test_laying_twice_changes_nothing(history: History, milliseconds: int) -> None:
    """Laying again from any instant leaves the rows as they are."""
    rows = laid_at_once(history.stretch, history.fills, history.flows, history.known)
    rows.lay_from(STARTED + milliseconds * MILLISECOND)

    assert at_once(history) == rows.content()


@given(histories(openings=st.integers(2, 9), steps=st.just(1), length_max=8))
def test_an_unknown_opening_is_appended_to(history: History) -> None:
    """While the opening stays unknown no fill makes the stretch start over."""
    state = history.stretch
    for fill in history.fills:
        assert state.is_new or state.may_resume_at(fill.at)
        laid = lay(state, [fill], [], history.known)
        before, state = state, laid.stretch
        if not before.is_new:
            assert laid.restart == (before.opening_qty != state.opening_qty)
        if laid.restart:
            return
    once = lay(history.stretch, history.fills, [], history.known).stretch
    assert replace(once, books={}) == replace(state, books={}) or not history.fills


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
