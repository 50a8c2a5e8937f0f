"""The two paths of the unit line are one function, below, at and beyond what 64 bits hold."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.fifo import FAST_PATH_MAX, _stepwise, _vectorised, overlaps

SIZES = st.lists(st.integers(1, 9), max_size=30)
# Added to the first buy and the first sell, so that the last ends straddle the bound.
FAR = st.integers(-60, 60).map(lambda near: FAST_PATH_MAX + near)


def ends(sizes: list[int], first: int = 0) -> list[int]:
    return [first + end for end in accumulate(sizes)]


@given(SIZES.filter(bool), SIZES.filter(bool), st.data())
def test_both_paths_agree(buys: list[int], sells: list[int], data: st.DataObject) -> None:
    """The vectorised merge and the stepwise one find the same overlaps from any start."""
    limit = min(sum(buys), sum(sells))
    start = data.draw(st.integers(0, limit - 1))

    assert _stepwise(ends(buys), ends(sells), start, limit) == _vectorised(
        ends(buys), ends(sells), start, limit
    )


@given(SIZES, SIZES, st.integers(0, 100))
def test_overlaps_pair_the_kth_with_the_kth(buys: list[int], sells: list[int], start: int) -> None:
    """Unit by unit: each overlap lies in the interval of its buy and of its sell."""
    bought = [index for index, size in enumerate(buys) for _ in range(size)]
    sold = [index for index, size in enumerate(sells) for _ in range(size)]
    expected = list(enumerate(zip(bought, sold, strict=False)))[start:]

    actual = [
        (unit, (buy, sell))
        for low, high, buy, sell in overlaps(ends(buys), ends(sells), start=start)
        for unit in range(low, high)
    ]
    assert expected == actual


@given(SIZES, SIZES, FAR)
def test_the_bound_does_not_show(buys: list[int], sells: list[int], far: int) -> None:
    """Lines that reach the bound of the fast path, or 2^64, give the same overlaps, further out."""
    near = overlaps(ends([5, *buys]), ends([5, *sells]), start=5)

    for first in (far, 2 * far, 4 * far, 10**38):
        moved = [
            (low - first, high - first, buy, sell)
            for low, high, buy, sell in overlaps(
                ends([5, *buys], first), ends([5, *sells], first), start=first + 5
            )
        ]
        assert near == moved
