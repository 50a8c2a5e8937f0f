"""A scripted Bybit for each test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from tests.venues.scripted_bybit import ScriptedBybit, scripted_bybit


@pytest.fixture
async def bybit() -> AsyncIterator[ScriptedBybit]:
    async with scripted_bybit() as running:
        yield running
