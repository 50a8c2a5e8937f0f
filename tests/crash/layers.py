"""The rigs as layers of a long run: so many cycles from a seed, and what they came to.

`python -m tests.crash.layers crash --count 50 --seed 7` runs one of them and prints a line for each
cycle. Each layer has a server of its own. A cycle that fails is reported and ends nothing.
"""

import argparse
import asyncio
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from itertools import cycle, islice

import structlog

from papervenues.bybit import Settings
from tests.crash import failing, filling, following, killing, losing, outages, pausing
from tests.crash.killing import NOT_REACHED, WHOLE
from tests.crash.rig import SETTINGS, Rig, own_server, rig
from tests.simulation.report import LayerReport

Cycle = tuple[str, Callable[[], Awaitable[str]]]
Cycles = AsyncGenerator[Cycle, None]
Tell = Callable[[str], None]

FAILED = "failed"
FAILURES_KEPT_MAX = 20
SPARE_SHARE = 10  # one in so many cycles may not reach its point; others take their place
STATEMENTS = 1_000  # of a backfill, about; where the server goes down or the disk fills up
FILLS = 4
LIVE_COMMITS_MAX = 12
LIVE_EVERY = 10  # of so many cycles of commits and outages one is a follower's
WORKERS_MIN, WORKERS_MAX = 2, 6


@asynccontextmanager
async def own_rig(*, settings: Settings = SETTINGS) -> AsyncIterator[Rig]:
    """A rig on a server of its own."""
    with own_server() as (url, template):
        async with rig(url, template, settings=settings) as one:
            yield one


async def crashes(count: int, seed: int) -> Cycles:
    """kill -9 at every named point, each at its first, second and middle hit, then over again."""
    async with own_rig() as one:
        points = await killing.points_of(one)
        order = killing.sample(points, count=len(points), seed=seed)
        for point in islice(cycle(order), count):
            yield str(point), partial(killing.kill_at, one, point)


async def commits(count: int, seed: int) -> Cycles:
    """The answer to a COMMIT is lost: each one of a backfill, and many under a follower."""
    async with own_rig() as one, own_rig(settings=following.until_now()) as trading:
        commits = await losing.commits_of(one)
        draws = random.Random(seed)
        order = draws.sample(range(1, commits + 1), commits)
        for number in range(count):
            if number % LIVE_EVERY == LIVE_EVERY - 1:
                later = (draws.randrange(1, LIVE_COMMITS_MAX) for _ in range(FILLS - 1))
                numbers = (1, *later)  # the first one makes it begin anew, with many commits
                yield f"commits {numbers} after fills", partial(_live, trading, numbers)
            else:
                which = order[number % commits]
                yield f"commit {which}", partial(losing.lose, one, which)


async def _live(trading: Rig, numbers: tuple[int, ...]) -> str:
    lost = await losing.lose_while_live(trading, numbers)
    return WHOLE if lost else NOT_REACHED


async def servers(count: int, seed: int) -> Cycles:
    """PostgreSQL aborted and killed in the midst of a backfill, and under a follower."""
    draws = random.Random(seed)
    async with outages.server_at() as (server, url), outages.rig_at(url) as one:
        for number in range(count):
            how = draws.choice((outages.ABORT, outages.ABORT, outages.ABORT, outages.KILL))
            at = draws.randrange(1, STATEMENTS)
            if number % LIVE_EVERY == LIVE_EVERY - 1:
                yield f"{how.name} while live", partial(outages.fall_alive, url, server, how)
            else:
                fall = partial(outages.fall_in_backfill, one, server, how, at)
                yield f"{how.name} at statement {at}", fall


async def disks(count: int, seed: int) -> Cycles:
    """The disk of the database is full from some statement on."""
    draws = random.Random(seed)
    async with filling.disk() as at:
        for number in range(count):
            fills = partial(
                filling.fill_in_backfill,
                at,
                number=1 + number * STATEMENTS // max(1, count),
                leave_kb=draws.choice((0, 0, 64, 256)),
                in_log=number % 4 == 3,
            )
            yield f"disk full {fills.keywords}", fills


async def statements(count: int, seed: int) -> Cycles:
    """The nth statement of a pass fails: refused, cut off before it, cut off after it."""
    async with own_rig() as one:
        nth = await failing.nth(one)
        every = [(number, how) for number in range(1, nth.statements + 1) for how in failing.How]
        random.Random(seed).shuffle(every)
        for number, how in islice(cycle(every), count):
            yield f"statement {number}: {how.value}", partial(nth.must_heal, number, how)


async def workers(count: int, seed: int) -> Cycles:
    """Several workers on one account, and one that sleeps past its lease."""
    draws = random.Random(seed)
    async with own_rig() as one:
        for number in range(count):
            if number % 3 == 2:
                at = draws.randrange(30, 70)
                yield f"asleep at commit {at}", partial(pausing.sleep_past_the_lease, one, at)
            else:
                many = draws.randint(WORKERS_MIN, WORKERS_MAX)
                yield f"{many} at once", partial(pausing.side_by_side, one, many)


LAYERS: Mapping[str, Callable[[int, int], Cycles]] = {
    "crash": crashes,
    "commit": commits,
    "postgres": servers,
    "disk": disks,
    "nth": statements,
    "workers": workers,
}


def run(name: str, count: int, seed: int, *, tell: Tell = lambda _: None) -> LayerReport:
    """Run a layer and report it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.WARNING)  # the pool's: what it is here for happens all the time
    return asyncio.run(run_cycles(name, count, seed, tell=tell))


async def run_cycles(name: str, count: int, seed: int, *, tell: Tell) -> LayerReport:
    """One cycle after the other."""
    begun, outcomes, failures = time.monotonic(), Counter[str](), list[str]()
    spare = 1 + count // SPARE_SHARE
    async with aclosing(LAYERS[name](count + spare, seed)) as cycles:
        async for title, go in cycles:
            try:
                outcome = await go()
            except AssertionError as error:
                outcome = f"{FAILED}: {error}"
                failures.append(f"{title}: {error}")
            tell(f"{title}: {outcome}")
            outcomes[_kind(outcome)] += 1
            if outcomes.total() - outcomes[NOT_REACHED] >= count:
                break
    return LayerReport(
        name=name,
        planned=count,
        done=outcomes.total() - outcomes[NOT_REACHED],
        failed=len(failures),
        seconds=time.monotonic() - begun,
        detail={"seed": seed, "outcomes": dict(outcomes), "failures": failures[:FAILURES_KEPT_MAX]},
    )


def _kind(outcome: str) -> str:
    if outcome.startswith(FAILED):
        return FAILED
    return NOT_REACHED if outcome == NOT_REACHED else WHOLE


def main() -> int:
    """One layer, as it was asked for."""
    asked = argparse.ArgumentParser(description="Run one layer of crashes.")
    asked.add_argument("layer", choices=LAYERS)
    asked.add_argument("--count", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1)
    told = asked.parse_args()
    report = run(told.layer, told.count, told.seed, tell=_say)
    _say(f"{report.verdict}: {report.as_json()}")
    return int(report.failed > 0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
