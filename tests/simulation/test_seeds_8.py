"""Seeds of the simulation, part 8 of 8; parts are files so that test processes share them."""

from pathlib import Path

import pytest

from tests.simulation.commit_seeds import ITEMS_A_FILE, seeds_of
from tests.simulation.holding import ITEM_SECONDS_MAX, hold

PART = 8


@pytest.mark.slow
@pytest.mark.timeout(ITEM_SECONDS_MAX)
@pytest.mark.parametrize("item", range(ITEMS_A_FILE))
def test_invariants_hold(simulation_url: str, results: Path, item: int) -> None:
    """Whatever goes wrong, every invariant holds after every step, and the book ends exact."""
    hold(seeds_of(PART, item), simulation_url, results, name=f"seeds-{PART}-{item}")
