"""What did the last sync runs do, and how did they end?"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Seconds, Table, table

RUNS: LiteralString = """
SELECT a.name, a.venue, r.run_id::text, r.kind, r.status, r.started_at, r.ended_at,
    floor(extract(epoch FROM r.ended_at - r.started_at))::bigint,
    r.requests, r.pages, r.rows_seen, r.rows_new, r.trades_new, r.quarantined, r.revisions,
    nullif(r.error, '')
FROM ops.runs r
JOIN ops.accounts a USING (account_id)
WHERE r.account_id = ANY(%(accounts)s)
  AND (%(since)s::timestamptz IS NULL OR r.started_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR r.started_at < %(until)s)
ORDER BY r.started_at DESC, r.run_id
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One pass over the streams of an account."""

    account: str
    exchange: str
    run_id: str
    kind: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: Seconds | None
    requests: int
    pages: int
    rows_seen: int
    rows_new: int
    trades_new: int
    quarantined: int
    revisions: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Runs:
    """The newest runs first."""

    rows: tuple[SyncRun, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("runs", SyncRun, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Runs:
    """The runs that began in the interval."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max,
    }
    found = await (await conn.execute(RUNS, words)).fetchall()
    return Runs(
        rows=tuple(SyncRun(*row) for row in found),
        basis=await basis(conn, accounts, now=now, since=query.since, until=query.until),
    )


REPORT = Report(
    name="runs",
    title="Sync runs",
    takes=frozenset(("account", "since", "until", "limit")),
    answer=answer,
)
