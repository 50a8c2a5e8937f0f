"""May the ledger be used now: does the database answer, and is its schema the one we know?"""

import asyncio

from fillbook.errors import FillbookError
from fillbook.ledger._migrations import load_migrations
from fillbook.ledger._pool import Pool, transaction

SECONDS_MAX = 3
AWAY = "The database does not answer."


async def why_not_ready(pool: Pool) -> str:
    """Why the ledger cannot be used now; empty where it can."""
    try:
        async with asyncio.timeout(SECONDS_MAX), transaction(pool) as conn:
            found = await conn.execute("SELECT max(version) FROM ops.schema_migrations")
            row = await found.fetchone()
    except (FillbookError, TimeoutError):
        return AWAY
    ours = load_migrations()[-1].version
    theirs = row[0] if row else None
    if theirs != ours:
        return f"The schema has version {theirs}, this program needs {ours}."
    return ""
