"""One test's seeds: all are run, what they came to is left for the end, and all must hold."""

from collections.abc import Sequence
from pathlib import Path

from tests.simulation.many_seeds import one_line, quietly
from tests.simulation.report import summed
from tests.simulation.simulation import simulate_here

ITEM_SECONDS_MAX = 600


def hold(seeds: Sequence[int], url: str, results: Path, *, name: str) -> None:
    """Run seeds one after the other."""
    with quietly():
        outcomes = [simulate_here(seed, url) for seed in seeds]
    summed(outcomes).dump(results / f"{name}.json")
    violated = [f"seed {one.seed}: {one_line(one)}" for one in outcomes if one.violation]

    assert [] == violated
