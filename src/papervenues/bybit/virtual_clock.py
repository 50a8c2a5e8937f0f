"""A clock that stands still until somebody moves it.

Handed to `running(...)` it makes months pass in a moment. It never goes back: what happened
has happened.
"""

from dataclasses import dataclass

STEP_MS_MAX = 10 * 366 * 86_400_000


class ClockError(ValueError):
    """The clock was asked to do what it cannot."""


@dataclass(slots=True, eq=False)
class VirtualClock:
    """Unix milliseconds, moved by hand."""

    now_ms: int

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, step_ms: int) -> int:
        """Move on by so much; the answer is the new time."""
        return self.move_to(self.now_ms + step_ms)

    def move_to(self, time_ms: int) -> int:
        """Move on to an instant; the answer is the new time."""
        if not self.now_ms <= time_ms <= self.now_ms + STEP_MS_MAX:
            raise ClockError(f"the clock stands at {self.now_ms} and cannot go to {time_ms}")
        self.now_ms = time_ms
        return time_ms
