"""What reading came to: windows, pages, rows, and which windows took longest."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from fillbook.ledger.timings import KEPT_OF_A_RUN_MAX, Timed

Phase = Literal["fetch", "book", "prove"]

MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Tally:
    """Counts as windows come to their ends, well or badly."""

    windows: int = 0
    pages: int = 0
    rows: int = 0
    failed: int = 0
    slowest: list[Timed] = field(default_factory=list)
    spent: Counter[Phase] = field(default_factory=Counter)  # in milliseconds; phases overlap

    def add(self, timed: Timed) -> None:
        """One more window."""
        self.windows += 1
        self.pages += timed.pages
        self.rows += timed.row_count
        self.failed += bool(timed.failed)
        self._keep([timed])

    def take_in(self, other: "Tally") -> None:
        """What another counted, too."""
        self.windows += other.windows
        self.pages += other.pages
        self.rows += other.rows
        self.failed += other.failed
        self.spent.update(other.spent)
        self._keep(other.slowest)

    @contextmanager
    def spending(self, phase: Phase, clock: Callable[[], datetime]) -> Iterator[None]:
        """What the block takes is time spent in a phase."""
        begun = clock()
        try:
            yield
        finally:
            self.spent[phase] += in_ms(clock() - begun)

    def _keep(self, more: list[Timed]) -> None:
        self.slowest = heapq.nlargest(
            KEPT_OF_A_RUN_MAX, [*self.slowest, *more], key=lambda timed: timed.took
        )


def in_ms(took: timedelta) -> int:
    """A duration as a log tells it."""
    return took // MILLISECOND
