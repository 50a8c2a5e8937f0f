"""kill -9 of a real process at a named point, and what came of it.

The points are found, not listed: a dry run tells which statements a sync sends and which questions
it asks, and each of them is a point, at its first, second and middle hit.
"""

import random
from dataclasses import dataclass, field

from tests.crash.nursery import Child
from tests.crash.rig import Rig
from tests.crash.wire import Fate, Passing

NOT_REACHED = "not reached"
WHOLE = "whole"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """Where a process is killed."""

    name: str
    hit: int

    def __str__(self) -> str:
        return f"{self.name} #{self.hit}"


@dataclass(slots=True)
class Killer:
    """Watches for a point and kills the process that has come there."""

    point: Point
    child: Child | None = None
    struck: bool = False

    def passing(self, passing: Passing) -> Fate:
        """At a statement."""
        return Fate.CUT if self.seen(passing.point, passing.hit) else Fate.PASS

    def seen(self, point: str, hit: int) -> bool:
        """At any point; true once the process is dead."""
        if Point(point, hit) == self.point:
            self.struck = True
            self.aim(self.child)
        return self.struck

    def aim(self, child: Child | None) -> None:
        """Which process it is; it is killed at once if it was there already."""
        self.child = child
        if self.struck and child is not None:
            child.kill()


async def points_of(rig: Rig) -> list[Point]:
    """Every point of a backfill: a dry run passes them all."""
    url = rig.database()
    rig.wire.watch()
    rig.exchange.watch()
    await rig.finish(rig.wire.through(url))
    hits = {**rig.wire.hits, **rig.exchange.hits}
    return sorted(
        Point(name, hit) for name, most in hits.items() for hit in {1, min(2, most), most // 2 + 1}
    )


def sample(points: list[Point], *, count: int, seed: int) -> list[Point]:
    """Some points, no name twice before each name was there once."""
    drawn = random.Random(seed).sample(points, len(points))
    chosen: list[Point] = []
    while drawn and len(chosen) < count:
        fresh = list({point.name: point for point in reversed(drawn)}.values())
        random.Random(seed + len(chosen)).shuffle(fresh)
        chosen += fresh[: count - len(chosen)]
        drawn = [point for point in drawn if point not in set(fresh)]
    return chosen


async def kill_at(rig: Rig, point: Point) -> str:
    """One cycle: kill there, look, resume, and look again."""
    await rig.undisturbed()
    url, killer = rig.database(), Killer(point)
    rig.wire.watch(killer.passing)
    rig.exchange.watch(killer.seen)
    child = await rig.backfill(rig.wire.through(url))
    killer.aim(child)
    ended = await child.ended()
    rig.wire.watch()
    rig.exchange.watch()
    if not killer.struck:
        assert ended.code == 0, ended
        return NOT_REACHED
    assert ended.code == -9, ended
    await rig.finish(url)
    await rig.must_be_whole(url)
    return WHOLE


@dataclass(slots=True)
class Tally:
    """Cycles and their outcomes."""

    outcomes: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """Which were not whole afterwards."""
        return [
            f"{name}: {told}"
            for name, told in self.outcomes.items()
            if told not in (WHOLE, NOT_REACHED)
        ]

    def table(self) -> str:
        """One line for each."""
        return "\n".join(f"{told:12} {name}" for name, told in self.outcomes.items())


async def kill_at_each(rig: Rig, points: list[Point]) -> Tally:
    """One cycle for each point; a failure does not end the others."""
    tally = Tally()
    for point in points:
        try:
            tally.outcomes[str(point)] = await kill_at(rig, point)
        except AssertionError as error:
            tally.outcomes[str(point)] = f"{error}"
    return tally
