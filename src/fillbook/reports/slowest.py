"""Which windows took longest lately: where does the time of a sync go?

The slowest windows of each run are kept for two weeks. A window takes from its first question to
the venue until it was booked; streams are read side by side and wait for each other's rows to be
booked, so that windows of one run overlap.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Table, table

SLOWEST: LiteralString = """
SELECT a.name, a.venue, t.stream, t.scope, t.starts_at, t.ends_at, t.pages, t.row_count,
    round(t.milliseconds / 1000.0, 3), nullif(t.failed, ''), r.kind, t.run_id::text, t.noted_at
FROM ops.window_timings t
JOIN ops.accounts a USING (account_id)
LEFT JOIN ops.runs r USING (account_id, run_id)
WHERE t.account_id = ANY(%(accounts)s)
  AND (%(since)s::timestamptz IS NULL OR t.noted_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR t.noted_at < %(until)s)
ORDER BY t.milliseconds DESC, t.noted_at DESC, t.stream, t.scope, t.starts_at
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class SlowWindow:
    """A window, and what it took."""

    account: str
    exchange: str
    stream: str
    scope: str
    starts_at: datetime
    ends_at: datetime
    pages: int
    row_count: int
    seconds: Decimal
    not_proven: str | None
    sync_type: str | None
    run_id: str
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Slowest:
    """The slowest first."""

    windows: tuple[SlowWindow, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("slowest", SlowWindow, self.windows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Slowest:
    """The slowest windows of the runs that ended in the interval."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max,
    }
    found = await (await conn.execute(SLOWEST, words)).fetchall()
    return Slowest(
        windows=tuple(SlowWindow(*row) for row in found),
        basis=await basis(conn, accounts, now=now, since=query.since, until=query.until),
    )


REPORT = Report(
    name="slowest",
    title="Slowest windows",
    takes=frozenset(("account", "since", "until", "limit")),
    answer=answer,
)
