"""Workers that meet on one account: several at once, and one that slept through its lease."""

import asyncio
import signal
from dataclasses import dataclass

import psycopg

from tests.crash.killing import WHOLE
from tests.crash.nursery import Child
from tests.crash.rig import Rig
from tests.crash.wire import Fate, Passing

HEAD = "SELECT generation, chain_seq FROM ops.chain_heads"
WRITTEN = (
    HEAD,
    "SELECT count(*) FROM facts.raw_records",
    "SELECT count(*) FROM facts.windows",
    "SELECT count(*) FROM derived.lines",
)
RUN_OUT = "UPDATE ops.leases SET expires_at = now() - interval '1 second'"
WAITED_FOR = 3  # the exit code of who found somebody else at work


async def side_by_side(rig: Rig, workers: int) -> str:
    """Several backfills of one account at once: who finds another at work says so."""
    await rig.undisturbed()
    rig.wire.watch()
    url = rig.database()
    children = [await rig.backfill(url) for _ in range(workers)]
    ended = await asyncio.gather(*(child.ended() for child in children))
    done = sum(one.code == 0 for one in ended)
    for one in ended:
        assert one.code in (0, WAITED_FOR), one
        assert one.code == 0 or "Another worker" in one.err, one
    assert done, "nobody came through"
    await rig.must_be_whole(url)
    return f"{WHOLE}, done by {done}"


@dataclass(slots=True)
class Sleep:
    """Stops the process behind a wire when a COMMIT has been done for the nth time."""

    number: int
    child: Child | None = None
    sleeps: bool = False

    def __call__(self, passing: Passing) -> Fate:
        """It is stopped before it hears that its transaction counts."""
        if passing.point == "after COMMIT" and passing.hit == self.number and self.child:
            self.child.signal(signal.SIGSTOP)
            self.sleeps = True
        return Fate.PASS


async def sleep_past_the_lease(rig: Rig, number: int) -> str:
    """One sleeps, another takes over and finishes, the first wakes up: what it says."""
    await rig.undisturbed()
    url, sleep = rig.database(), Sleep(number)
    rig.wire.watch(sleep)
    sleep.child = child = await rig.backfill(rig.wire.through(url))
    while not sleep.sleeps:
        assert not child.code.done(), await child.ended()
        await asyncio.sleep(0.01)
    with psycopg.connect(url) as conn:
        conn.execute(RUN_OUT)
    await rig.finish(url)
    before = _written(url)
    child.signal(signal.SIGCONT)
    ended = await child.ended()
    rig.wire.watch()
    assert ended.code == WAITED_FOR, ended
    assert "taken over" in ended.err, ended
    assert before == _written(url), "the one that slept has written"
    await rig.must_be_whole(url)
    return ended.err


def _written(url: str) -> list[tuple[object, ...] | None]:
    with psycopg.connect(url) as conn:
        return [conn.execute(query).fetchone() for query in WRITTEN]
