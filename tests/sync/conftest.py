"""Fixtures for the whole way: a second database to compare with."""

from collections.abc import AsyncIterator

import pytest

from papervenues.bybit import Settings
from tests.conftest import _databases
from tests.sync.book import Undisturbed, opened, whole


@pytest.fixture
async def undisturbed(server_url: str, template: str) -> AsyncIterator[Undisturbed]:
    """A function that backfills a history in one go, elsewhere, and returns the ledger hash."""
    with _databases(server_url) as make:

        async def hashed(settings: Settings) -> str:
            async with opened(make(template), settings) as book:
                assert (await book.backfill(whole(settings))).complete
                return await book.hash()

        yield hashed
