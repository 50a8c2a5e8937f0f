"""The paths of the unit line are one function, below, at and beyond what 64 bits hold."""

from collections import deque
from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.fifo import (
    FAST_PATH_MAX,
    Fills,
    Matches,
    _blockwise,
    _exactly,
    _stepwise,
    _vectorised,
    match,
    overlap_arrays,
    overlaps,
    total,
)

Fill = tuple[int, int, int]  # side, units, ticks
Match = tuple[int, int, int, int]  # buy, sell, units, profit

INT64_MAX = 2**63 - 1
SIZES = st.lists(st.integers(1, 9), max_size=30)
SIDES = st.sampled_from([1, -1])
# Added to the first buy and the first sell, so that the last ends straddle the bound.
FAR = st.integers(-60, 60).map(lambda near: FAST_PATH_MAX + near)
SMALL_FILLS = st.lists(st.tuples(SIDES, st.integers(1, 9), st.integers(-50, 50)), max_size=40)


@st.composite
def large_fills(draw: st.DrawFn) -> list[Fill]:
    """Fills whose units together, or whose profits, lie around 2^62 and 2^63."""
    bits = draw(st.integers(1, 62))
    near = st.integers(-3, 3)
    units = st.one_of(st.integers(1, 9), near.map(lambda by: max(1, 2**bits + by)))
    far = draw(st.sampled_from([62 - bits, 63 - bits, 62]))
    ticks = st.one_of(st.integers(-3, 3), near.map(lambda by: 2**far // 2 + by))
    ticks = st.one_of(ticks, ticks.map(lambda price: -price))
    return draw(st.lists(st.tuples(SIDES, units, ticks), max_size=12))


def ends(sizes: list[int], first: int = 0) -> list[int]:
    return [first + end for end in accumulate(sizes)]


def columns(fills: list[Fill]) -> Fills:
    side, qty, price = zip(*fills, strict=True) if fills else ((), (), ())
    return Fills(
        np.array(side, dtype=np.int8),
        np.array(qty, dtype=np.int64),
        np.array(price, dtype=np.int64),
    )


def rows(found: Matches) -> list[Match]:
    parts = (found.buys, found.sells, found.qty, found.profit)
    return list(zip(*(part.tolist() for part in parts), strict=True))


def by_queue(fills: list[Fill]) -> list[Match]:
    """The usual way: a queue of open lots, each exit takes the first of them."""
    found: list[Match] = []
    lots: deque[tuple[int, int]] = deque()  # position, units left
    for position, (side, units, price) in enumerate(fills):
        left = units
        while left and lots and fills[lots[0][0]][0] != side:
            entry, open_units = lots.popleft()
            closed = min(left, open_units)
            gain = (fills[entry][2] - price) * side * closed
            pair = (position, entry) if side > 0 else (entry, position)
            found.append((*pair, closed, gain))
            left -= closed
            if open_units > closed:
                lots.appendleft((entry, open_units - closed))
        if left:
            lots.append((position, left))
    return found


@given(SIZES.filter(bool), SIZES.filter(bool), st.data())
def test_both_paths_agree(buys: list[int], sells: list[int], data: st.DataObject) -> None:
    """The vectorised merge and the stepwise one find the same overlaps from any start."""
    limit = min(sum(buys), sum(sells))
    start = data.draw(st.integers(0, limit - 1))

    assert _stepwise(ends(buys), ends(sells), start, limit) == _vectorised(
        ends(buys), ends(sells), start
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


@given(SIZES, SIZES, st.integers(0, 100))
def test_arrays_give_the_same_overlaps(buys: list[int], sells: list[int], start: int) -> None:
    """In columns or in rows: the overlaps are the same, none included."""
    found = overlap_arrays(
        np.array(ends(buys), dtype=np.int64), np.array(ends(sells), dtype=np.int64), start=start
    )

    parts = (found.starts, found.ends, found.buys, found.sells)
    actual = list(zip(*(part.tolist() for part in parts), strict=True))
    assert overlaps(ends(buys), ends(sells), start=start) == actual


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


@given(st.one_of(SMALL_FILLS, large_fills()))
def test_a_history_is_matched_as_a_queue_would(fills: list[Fill]) -> None:
    """The same matches and profits as a queue of lots in Python's integers, of any size."""
    found = match(columns(fills))

    assert by_queue(fills) == rows(found)
    assert sum(gain for _, _, _, gain in by_queue(fills)) == total(found.profit)


@given(SMALL_FILLS, st.integers(1, 9))
def test_blocks_do_not_show(fills: list[Fill], block: int) -> None:
    """However a history is cut into blocks, and in Python's integers, it gives the same matches."""
    expected = by_queue(fills)

    in_blocks = _blockwise(columns(fills), block=block)
    assert in_blocks is not None
    assert expected == rows(in_blocks)
    assert expected == rows(_exactly(columns(fills)))


def test_a_history_of_many_blocks() -> None:
    """Two hundred thousand fills, with long runs of one side: more than a block stays open."""
    random = np.random.default_rng(7)
    length = 200_000
    upward = np.arange(length) // 50_000 % 2 * 0.8 + 0.1
    side = np.where(random.random(length) < upward, 1, -1)
    fills = Fills(side, random.integers(1, 10**6, length), random.integers(1, 10**9, length))

    in_rows = list(zip(side.tolist(), fills.qty.tolist(), fills.price.tolist(), strict=True))
    assert by_queue(in_rows) == rows(match(fills))


def test_the_bounds_decide_the_path() -> None:
    """One below 2^62 is matched in 64 bits; at 2^62, of units or of a profit, in wider integers."""

    for at_bound in (
        [(1, FAST_PATH_MAX - 1, 5), (-1, 1, 5)],  # units of both lines together
        [(1, 2**31, 0), (-1, 1, 2**31)],  # the highest price difference, by the largest fill
    ):
        (side, qty, price), other = at_bound
        below = [(side, qty - 1, price), other]
        assert match(columns(at_bound)).profit.dtype == object
        assert match(columns(below)).profit.dtype == np.int64
        assert by_queue(at_bound) == rows(match(columns(at_bound)))
        assert by_queue(below) == rows(match(columns(below)))


@given(
    st.lists(
        st.one_of(st.integers(-3, 3), st.sampled_from([INT64_MAX, -INT64_MAX - 1])), max_size=9
    )
)
def test_a_total_is_exact(values: list[int]) -> None:
    """A sum beyond 64 bits is the true sum, whichever integers the column holds."""

    assert sum(values) == total(np.array(values, dtype=np.int64))
    assert sum(values) == total(np.array(values, dtype=object))
