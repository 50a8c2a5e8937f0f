"""Every specification table, run through the kernel."""

from dataclasses import replace

import pytest

from fillbook.accounting.leg import StretchState
from tests.spec.facts import facts, shuffled
from tests.spec.kernel import Arrival, laid, outcome
from tests.spec.laying import Kit, Way, as_it_arrives, at_once, in_chunks
from tests.spec.tables import Case, assert_as_told, cases

CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)


@every_case
@pytest.mark.parametrize("arrival", [list, lambda rows: rows[::-1], shuffled],
                         ids=["in order", "backwards", "shuffled"])  # fmt: skip
def test_case(case: Case, arrival: Arrival) -> None:
    """What goes in comes out as the tables say, whatever the order of arrival."""
    told = facts(case)

    assert_as_told(case, outcome(case, told, laid(told, at_once, arrival)))


@every_case
@pytest.mark.parametrize("way", [in_chunks, as_it_arrives])
def test_case_in_pieces(case: Case, way: Way) -> None:
    """Pieces of one or two instants add up to the same, to the last line and match."""
    told = facts(case)

    whole, pieces = laid(told, at_once), laid(told, way)

    assert_as_told(case, outcome(case, told, pieces))
    assert _content(whole) == _content(pieces)
    assert _stretches(whole) == _stretches(pieces)


def _content(legs: dict[str, Kit]) -> dict[str, object]:
    return {leg: kit.content() for leg, kit in legs.items()}


def _stretches(legs: dict[str, Kit]) -> dict[str, StretchState]:
    """Where laying may go on; how the opening was searched is no part of it."""
    return {leg: replace(kit.stretch, is_searched=False) for leg, kit in legs.items()}


def test_there_are_cases() -> None:
    """The tables are found and have titles of their own."""
    titles = [case.title for case in CASES]

    assert len(titles) >= 150
    assert len(titles) == len(set(titles))
