"""A COMMIT that counts and is not answered: nothing is lost by it, and nothing booked twice."""

import pytest

from tests.crash.following import until_now
from tests.crash.killing import WHOLE
from tests.crash.losing import commits_of, lose, lose_while_live
from tests.crash.rig import rig

pytestmark = pytest.mark.slow


async def test_any_commit_of_a_backfill_may_be_lost(server_url: str, template: str) -> None:
    """One that learns terms, one that books, one that proves, the last one: then a clean run."""
    async with rig(server_url, template) as one:
        commits = await commits_of(one)
        numbers = [3, 30, commits // 2, commits - 3]
        outcomes = [await lose(one, number) for number in numbers]

    assert [WHOLE] * len(numbers) == outcomes


async def test_a_follower_goes_on_by_itself(server_url: str, template: str) -> None:
    """The first, second, fifth COMMIT after a fill goes unheard: every fill is booked once."""
    async with rig(server_url, template, settings=until_now()) as one:
        lost = await lose_while_live(one, (1, 2, 5))

    assert lost >= 2
