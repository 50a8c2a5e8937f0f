"""Every specification table, booked, stated and proven in PostgreSQL, and read back from it."""

import pytest

from fillbook.ledger._pool import open_pool
from tests.spec.facts import facts
from tests.spec.kernel import laid, outcome
from tests.spec.laying import Kit, at_once
from tests.spec.postgresql import Way, account_of
from tests.spec.tables import Theme, assert_as_told, themes

WAYS = [
    "proven at the end",
    pytest.param("newer half first", marks=pytest.mark.slow),
    pytest.param("each row late", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("theme", themes(), ids=lambda theme: theme.name)
async def test_theme(theme: Theme, way: Way, database_url: str) -> None:
    """What the tables say is what the database holds, and it is what the kernel lays."""
    failed = {}
    async with open_pool(database_url, max_size=2) as pool:
        for case in theme.cases:
            told = facts(case)
            account = await account_of(pool, told)
            try:
                await account.tell(told, way)
                kits = await account.kits()
                tables = outcome(case, told, kits) | {"positions": await account.positions()}
                assert_as_told(case, tables)
                assert _content(laid(told, at_once)) == _content(kits)
                await account.must_stand()
            except Exception as error:  # noqa: BLE001 - one case never hides the others
                failed[case.title] = f"{type(error).__name__}: {error}"

    assert failed == {}


def _content(legs: dict[str, Kit]) -> dict[str, object]:
    return {leg: kit.content() for leg, kit in legs.items()}
