"""Openings: what closed sizes prove, and never more."""

from dataclasses import replace
from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.leg import Fill
from fillbook.accounting.opening import Opening, find_opening
from fillbook.accounting.sequence import Step, closes, in_order
from fillbook.domain.money import scaled
from tests.property.histories import History, histories, without_telling_ties

OPENINGS = st.integers(-9, 9)
CANDIDATES = range(-100, 101)  # wider than anything drawn can move or hold


def steps_of(history: History, fills: list[Fill] | None = None) -> list[Step]:
    scale = history.scale
    return [
        Step(
            fill,
            0,
            scaled(fill.qty, scale),
            None if fill.closed is None else scaled(fill.closed, scale),
        )
        for fill in (history.fills if fills is None else fills)
    ]


def by_time(fills: list[Fill]) -> list[Fill]:
    return sorted(fills, key=lambda fill: fill.at)


def fits(steps: list[Step], position: int) -> bool:
    for step in steps:
        if step.closed not in (None, closes(position, step.fill.side, step.qty)):
            return False
        position += step.signed
    return True


def grain_of(history: History, steps: list[Step]) -> int:
    """The drawn unit: quantities are small multiples of it."""
    return gcd(*(step.qty for step in steps), scaled(history.opening, history.scale)) or 1


@given(histories(openings=OPENINGS, steps=st.just(1), length_max=8))
def test_openings_are_found_exactly(history: History) -> None:
    """Pinned when, and only when, one opening fits the fills; then it is the true one."""
    steps = steps_of(history)
    grain = grain_of(history, steps)
    fitting = [position for position in CANDIDATES if fits(steps, position * grain)]
    truth = scaled(history.opening, history.scale)

    found = find_opening(steps)
    assert truth // grain in fitting
    assert (len(fitting) == 1) == found.pinned
    if found.pinned:
        assert truth == found.position
    elif 0 in fitting:
        assert (0, "assumed_flat") == (found.position, found.evidence)
    else:
        assert (None, "unknown") == (found.position, found.evidence)


@given(
    histories(openings=OPENINGS, steps=st.integers(0, 1), lossless=False),
    st.permutations(range(24)),
)
def test_nothing_is_pinned_wrongly(history: History, names: list[int]) -> None:
    """Bursts whose order is not known, listed in any order: what is pinned is true."""
    steps = steps_of(history, without_telling_ties(history.fills, names[: len(history.fills)]))
    steps.sort(key=lambda step: (step.fill.at, step.fill.tie))
    truth = scaled(history.opening, history.scale)

    found = find_opening(steps)
    assert not found.contradicted
    assert found.low is None or found.low <= truth
    assert found.high is None or found.high >= truth
    if found.evidence == "pinned":
        assert truth == found.position


@given(histories(openings=OPENINGS, steps=st.integers(0, 1)), st.integers(0, 24))
def test_narrowing_goes_on(history: History, cut: int) -> None:
    """The same is found when the search is interrupted between two instants."""
    steps = steps_of(history)
    while 0 < cut < len(steps) and steps[cut - 1].fill.at == steps[cut].fill.at:
        cut += 1

    expected = replace(find_opening(steps), moved=0)
    assert expected == replace(find_opening(steps[cut:], find_opening(steps[:cut])), moved=0)


@given(histories(openings=OPENINGS, steps=st.integers(0, 2)), st.permutations(range(24)))
def test_bursts_are_put_into_an_order_that_fits(history: History, names: list[int]) -> None:
    """With ties that say nothing, simultaneous fills still follow the position chain."""
    fills = without_telling_ties(history.fills, names[: len(history.fills)])
    start = scaled(history.opening, history.scale)

    ordered = in_order(steps_of(history, by_time(fills[::-1])), position=start)
    assert fits(ordered, start)
    assert sorted(fill.key for fill in fills) == sorted(step.fill.key for step in ordered)
    places = [(step.fill.at, step.rank) for step in ordered]
    assert places == sorted(set(places))


def test_nothing_is_known_of_nothing() -> None:
    """Without fills a stretch is assumed flat."""
    assert Opening() == find_opening([])
    assert (0, "assumed_flat") == (Opening().position, Opening().evidence)
