"""What history was asked for so far."""

from datetime import datetime

from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("coverage.sql")


async def earliest_wanted(pool: Pool, account_id: int) -> datetime | None:
    """The first instant that anybody asked for, on any stream of an account."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["earliest_wanted"], {"account_id": account_id})
        row = await found.fetchone()
        return row[0] if row else None
