"""Workers that meet on one account come to the same book as one."""

import pytest

from tests.crash.pausing import side_by_side, sleep_past_the_lease
from tests.crash.rig import rig

pytestmark = pytest.mark.slow


async def test_many_at_once_come_to_the_same_book(server_url: str, template: str) -> None:
    """Two and five processes backfill a fresh account: one works, the others say so and leave."""
    async with rig(server_url, template) as one:
        for workers in (2, 5):
            await side_by_side(one, workers)


async def test_one_that_slept_past_its_lease_cannot_write(server_url: str, template: str) -> None:
    """SIGSTOP, another takes over and finishes, SIGCONT: a sentence, and not a row."""
    async with rig(server_url, template) as one:
        said = [await sleep_past_the_lease(one, number) for number in (20, 50)]

    assert all("taken over" in one for one in said)
