"""kill -9 at any named point: the next run makes the book whole, and nothing is booked twice."""

import signal

import pytest

from tests.crash.following import FOLLOWER, SERVICE, following, until_now
from tests.crash.killing import WHOLE, Killer, Point, kill_at_each, points_of, sample
from tests.crash.rig import rig

pytestmark = pytest.mark.slow

NAMES_MIN = 45
CYCLES = 12
KINDS = {
    "before COMMIT", "after COMMIT", "amid facts.copy_raw", "amid laying.copy_lines",
    "before writing.lock_head", "after writing.renew_lease", "after writing.move_head",
    "before coverage.prove", "after runs.start_run", "before runs.end_run",
    "after writing.new_lease", "before writing.give_back_lease",
    "asked execution/list", "answered execution/list", "asked a page",
}  # fmt: skip
SEED = 20261121


async def test_a_process_killed_anywhere_loses_nothing(server_url: str, template: str) -> None:
    """A sample of the points, drawn by a seed; `tests.crash.layers crash` takes them all."""
    async with rig(server_url, template) as one:
        points = await points_of(one)
        tally = await kill_at_each(one, sample(points, count=CYCLES, seed=SEED))

    names = {point.name for point in points}
    assert len(names) >= NAMES_MIN
    assert set() == KINDS - names
    assert [] == tally.failed, tally.table()
    assert list(tally.outcomes.values()).count(WHOLE) >= CYCLES - 2, tally.table()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (FOLLOWER, "before facts.copy_raw"),
        (SERVICE, "amid facts.copy_executions"),
        (SERVICE, "after COMMIT"),
    ],
    ids=str,
)
async def test_who_is_killed_while_live_misses_no_fill(
    server_url: str, template: str, words: tuple[str, ...], name: str
) -> None:
    """kill -9 while it books what it has heard; the next one reads what that one left out."""
    async with rig(server_url, template, settings=until_now()) as one:
        url = one.database()
        async with following(one, url, through=one.wire.through(url), words=words) as first:
            killer = Killer(Point(name, 1), first.child)
            one.wire.watch(killer.passing)
            orders = [await first.trade(), await first.trade()]
            ended = await first.child.ended()
        one.wire.watch()
        async with following(one, url, through=url, words=words) as second:
            second.orders += orders
            await second.trade()
            await second.laid()
            await second.end()
        await second.must_hold_truth()

    assert killer.struck
    assert -signal.SIGKILL == ended.code
