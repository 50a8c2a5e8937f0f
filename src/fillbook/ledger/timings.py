"""Which windows took longest: the slowest of each run are kept for two weeks.

What is kept is bounded twice, by run and by age, so that nobody need look after it: it is written
when a run ends, and what is too old goes at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from fillbook.domain.window import Window
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries

SQL = queries("timings.sql")

KEPT_OF_A_RUN_MAX = 20
KEPT_FOR = timedelta(days=14)
REASON_LENGTH_MAX = 500
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Timed:
    """A window, and how long it took; `failed` says why it is not proven."""

    stream: str
    scope: str
    window: Window
    pages: int
    row_count: int
    took: timedelta
    failed: str = ""

    def __str__(self) -> str:
        """As one field of a log record."""
        return f"{self.stream} {self.scope} {self.window}: {self.took // _MILLISECOND} ms"


async def put_slowest(
    conn: Connection, *, account_id: int, run_id: UUID, timed: Sequence[Timed], noted_at: datetime
) -> None:
    """Keep the slowest windows of a run, and forget those of runs that are long past."""
    slowest = sorted(timed, key=lambda one: one.took, reverse=True)[:KEPT_OF_A_RUN_MAX]
    what = {"account_id": account_id, "run_id": run_id, "noted_at": noted_at}
    async with conn.cursor() as cursor:
        await cursor.executemany(SQL["put_slowest"], [what | _columns(one) for one in slowest])
    before = noted_at - KEPT_FOR
    await conn.execute(SQL["forget_timings"], {"account_id": account_id, "before": before})


def _columns(timed: Timed) -> dict[str, object]:
    return {
        "stream": timed.stream,
        "scope": timed.scope,
        "starts_at": timed.window.starts_at,
        "ends_at": timed.window.ends_at,
        "pages": timed.pages,
        "row_count": timed.row_count,
        "milliseconds": timed.took // _MILLISECOND,
        "failed": timed.failed[:REASON_LENGTH_MAX],
    }
