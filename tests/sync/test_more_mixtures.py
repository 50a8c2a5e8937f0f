"""The second half of the mixtures of faults, so that two processes share the work."""

import pytest

from tests.sync.test_every_fault import MIXTURES, hold, mixture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(MIXTURES // 2, MIXTURES))
async def test_many_more_mixtures(database_url: str, seed: int) -> None:
    """Some faults at once, drawn by a seed."""
    await hold(database_url, mixture(seed))
