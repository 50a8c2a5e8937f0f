"""Whoever fills tables has them measured, so that the planner knows each account in them."""

from datetime import timedelta

from fillbook.ledger._pool import transaction
from fillbook.ledger.statistics import LARGE, ROWS_UNKNOWN_MAX, keep_statistics
from tests.ledger.test_disputes import START
from tests.ledger.test_legs import fill
from tests.ledger.told import Told, told

KNOWN = """
SELECT tablename FROM pg_stats
WHERE schemaname = 'facts' AND attname = 'account_id'
  AND %s::text = ANY(most_common_vals::text::text[]) ORDER BY 1
"""
SECOND = timedelta(seconds=1)


async def fill_tables(one: Told) -> None:
    await one.book(
        "executions", [fill(f"x{n}", START + SECOND * n, "Buy", 1, 0) for n in range(1_100)]
    )


async def test_a_second_account_is_known_to_the_planner(database_url: str) -> None:
    """A table that was measured with one account in it is measured again for the next one."""
    assert ROWS_UNKNOWN_MAX < 1_100
    async with told(database_url) as one, told(database_url) as other:
        await fill_tables(one)
        await one.rows("ANALYZE facts.executions, facts.raw_records")
        assert [] == await one.rows(KNOWN, str(other.account_id))
        await fill_tables(other)

        assert {("executions",), ("raw_records",)} <= {
            *await one.rows(KNOWN, str(other.account_id))
        }


async def test_a_few_rows_measure_nothing(database_url: str) -> None:
    """Small tables are read well enough whatever the plan."""
    async with told(database_url) as one:
        await one.book("executions", [fill("x", START, "Buy", 1, 0)])
        async with transaction(one.pool) as conn:
            await keep_statistics(conn, one.account_id)

        assert [] == await one.rows(KNOWN, str(one.account_id))


async def test_every_table_that_is_named_is_there(database_url: str) -> None:
    """And holds accounts."""
    async with told(database_url) as one:
        columns = await one.rows(
            "SELECT table_schema || '.' || table_name FROM information_schema.columns"
            " WHERE column_name = 'account_id'"
        )

        assert {(name,) for name in LARGE} <= set(columns)
        assert len(LARGE) == len(set(LARGE))
