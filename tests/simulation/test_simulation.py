"""The simulation itself: a seed is the same each time, and what strikes a worker has a name."""

import asyncio
import inspect
from pathlib import Path

import pytest

from papervenues.fault_table import FAULTS
from tests.simulation.blows import PAGES, every_point
from tests.simulation.commit_seeds import SEEDS, all_seeds, measured_seeds, regression_seeds
from tests.simulation.commit_seeds import seeds_of as seeds_of_item
from tests.simulation.holding import hold
from tests.simulation.invariants import CHECKS
from tests.simulation.many_seeds import quietly
from tests.simulation.plan import plan_of
from tests.simulation.simulation import simulate_here
from tests.simulation.statement_names import names_by_text
from tests.simulation.turns import Turns
from tests.simulation.virtual_loop import StuckError, VirtualLoop

REPLAYED = (7, 8)
FEW = range(11, 15)
POINTS_MIN = 45
OF_THE_PROTOCOL = frozenset(("BEGIN", "COMMIT", "copy_end"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", REPLAYED)
def test_a_seed_replays(simulation_url: str, seed: int) -> None:
    """Two runs of one seed do the same things in the same order, and come to the same book."""
    with quietly():
        one, two = (simulate_here(seed, simulation_url, keep_trace=True) for _ in range(2))

    assert list(one.trace) == list(two.trace)
    assert one.trace_hash == two.trace_hash
    assert "" == one.violation


@pytest.mark.timeout(240)
def test_some_seeds_hold(simulation_url: str, results: Path) -> None:
    """A few seeds for the quick run."""
    hold(FEW, simulation_url, results, name="few")


def test_other_seeds_are_other_worlds() -> None:
    """Plans differ, and the same seed has the same plan."""
    assert plan_of(3) == plan_of(3)
    assert len({plan_of(seed) for seed in range(50)}) == 50


def test_every_fault_is_drawn_by_some_seed() -> None:
    """No kind of fault is left out of the commit's seeds."""
    drawn = {name for seed in all_seeds() for name in plan_of(seed).struck}

    assert FAULTS.keys() - drawn == set()


def test_points_have_names_that_exist() -> None:
    """Each point is a statement of the ledger, a page, a message, or the end of a transaction."""
    known = set(names_by_text().values()) | OF_THE_PROTOCOL | set(PAGES)
    named = {point.partition(" ")[2] for point in every_point()}

    assert {name for name in named if "." in name and not name.startswith("page")} - known == set()
    assert len(every_point()) >= POINTS_MIN


def test_the_commits_seeds_are_so_many() -> None:
    """All tests together run each seed once, those that failed before among them."""
    shared = [
        seed for file in range(1, 9) for item in range(5) for seed in seeds_of_item(file, item)
    ]

    assert sorted([*shared, *measured_seeds()]) == sorted(all_seeds())
    assert len(set(all_seeds())) == SEEDS
    assert set(regression_seeds()) <= set(all_seeds())


def test_invariants_are_sentences() -> None:
    """Each check has a number and says in words what must hold."""
    assert all((inspect.getdoc(one) or "").endswith(".") for one in CHECKS)
    assert all(one.__name__.startswith("v") for one in CHECKS)


def test_a_month_passes_at_once() -> None:
    """Time on the loop jumps to the next timer."""

    async def sleep() -> float:
        await asyncio.sleep(30 * 86_400)
        return asyncio.get_running_loop().time()

    loop = VirtualLoop(Turns(1, None))  # type: ignore[arg-type]  # nothing is asked of a database
    try:
        assert 30 * 86_400 == loop.run_until_complete(sleep())
    finally:
        loop.close()


def test_a_wait_without_end_is_found() -> None:
    """When everything waits and no timer is set, nothing will ever happen."""
    loop = VirtualLoop(Turns(1, None))  # type: ignore[arg-type]
    forever = loop.create_future()
    with pytest.raises(StuckError, match="everything waits"):
        loop.run_until_complete(forever)
    forever.cancel()
    loop.close()
