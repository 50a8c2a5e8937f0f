"""The unit line: FIFO without replay.

Lay the units bought end to end on one line and the units sold on another, each in total order. The
k-th unit bought is matched with the k-th unit sold. Proof: FIFO keeps unmatched units of one side
only, in order; each arriving opposite unit takes the first of them; so by induction matches happen
in order on both lines. It holds through shorts and flips: whichever of the two came first is the
entry.

A side is given by the ends of its intervals, strictly rising. Matches are the overlaps of the two
sides: a merge of two sorted lists. Units are integers. Below 2^62 the merge is vectorised; beyond,
the same merge runs on Python's integers. The bound is checked before the fast path is taken,
because NumPy overflows silently.
"""

from collections.abc import Sequence

import numpy as np

FAST_PATH_MAX = 2**62

Overlap = tuple[int, int, int, int]  # unit start, unit end, index of the buy, index of the sell


def overlaps(buy_ends: Sequence[int], sell_ends: Sequence[int], *, start: int = 0) -> list[Overlap]:
    """Every overlap of a buy with a sell beyond `start`, in order."""
    if not buy_ends or not sell_ends:
        return []
    limit = min(buy_ends[-1], sell_ends[-1])
    if limit <= start:
        return []
    if max(buy_ends[-1], sell_ends[-1]) < FAST_PATH_MAX:
        return _vectorised(buy_ends, sell_ends, start, limit)
    return _stepwise(buy_ends, sell_ends, start, limit)


def _vectorised(
    buy_ends: Sequence[int], sell_ends: Sequence[int], start: int, limit: int
) -> list[Overlap]:
    buys = np.asarray(buy_ends, dtype=np.int64)
    sells = np.asarray(sell_ends, dtype=np.int64)
    cuts = np.concatenate((buys, sells))
    cuts.sort(kind="stable")  # two sorted runs: a merge
    cuts = cuts[(cuts > start) & (cuts <= limit)]
    ends = cuts[np.append(True, cuts[1:] != cuts[:-1])]
    starts = np.empty_like(ends)
    starts[0] = start
    starts[1:] = ends[:-1]
    buy_index = np.searchsorted(buys, starts, side="right")
    sell_index = np.searchsorted(sells, starts, side="right")
    return list(
        zip(starts.tolist(), ends.tolist(), buy_index.tolist(), sell_index.tolist(), strict=True)
    )


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
