"""Prices beyond the end of history, and when they first reach a level.

The walk of the first eight goes on from the last point of its path, on the same grid and by the
same rule, drawn from a stream of its own, so that nothing of the history depends on how far it is
followed. All other instruments follow one of those, as they do inside the history. Between two
points of the grid the price is a straight line rounded to ticks, so the first instant at a
level is found by bisection inside one step of the grid.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence

from papervenues.bybit import listings
from papervenues.draws import Draws
from papervenues.market import (
    GRID_MS,
    INSTRUMENTS,
    PULL_DIVISOR,
    SWING_SCALE,
    Instrument,
    PricePath,
)

RISING, FALLING = 1, -1


class LivePath(PricePath):
    """A path that is as long as it is asked to be; `_more` gives the point of an instant."""

    __slots__ = ("_more",)
    _more: "Callable[[array[int], int], int]"

    def __init__(self, path: PricePath, more: "Callable[[array[int], int], int]") -> None:
        super().__init__(path.start_ms, path.points[:])
        object.__setattr__(self, "_more", more)  # a path is frozen, but for its length

    def at(self, time_ms: int) -> int:
        """The price at an instant; before the path its first price."""
        self._reach(time_ms)
        return PricePath.at(self, time_ms)

    def first_at(self, level: int, *, direction: int, after_ms: int, until_ms: int) -> int | None:
        """The first instant in (after, until] with the price at or beyond a level, if any."""
        time_ms = after_ms
        while time_ms < until_ms:
            edge = self.edge_after(time_ms, until_ms=until_ms)
            low = time_ms + 1
            if self._meets(level, direction=direction, at_ms=low):
                return low
            if self._meets(level, direction=direction, at_ms=edge):
                return low + bisect_left(
                    range(low, edge),
                    1,
                    key=lambda at_ms: int(self._meets(level, direction=direction, at_ms=at_ms)),
                )
            time_ms = edge
        return None

    def edge_after(self, time_ms: int, *, until_ms: int) -> int:
        """The next point of the grid, or the end of what is looked at."""
        edge = self.start_ms + ((time_ms - self.start_ms) // GRID_MS + 1) * GRID_MS
        return min(edge, until_ms)

    def _meets(self, level: int, *, direction: int, at_ms: int) -> bool:
        return (self.at(at_ms) - level) * direction >= 0

    def _reach(self, time_ms: int) -> None:
        wanted = (time_ms - self.start_ms) // GRID_MS + 2
        while len(self.points) < wanted:
            instant = self.start_ms + len(self.points) * GRID_MS
            self.points.append(self._more(self.points, instant))


def going_on(
    paths: Sequence[PricePath], *, instruments: Sequence[Instrument], seed: int
) -> tuple[LivePath, ...]:
    """The paths of a run's instruments, able to go on beyond the end of history."""
    walkers = tuple(
        LivePath(path, _walk(instrument, seed=seed))
        for path, instrument in zip(paths, instruments[: len(INSTRUMENTS)], strict=False)
    )
    followers = tuple(
        LivePath(path, _follow(instrument, walkers[listings.underlying_of(instrument)]))
        for path, instrument in zip(paths[len(walkers) :], instruments[len(walkers) :], strict=True)
    )
    return walkers + followers


def _walk(instrument: Instrument, *, seed: int) -> "Callable[[array[int], int], int]":
    below = Draws("price goes on", seed, instrument.symbol).below
    swing, anchor = instrument.swing, instrument.first_price

    def more(points: "array[int]", _instant: int) -> int:
        price = points[-1]
        move = below(swing) + below(swing) - swing + 1
        drift = price * move // SWING_SCALE + (anchor - price) // PULL_DIVISOR + below(3) - 1
        return max(anchor // 4, price + drift)

    return more


def _follow(instrument: Instrument, walker: LivePath) -> "Callable[[array[int], int], int]":
    first = instrument.first_price
    divisor = INSTRUMENTS[listings.underlying_of(instrument)].first_price

    def more(_points: "array[int]", instant: int) -> int:
        return walker.at(instant) * first // divisor

    def worth(_points: "array[int]", instant: int) -> int:
        left_ms = max(0, instrument.delivery_ms - instant)
        return listings.premium(instrument, walker.at(instant), left_ms=left_ms)

    return worth if instrument.category == "option" else more
