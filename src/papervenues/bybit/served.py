"""What `execution/list` can show of one account: an index over the rows, in the venue's order.

The venue sorts by time. Rows of one millisecond lie by `seq`, and rows of one `seq` in no
meaningful order. A *place* is a row's number in that order; it never changes, so it serves as
the key of cursors: rows that become visible meanwhile shift no page.

Rows that are appended while it serves get the places after all others.

Hidden rows have no place. Late rows have one, but are seen only after their time was asked for
in a few walks. A walk is counted when its first page is asked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from papervenues.bybit.history import AccountHistory
from papervenues.draws import digest_of, hits
from papervenues.faults import FaultPlan

LATE_WALKS_MAX = 3
_SCRAMBLER = 0x9E3779B97F4A7C15
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows a request asks for; None means all. Symbols are indexes."""

    symbols: tuple[int, ...] | None = None
    exec_type: int | None = None
    order: int | None = None


class Served:
    """The index of one account."""

    def __init__(self, history: AccountHistory, *, faults: FaultPlan) -> None:
        self._history = history
        self._faults = faults
        self._indexed = 0
        self._late: dict[int, int] = {}
        self.rows: Longs = np.zeros(0, dtype=np.int64)
        self._times: Longs = np.zeros(0, dtype=np.int64)
        self._selections: dict[Filter, tuple[Longs, Longs]] = {}
        self._catch_up()

    def _catch_up(self) -> None:
        """Index the rows that came since the last time."""
        history, first = self._history, self._indexed
        if first == len(history):
            return
        self._indexed = len(history)
        times = np.array(history.executions.time_ms[first:], dtype=np.int64)
        seqs = np.array(history.executions.seq[first:], dtype=np.int64)
        numbers = np.arange(first, first + len(times), dtype=np.int64)
        scrambled = numbers.astype(np.uint64) * np.uint64(_SCRAMBLER)
        order = np.lexsort((scrambled, seqs, times))
        hidden = _struck(history, "hidden_row", self._faults, first=first)
        if hidden:
            order = order[~np.isin(numbers[order], np.array(sorted(hidden), dtype=np.int64))]
        places = len(self.rows)
        self.rows = np.concatenate((self.rows, numbers[order]))
        self._times = np.concatenate((self._times, times[order]))
        self._selections.clear()
        late = _struck(history, "late_rows", self._faults, first=first)
        self._late |= {
            place: 1 + digest_of(history.seed, "late walks", int(row)) % LATE_WALKS_MAX
            for place, row in enumerate(self.rows[places:].tolist() if late else (), places)
            if row in late
        }

    def count_walk(self, *, start_ms: int, end_ms: int) -> None:
        """A walk over this window begins: late rows inside it come a step nearer."""
        self._catch_up()
        for place in [p for p in self._late if start_ms <= self._times[p] <= end_ms]:
            self._late[place] -= 1
            if self._late[place] < 0:
                del self._late[place]

    def newest_first(
        self, wanted: Filter, *, start_ms: int, end_ms: int, before: int | None, limit: int
    ) -> list[int]:
        """Up to `limit` places inside the window, below the place `before`."""
        self._catch_up()
        places, times = self._selected(wanted)
        low = int(np.searchsorted(times, start_ms, side="left"))
        high = int(np.searchsorted(times, end_ms, side="right"))
        if before is not None:
            high = min(high, int(np.searchsorted(places, before, side="left")))
        found: list[int] = []
        while high > low and len(found) < limit:
            first = max(low, high - (limit - len(found)))
            found.extend(
                place for place in places[first:high][::-1].tolist() if place not in self._late
            )
            high = first
        return found

    def row_at(self, place: int) -> int:
        """The row that lies at a place."""
        return int(self.rows[place])

    def __len__(self) -> int:
        return len(self.rows)

    def _selected(self, wanted: Filter) -> tuple[Longs, Longs]:
        if wanted.order is not None:
            return self._pick(wanted)
        known = self._selections.get(wanted)
        if known is None:
            known = self._selections[wanted] = self._pick(wanted)
        return known

    def _pick(self, wanted: Filter) -> tuple[Longs, Longs]:
        history = self._history
        of_rows = np.array(history.executions.order, dtype=np.int64)[self.rows]
        keep = np.ones(len(of_rows), dtype=np.bool_)
        if wanted.order is not None:
            keep &= of_rows == wanted.order
        if wanted.symbols is not None:
            symbols = np.array(history.orders.symbol, dtype=np.int8)[of_rows]
            keep &= np.isin(symbols, np.array(wanted.symbols, dtype=np.int8))
        if wanted.exec_type is not None:
            types = np.array(history.executions.exec_type, dtype=np.int8)
            keep &= types[self.rows] == wanted.exec_type
        places = np.flatnonzero(keep).astype(np.int64)
        return places, self._times[places]


def _struck(history: AccountHistory, name: str, plan: FaultPlan, *, first: int) -> set[int]:
    """The rows from `first` on that a row fault strikes."""
    faults = plan.named(name)
    if not faults:
        return set()
    times = history.executions.time_ms
    return {
        row
        for row in range(first, len(history))
        for fault in faults
        if fault.covers(
            symbol=history.instrument_of(row).symbol, start_ms=times[row], end_ms=times[row]
        )
        and hits(history.seed, name, history.user_id, row, share_ppm=fault.share_ppm)
    }
