"""How fast one endpoint may be asked.

Two rules hold together. Requests lie on evenly spaced slots, so that others who use the same key
find room; somebody who is late may catch up a little. And no rolling window holds more requests
than the limit: a venue counts at its own end of a line whose delay wavers, so the window that is
kept here is slightly longer than the venue's.

The limit is what the venue says in its headers. A ceiling and a smallest pause from the settings
only ever make it slower, and so does a refusal for haste, for a minute. Nothing is learnt from a
wall clock: waiting is measured with a stopwatch.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Protocol

from fillbook.errors import SettingError

UNTOLD_RATE = 10  # requests a second, where there is a ceiling and the venue has said nothing yet
UNPACED_RATE = 1_000  # whoever may ask this often is not slowed down
WINDOW_SECONDS = 1.015
CATCH_UP_SECONDS = 0.25
HOLD_SECONDS_MAX = 60.0
SLOWED_SECONDS = 60.0  # after a refusal for haste the own rate is halved for so long

Sleep = Callable[[float], Awaitable[object]]
Stopwatch = Callable[[], float]


class Shared(Protocol):
    """A bound that several pacers keep together."""

    def earliest(self) -> float:
        """The instant before which no further request fits."""
        ...

    def take(self, at: float) -> None:
        """A request will be sent at that instant."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceSettings:
    """What the user allows: the smallest pause between requests, and requests a second."""

    pause_min: timedelta | None = None
    rate_max: int | None = None

    def __post_init__(self) -> None:
        if self.rate_max is not None and self.rate_max < 1:
            raise SettingError("the rate limit per second must be at least 1")
        if self.pause_min is not None and self.pause_min < timedelta():
            raise SettingError("the pause between requests cannot be negative")

    def stricter(self, other: "PaceSettings") -> "PaceSettings":
        """Settings that keep to both."""
        pauses = [one for one in (self.pause_min, other.pause_min) if one is not None]
        rates = [one for one in (self.rate_max, other.rate_max) if one is not None]
        return PaceSettings(pause_min=max(pauses, default=None), rate_max=min(rates, default=None))


class Pacer:
    """Gives out the instants at which one endpoint is asked. Safe for concurrent callers."""

    def __init__(
        self,
        settings: PaceSettings,
        *,
        sleep: Sleep = asyncio.sleep,
        stopwatch: Stopwatch = time.monotonic,
        budget: Shared | None = None,
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._sleep = sleep
        self._stopwatch = stopwatch
        self._told: int | None = None
        self._slot = -inf
        self._held_until = -inf
        self._slowed_until = -inf
        self._sent: deque[float] = deque(maxlen=UNPACED_RATE)

    @property
    def rate(self) -> int | None:
        """Requests a second; None when nothing limits them."""
        ceiling = self._settings.rate_max
        told = self._told or (UNTOLD_RATE if ceiling else UNPACED_RATE)
        rate = min(told, ceiling or UNPACED_RATE)
        if self._stopwatch() < self._slowed_until:
            rate = max(1, rate // 2)
        return rate if rate < UNPACED_RATE else None

    def tighten(self, settings: PaceSettings) -> None:
        """Somebody else keeps this pace too, by settings of his own."""
        if settings != self._settings:
            self._settings = self._settings.stricter(settings)

    async def wait(self) -> None:
        """Sleep until the next request may go."""
        at = self._reserve()
        pause = at - self._stopwatch()
        if pause > 0:
            await self._sleep(pause)

    def _reserve(self) -> float:
        """Take the next slot. There is no wait in here, so two callers never take the same."""
        now = self._stopwatch()
        spacing = self._spacing()
        at = max(now, self._held_until, self._budget.earliest() if self._budget else -inf)
        if spacing:
            self._slot = max(self._slot + spacing, at - CATCH_UP_SECONDS)
            at = max(at, self._slot)
        pause_min = self._pause_min()
        if pause_min and self._sent:
            at = max(at, self._sent[-1] + pause_min)
        rate = self.rate
        if rate is not None and len(self._sent) >= rate:
            at = max(at, self._sent[-rate] + WINDOW_SECONDS)
        self._sent.append(at)
        if self._budget:
            self._budget.take(at)
        return at

    def _spacing(self) -> float:
        rate = self.rate
        return 1 / rate if rate else 0.0

    def _pause_min(self) -> float:
        pause = self._settings.pause_min
        return pause.total_seconds() if pause else 0.0

    def told(self, limit: int, remaining: int | None) -> None:
        """The venue said how many requests a second it takes, and how many are left of them."""
        if limit < 1:
            return
        self._told = limit
        if remaining is not None and remaining <= 0:
            # The window is full, perhaps by others: one more slot frees up within a spacing.
            self.hold(self._spacing())

    def hold(self, seconds: float) -> None:
        """Send nothing for that long."""
        seconds = min(seconds, HOLD_SECONDS_MAX)
        self._held_until = max(self._held_until, self._stopwatch() + seconds)

    def rejected(self, seconds: float) -> None:
        """The venue refused for haste: others use the key, or the limit is not what it said.

        For a while half as much is asked; without a limit from the venue, half of a careful one.
        """
        if self._told is None:
            self._told = UNTOLD_RATE
        self._slowed_until = self._stopwatch() + max(0.0, seconds) + SLOWED_SECONDS
        self.hold(seconds)
