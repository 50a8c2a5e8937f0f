"""How is each account doing: its last run, its last error, and how fresh each stream is?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Seconds, Table, table

# An error is the last run's own: it is forgotten when a later run goes well.
ACCOUNTS: LiteralString = """
SELECT a.name, a.venue, a.environment, a.state, done.ended_at, last.status, last.started_at,
    CASE WHEN last.status IN ('failed', 'partial')
        THEN coalesce(nullif(last.error, ''), 'The last run did not finish its work.') END,
    nullif(a.state_reason, ''), k.checked_at,
    CASE WHEN k.expires_on IS NOT NULL
        THEN greatest(0, k.expires_on - (%(now)s::timestamptz AT TIME ZONE 'UTC')::date) END
FROM ops.accounts a
LEFT JOIN LATERAL (
    SELECT r.status, r.started_at, r.error FROM ops.runs r
    WHERE r.account_id = a.account_id AND r.status <> 'running'
    ORDER BY r.started_at DESC LIMIT 1) AS last ON true
LEFT JOIN LATERAL (
    SELECT r.ended_at FROM ops.runs r
    WHERE r.account_id = a.account_id AND r.status = 'completed'
    ORDER BY r.started_at DESC LIMIT 1) AS done ON true
LEFT JOIN LATERAL (
    SELECT c.checked_at, c.expires_on FROM ops.key_checks c
    WHERE c.account_id = a.account_id AND a.state <> 'removed'
    ORDER BY c.checked_at DESC LIMIT 1) AS k ON true
WHERE a.account_id = ANY(%(accounts)s)
ORDER BY a.name
"""

STREAMS: LiteralString = """
SELECT a.name, c.stream, c.scope, upper(c.read), upper(c.settled)
FROM derived.coverage c
JOIN ops.accounts a USING (account_id)
WHERE c.account_id = ANY(%(accounts)s)
ORDER BY a.name, c.stream, c.scope
"""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How an account is doing."""

    account: str
    exchange: str
    environment: str
    state: str
    last_sync_at: datetime | None  # the end of the last run that did all of its work
    last_run_status: str | None
    last_run_at: datetime | None
    last_error: str | None
    state_reason: str | None
    key_checked_at: datetime | None
    key_expires_in_days: int | None  # None: it does not expire, or nobody knows


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a stream has been read, and how long ago that is."""

    account: str
    stream: str
    scope: str
    read_until: datetime | None
    read_age_seconds: Seconds | None
    settled_until: datetime | None
    settled_age_seconds: Seconds | None


@dataclass(frozen=True, slots=True)
class Status:
    """All accounts and their streams."""

    accounts: tuple[AccountStatus, ...]
    streams: tuple[Freshness, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """Accounts, then streams."""
        return (
            table("status", AccountStatus, self.accounts),
            table("streams", Freshness, self.streams),
        )


async def answer(conn: Connection, query: Query, *, now: datetime) -> Status:
    """How things stand now."""
    accounts = await account_ids(conn, query)
    words = {"accounts": accounts}
    known = await (await conn.execute(ACCOUNTS, words | {"now": now})).fetchall()
    streams = await (await conn.execute(STREAMS, words)).fetchall()
    return Status(
        accounts=tuple(AccountStatus(*row) for row in known),
        streams=tuple(_freshness(row, now) for row in streams),
        basis=await basis(conn, accounts, now=now),
    )


def _freshness(
    row: tuple[str, str, str, datetime | None, datetime | None], now: datetime
) -> Freshness:
    account, stream, scope, read, settled = row
    return Freshness(account, stream, scope, read, _age(read, now), settled, _age(settled, now))


def _age(end: datetime | None, now: datetime) -> int | None:
    return None if end is None else max(0, (now - end) // _SECOND)


REPORT = Report(
    name="status",
    title="Status",
    takes=frozenset(("account",)),
    answer=answer,
)
