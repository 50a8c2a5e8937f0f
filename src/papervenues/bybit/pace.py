"""Steers how often bots act, so that a history reaches the wanted number of executions.

The mean pause before the next order follows from the executions still wanted and the time
still left. The last few percent of the time, the tail, keep some executions in reserve: in it
bots enter but do not leave, so that a history ends with open positions.
"""

from dataclasses import dataclass

from papervenues.bybit.settings import HOUR_MS
from papervenues.draws import Draws

ROWS_PER_100_ORDERS = 265
# A bot sends about this many orders in tenths while it holds something, after one when flat.
TENTHS_OF_ORDERS_HELD = 27
HOLD_GAP_MS_MAX = 6 * HOUR_MS
TAIL_PERCENT = 3
RESERVE_PERCENT = 3
RESERVE_MIN = 20


@dataclass(slots=True)
class Pace:
    """Counts what was spent and says how long to wait."""

    wanted: int
    start_ms: int
    end_ms: int
    weights: int
    spent: int = 0

    @property
    def tail_ms(self) -> int:
        """When the tail begins."""
        length = (self.end_ms - self.start_ms) * TAIL_PERCENT // 100
        return self.end_ms - max(HOUR_MS, length)

    def in_tail(self, now: int) -> bool:
        """Whether the end is near."""
        return now >= self.tail_ms

    def spend(self, rows: int) -> None:
        """Count rows that were booked or are planned; a negative number gives them back."""
        self.spent += rows

    def room(self, now: int) -> int:
        """The executions that may still be spent at this instant."""
        if self.in_tail(now):
            return self.wanted - self.spent
        reserve = max(RESERVE_MIN, self.wanted * RESERVE_PERCENT // 100)
        return self.wanted - min(reserve, self.wanted // 5) - self.spent

    def exhausted(self, now: int) -> bool:
        """Whether nothing may be spent now."""
        return self.room(now) <= 0

    def mean_gap(self, now: int, weight: int) -> int:
        """The mean pause of a slot of this weight, when all slots keep to theirs."""
        rows = max(1, self.room(now))
        left = max(1, (self.end_ms if self.in_tail(now) else self.tail_ms) - now)
        return left * ROWS_PER_100_ORDERS * self.weights // (rows * 100 * weight)

    def gap(self, now: int, weight: int, *, holding: bool, draws: Draws) -> int:
        """A pause by chance, short enough that the slot wakes up again before the end.

        Who holds something acts within hours, however slow the pace; who is flat waits longer
        in return. So a slow history has few positions that stay open for weeks.
        """
        left = max(1, (self.end_ms if self.in_tail(now) else self.tail_ms) - now)
        if self.exhausted(now) and not holding:
            # Outside the tail its reserve is untouched: wait for it.
            return left + (draws.below(self.end_ms - self.tail_ms) if left > 1 else 0)
        mean = self.mean_gap(now, weight)
        held = min(mean, HOLD_GAP_MS_MAX // 2)
        if holding and not self.in_tail(now):
            return 1 + draws.below(2 * held + 1)
        if not holding:
            mean += (mean - held) * TENTHS_OF_ORDERS_HELD // 10
        return 1 + draws.below(max(1, min(2 * mean, left // 2)))
