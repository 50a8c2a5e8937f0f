"""Did a live stream tell what the windows found?

A socket may answer pings and deliver nothing. What windows have read since the stream was
subscribed, and the stream never told, says so.
"""

from fillbook.domain.window import Window
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("live.sql")


async def count_unheard(
    pool: Pool, account_id: int, *, category: str, stream: str, window: Window
) -> int:
    """How many executions of a category in a window the stream has not told of."""
    what = {
        "account_id": account_id,
        "category": category,
        "stream": stream,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
    }
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["count_unheard"], what)).fetchone()
        return int(found[0]) if found else 0
