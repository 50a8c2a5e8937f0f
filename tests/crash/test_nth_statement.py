"""Whichever statement fails, the next pass makes the book whole."""

from itertools import cycle

import pytest

from tests.crash.failing import How, nth
from tests.crash.rig import rig

pytestmark = pytest.mark.slow

CYCLES = 16


async def test_the_nth_statement_may_fail_for_any_n(server_url: str, template: str) -> None:
    """Spread over a pass: refused by the server, cut off before it, cut off after it."""
    async with rig(server_url, template) as one:
        all_of_it = await nth(one)
        step = all_of_it.statements // CYCLES
        for number, how in zip(range(1, all_of_it.statements, step), cycle(How), strict=False):
            failed = await all_of_it.fail(number, how)
            assert failed is None or failed.is_sentence, failed
