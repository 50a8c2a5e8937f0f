"""The unit line: FIFO without replay.

Lay the units bought end to end on one line and the units sold on another, each in total order. The
k-th unit bought is matched with the k-th unit sold. Proof: FIFO keeps unmatched units of one side
only, in order; each arriving opposite unit takes the first of them; so by induction matches happen
in order on both lines. It holds through shorts and flips: whichever of the two came first is the
entry.

A side is given by the ends of its intervals, strictly rising. Matches are the overlaps of the two
sides: a merge of two sorted lists. Units and ticks are integers. The vectorised merge sorts
``2 * end + side``, so that a cut says in its lowest bit whose it is; ends stay below 2^62 for that.
Beyond, the same merge runs on Python's integers. Bounds are checked before the fast path is taken,
because NumPy overflows silently.

A whole history (`match`) is taken block by block. What is at work stays in the cache, and only the
result grows with the history.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAST_PATH_MAX = 2**62
BLOCK_FILLS = 2**15  # a dozen arrays of this length fit into a core's cache
FILLS_MAX = 2**31 - 1  # a position has 32 bits: a third less memory to touch for a result
LOW_HALF = 2**32 - 1

Overlap = tuple[int, int, int, int]  # unit start, unit end, index of the buy, index of the sell
Integers = NDArray[np.int64]
Positions = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Overlaps in columns: the units [start, end) of this buy are those of this sell."""

    starts: Integers
    ends: Integers
    buys: Integers
    sells: Integers


@dataclass(frozen=True, slots=True)
class Fills:
    """Fills in columns, in total order: a side of 1 or -1, units above zero, a price in ticks."""

    side: NDArray[np.signedinteger[Any]]
    qty: Integers
    price: Integers

    def __post_init__(self) -> None:
        assert len(self.side) == len(self.qty) == len(self.price) <= FILLS_MAX

    def of(self, first: int, end: int) -> "Fills":
        """The fills [first, end)."""
        return Fills(self.side[first:end], self.qty[first:end], self.price[first:end])


@dataclass(frozen=True, slots=True)
class Matches:
    """Matches in columns. The earlier of the two fills is the entry: a long, if it is the buy.

    The profit is in ticks times units, fees apart. It is int64 where that is known to hold it, and
    Python's integers otherwise.
    """

    buys: Positions  # among the fills
    sells: Positions
    qty: Integers
    profit: NDArray[Any]


def overlaps(buy_ends: Sequence[int], sell_ends: Sequence[int], *, start: int = 0) -> list[Overlap]:
    """Every overlap of a buy with a sell beyond `start`, in order."""
    if not buy_ends or not sell_ends:
        return []
    limit = min(buy_ends[-1], sell_ends[-1])
    if limit <= start:
        return []
    if max(buy_ends[-1], sell_ends[-1]) < FAST_PATH_MAX:
        return _vectorised(buy_ends, sell_ends, start)
    return _stepwise(buy_ends, sell_ends, start, limit)


def overlap_arrays(buy_ends: Integers, sell_ends: Integers, *, start: int = 0) -> Overlaps:
    """Every overlap of a buy with a sell beyond `start`, in order. Ends stay below 2^62."""
    buy, sell = (int(ends.searchsorted(start, "right")) for ends in (buy_ends, sell_ends))
    buys, sells = buy_ends[buy:], sell_ends[sell:]
    if not len(buys) or not len(sells):
        none = np.empty(0, dtype=np.int64)
        return Overlaps(none, none, none, none)
    assert max(int(buys[-1]), int(sells[-1])) < FAST_PATH_MAX
    limit = min(buys[-1], sells[-1])
    buys, sells = _upto(buys, limit), _upto(sells, limit)
    room = _room(len(buys) + len(sells))
    qty, buy_index, sell_index = _merge(buys, sells, start, room=room)
    ends = np.cumsum(qty)
    ends += start
    return Overlaps(ends - qty, ends, buy_index + buy, sell_index + sell)


def match(fills: Fills) -> Matches:
    """Match the whole history of one book."""
    found = _blockwise(fills, block=BLOCK_FILLS)
    return _exactly(fills) if found is None else found


def total(column: NDArray[Any]) -> int:
    """The exact sum of a column, in two halves of 32 bits, as NumPy overflows silently."""
    assert len(column) <= FILLS_MAX
    if column.dtype == object:
        return sum(column.tolist())
    return (int((column >> 32).sum()) << 32) + int((column & LOW_HALF).sum())


@dataclass(slots=True)
class _Bounds:
    """The extremes of the fills so far, each block taken in while it is on its way to the cache."""

    low: int = 0
    high: int = 0
    qty_max: int = 0

    def hold(self, block: Fills, *, laid: int) -> bool:
        """Whether all units on the lines, and the profit of any match, stay below 2^62."""
        assert block.qty.min() > 0
        low, high = int(block.price.min()), int(block.price.max())
        self.low, self.high = (min(self.low, low), max(self.high, high)) if laid else (low, high)
        block_max = int(block.qty.max())
        self.qty_max = max(self.qty_max, block_max)
        if (self.high - self.low) * self.qty_max >= FAST_PATH_MAX:
            return False
        if laid + block_max * len(block.qty) < FAST_PATH_MAX:
            return True
        return laid + total(block.qty) < FAST_PATH_MAX


@dataclass(slots=True)
class _Line:
    """One side's lots that are not yet matched: blocks of positions and ends.

    Indices are within bounds by construction; `take` is twice as fast where it clips them.
    """

    reached: int = 0
    blocks: deque[tuple[Integers, Integers]] = field(default_factory=deque)

    def append(self, picked: Integers, qty: Integers, *, first: int) -> None:
        """Lay the picked fills of a block that begins at `first`."""
        if not len(picked):
            return
        ends = qty.take(picked, mode="clip")
        ends[0] += self.reached
        np.cumsum(ends, out=ends)
        self.reached = int(ends[-1])
        picked += first
        self.blocks.append((picked, ends))

    @property
    def ends(self) -> Integers:
        """The ends of the foremost block."""
        return self.blocks[0][1]

    def positions_of(self, lots: Integers) -> Integers:
        """Which fills these lots of the foremost block are."""
        return self.blocks[0][0].take(lots, mode="clip")

    def drop(self, count: int) -> None:
        """The first lots of the foremost block are matched."""
        positions, ends = self.blocks.popleft()
        if count < len(ends):
            self.blocks.appendleft((positions[count:], ends[count:]))


def _blockwise(fills: Fills, *, block: int) -> Matches | None:
    """Lay block after block, and match at once what both lines have; None beyond the bounds."""
    length = len(fills.qty)  # each match ends a fill, so there are fewer matches than fills
    buys, sells = (np.empty(length, dtype=np.int32) for _ in range(2))
    qty, profit = (np.empty(length, dtype=np.int64) for _ in range(2))
    bought, sold, bounds = _Line(), _Line(), _Bounds()
    room = _room(2 * block)
    done = matched = 0
    for first in range(0, length, block):
        new = fills.of(first, first + block)
        if not bounds.hold(new, laid=bought.reached + sold.reached):
            return None
        is_buy = new.side > 0
        bought.append(np.flatnonzero(is_buy), new.qty, first=first)
        sold.append(np.flatnonzero(~is_buy), new.qty, first=first)
        while bought.blocks and sold.blocks:
            limit = min(bought.ends[-1], sold.ends[-1])
            buy_ends, sell_ends = _upto(bought.ends, limit), _upto(sold.ends, limit)
            units, buy, sell = _merge(buy_ends, sell_ends, matched, room=room)
            here = slice(done, done + len(units))
            buy, sell = bought.positions_of(buy), sold.positions_of(sell)
            gain = fills.price.take(sell, mode="clip")
            gain -= fills.price.take(buy, mode="clip")
            np.multiply(gain, units, out=profit[here])
            buys[here], sells[here], qty[here] = buy, sell, units
            done, matched = here.stop, int(limit)
            bought.drop(len(buy_ends))
            sold.drop(len(sell_ends))
    return Matches(buys[:done], sells[:done], qty[:done], profit[:done])


def _room(cuts: int) -> Integers:
    """Room to merge in, used again and again: fresh memory costs more than the arithmetic."""
    return np.empty((3, cuts + 1), dtype=np.int64)


def _merge(
    buy_ends: Integers, sell_ends: Integers, start: int, *, room: Integers
) -> tuple[Integers, Integers, Integers]:
    """The units, the buy and the sell of each overlap beyond `start`; they may lie in `room`.

    Both runs end beyond `start`, and the longer of the two lines ends where the shorter does.
    """
    split, count = len(buy_ends), len(buy_ends) + len(sell_ends)
    cuts, sells, units = room[0, :count], room[1, : count + 1], room[2, :count]
    np.left_shift(buy_ends, 1, out=cuts[:split])
    np.left_shift(sell_ends, 1, out=cuts[split:])
    cuts[split:] |= 1
    cuts.sort(kind="stable")  # two sorted runs: a merge
    sells[0] = 0
    np.bitwise_and(cuts, 1, out=sells[1:])
    np.cumsum(sells, out=sells)
    cuts >>= 1
    units[0] = cuts[0] - start
    np.subtract(cuts[1:], cuts[:-1], out=units[1:])
    if units.all():
        cut = np.arange(count)
        sells = sells[:-1]
    else:  # where a buy and a sell end together, the second cut bounds nothing
        cut = np.flatnonzero(units != 0)
        units, sells = units.take(cut, mode="clip"), sells.take(cut, mode="clip")
    cut -= sells
    return units, cut, sells


def _upto(ends: Integers, limit: np.int64) -> Integers:
    """The ends that are not beyond the limit."""
    return ends if ends[-1] == limit else ends[: int(ends.searchsorted(limit, "right"))]


def _vectorised(buy_ends: Sequence[int], sell_ends: Sequence[int], start: int) -> list[Overlap]:
    buys = np.asarray(buy_ends, dtype=np.int64)
    sells = np.asarray(sell_ends, dtype=np.int64)
    found = overlap_arrays(buys, sells, start=start)
    columns = (found.starts, found.ends, found.buys, found.sells)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _stepwise(
    buy_ends: Sequence[int], sell_ends: Sequence[int], start: int, limit: int
) -> list[Overlap]:
    found: list[Overlap] = []
    buy = sell = 0
    while start < limit:
        while buy_ends[buy] <= start:
            buy += 1
        while sell_ends[sell] <= start:
            sell += 1
        end = min(buy_ends[buy], sell_ends[sell])
        found.append((start, end, buy, sell))
        start = end
    return found


def _exactly(fills: Fills) -> Matches:
    """Match in Python's integers, which have no bound."""
    bought, sold = np.flatnonzero(fills.side > 0), np.flatnonzero(fills.side < 0)
    buy_ends, sell_ends = (list(accumulate(fills.qty[at].tolist())) for at in (bought, sold))
    limit = min(buy_ends[-1], sell_ends[-1]) if buy_ends and sell_ends else 0
    found = _stepwise(buy_ends, sell_ends, 0, limit)
    buys = bought[np.array([buy for _, _, buy, _ in found], dtype=np.int64)]
    sells = sold[np.array([sell for _, _, _, sell in found], dtype=np.int64)]
    qty = np.array([end - start for start, end, _, _ in found], dtype=np.int64)
    price = fills.price.astype(object)
    profit = (price[sells] - price[buys]) * qty.astype(object)
    return Matches(buys.astype(np.int32), sells.astype(np.int32), qty, profit)
