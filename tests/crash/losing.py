"""A COMMIT whose answer is lost: the server has done it, and nobody is told.

The process cannot know whether its transaction counts, so all that it may do is say so, and do the
same again in a way that does no harm when it did count.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.crash.following import following
from tests.crash.killing import NOT_REACHED, WHOLE
from tests.crash.rig import Rig
from tests.crash.wire import Fate, Passing

UNHEARD = "after COMMIT"
SAID_MAX = 400  # characters of a sentence


@dataclass(slots=True)
class Deaf:
    """Loses the answer to the nth COMMIT from when it was armed."""

    number: int
    passed: int = 0
    lost: int = 0

    def arm(self, number: int) -> None:
        """Once more, from here on."""
        self.number, self.passed = number, 0

    def __call__(self, passing: Passing) -> Fate:
        """Whether this one is lost."""
        self.passed += passing.point == UNHEARD
        if passing.point != UNHEARD or self.passed != self.number:
            return Fate.PASS
        self.lost += 1
        return Fate.CUT


async def commits_of(rig: Rig) -> int:
    """How many commits an undisturbed backfill makes."""
    rig.wire.watch()
    await rig.finish(rig.wire.through(rig.database()))
    return rig.wire.hits[UNHEARD]


async def lose(rig: Rig, number: int) -> str:
    """One cycle: lose the answer to one commit, look at what is said, and run again."""
    await rig.undisturbed()
    url, deaf = rig.database(), Deaf(number)
    rig.wire.watch(deaf)
    ended = await (await rig.backfill(rig.wire.through(url))).ended()
    rig.wire.watch()
    if not deaf.lost:
        return NOT_REACHED
    if ended.code != 0:
        must_be_a_sentence(ended.err)
        await rig.finish(url)
    await rig.must_be_whole(url)
    return WHOLE


def must_be_a_sentence(said: str) -> None:
    """No traceback, and the last line names the database."""
    assert "Traceback" not in said, said
    last = (said.strip().splitlines() or [""])[-1]
    assert "database" in said.lower() or "PostgreSQL" in said, f"not about the database: {last!r}"
    assert len(last) <= SAID_MAX, last


async def lose_while_live(rig: Rig, numbers: Iterable[int]) -> int:
    """A follower loses the nth answer after each of some fills; returns how many were lost."""
    url, deaf = rig.database(), Deaf(0)
    async with following(rig, url, through=rig.wire.through(url)) as one:
        rig.wire.watch(deaf)
        for number in numbers:
            deaf.arm(number)
            await one.trade()
            await one.laid()
        deaf.arm(0)
        await one.trade()
        await one.laid()
        await one.end()
    rig.wire.watch()
    await one.must_hold_truth()
    return deaf.lost
