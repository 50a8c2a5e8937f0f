"""A day is a day in UTC, whatever time zone the machine or the database stands in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fillbook.domain.window import Window
from fillbook.ledger._pool import open_pool
from fillbook.reports import equity
from fillbook.reports._report import Query, ask
from tests.ledger.handed_in import END, fill, hand

MIDNIGHT = datetime(2026, 2, 28, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


async def test_the_last_moment_belongs_to_the_day_and_midnight_to_the_next(
    database_url: str,
) -> None:
    """Two trades a millisecond apart, one of 1 and one of 2, on either side of midnight."""
    first, second = MIDNIGHT - MOMENT, MIDNIGHT
    opened_at = MIDNIGHT - timedelta(hours=3)
    rows = [
        fill("a", opened_at, "Buy", "1", order="a"),
        fill("b", first, "Sell", "1", order="b", execPrice="101"),
        fill("c", first, "Buy", "1", order="c", seq=2),
        fill("d", second, "Sell", "1", order="d", execPrice="102"),
    ]
    async with hand(database_url) as one:
        await one.book(rows)
        await one.prove(Window(MIDNIGHT - timedelta(days=2), END))
        ((database,),) = await one.rows("SELECT current_database()")
        await one.rows(f"ALTER DATABASE \"{database}\" SET timezone TO 'Pacific/Auckland'")
    async with open_pool(database_url) as pool:
        told = await ask(pool, equity.REPORT, Query(), now=END)
    rows_told: Any = told.tables()[0].rows
    days = {row.day: row.net_pnl for row in rows_told}

    assert {"2026-02-27": Decimal(1), "2026-02-28": Decimal(2)} == days
