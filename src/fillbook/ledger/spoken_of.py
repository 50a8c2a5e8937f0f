"""What do facts speak of that its own list has not told?

An order is listed under the time at which it was made and may end weeks later, after that time was
settled: then its executions name an order that no window tells. And the account log names symbols
of which nothing else was read. Both are hints for whoever asks the venue.
"""

from collections.abc import Sequence
from datetime import datetime

from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.legs import FORCED

SQL = queries("spoken_of.sql")


async def without_order(
    pool: Pool, account_id: int, category: str, *, since: datetime, limit: int
) -> list[str]:
    """Ids of orders of executions since an instant that are not known, newest first.

    An order that was asked for before is left out: what a venue does not know, it will not know
    tomorrow either. What the venue did of itself has no order that a list tells.
    """
    words = {
        "account_id": account_id,
        "category": category,
        "since": since,
        "limit": limit,
        "orderless": list(FORCED),
    }
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["without_order"], words)).fetchall()
    return [row[0] for row in found]


async def note_asked(
    pool: Pool, account_id: int, category: str, order_ids: Sequence[str], *, now: datetime
) -> None:
    """Remember that the venue was asked for some orders by their ids, and answered."""
    words = {
        "account_id": account_id,
        "category": category,
        "order_ids": list(order_ids),
        "now": now,
    }
    async with transaction(pool) as conn:
        await conn.execute(SQL["note_asked"], words)


async def symbols_spoken_of(pool: Pool, account_id: int, category: str) -> list[str]:
    """The symbols of a category that the account log names; for options an index holds them."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["symbols"], {"account_id": account_id, "category": category})
        return [row[0] for row in await found.fetchall()]
