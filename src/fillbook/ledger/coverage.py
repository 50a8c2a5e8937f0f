"""Coverage: what was asked for, what is proven, and why the rest is not."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fillbook.domain.window import Window
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.proofs import as_windows
from fillbook.ledger.writing import Writing

SQL = queries("coverage.sql")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The proven intervals of one stream and scope, oldest first.

    What is disputed is neither read nor settled: the account log tells of a fill at that instant,
    and the executions leave it out. What is unreadable is both, for whoever asks a venue: the row
    was listed, and this version does not understand it. Reports do not count it as read.
    """

    read: tuple[Window, ...] = ()
    settled: tuple[Window, ...] = ()
    unavailable: tuple[Window, ...] = ()
    wanted: tuple[Window, ...] = ()
    disputed: tuple[Window, ...] = ()
    unreadable: tuple[Window, ...] = ()


async def get(pool: Pool, account_id: int, stream: str, scope: str) -> Coverage:
    """What is known of one stream and scope."""
    what = {"account_id": account_id, "stream": stream, "scope": scope}
    async with transaction(pool) as conn:
        known = await (await conn.execute(SQL["get_coverage"], what)).fetchone()
        wanted = await (await conn.execute(SQL["get_wanted"], what)).fetchone()
    read, settled, unavailable, disputed, unreadable = (
        (tuple(as_windows(ranges)) for ranges in known) if known else ((),) * 5
    )
    asked = tuple(as_windows(wanted[0])) if wanted else ()
    return Coverage(read, settled, unavailable, asked, disputed, unreadable)


async def want(pool: Pool, account_id: int, stream: str, scope: str, window: Window) -> None:
    """Remember that a window was asked for: gaps are counted against it."""
    async with transaction(pool) as conn:
        await conn.execute(
            SQL["want"],
            {
                "account_id": account_id,
                "stream": stream,
                "scope": scope,
                "starts_at": window.starts_at,
                "ends_at": window.ends_at,
            },
        )


async def add_failure(
    writing: Writing,
    *,
    stream: str,
    scope: str,
    window: Window,
    reason: str,
    failed_at: datetime,
    run_id: UUID,
) -> None:
    """Say why a window is not proven."""
    await writing.conn.execute(
        SQL["add_failure"],
        {
            "account_id": writing.account_id,
            "stream": stream,
            "scope": scope,
            "starts_at": window.starts_at,
            "ends_at": window.ends_at,
            "reason": reason,
            "failed_at": failed_at,
            "run_id": run_id,
        },
    )


async def count_alarms(pool: Pool, account_id: int) -> int:
    """How many fills do not fit their position chain: a fill is missing or was changed."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["count_alarms"], {"account_id": account_id})
        row = await found.fetchone()
        return int(row[0]) if row else 0


async def name_unavailable(writing: Writing, stream: str, scope: str, window: Window) -> None:
    """Mark what the venue no longer serves."""
    await writing.conn.execute(
        SQL["name_unavailable"],
        {
            "account_id": writing.account_id,
            "stream": stream,
            "scope": scope,
            "starts_at": window.starts_at,
            "ends_at": window.ends_at,
        },
    )
