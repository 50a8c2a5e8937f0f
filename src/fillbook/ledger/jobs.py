"""Jobs: what of the schedule was done, so that a restart knows what is due.

What is written here is written under the lease of the account: a worker that lost it is told so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from fillbook.errors import StaleFence
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.leases import Lease

SQL = queries("jobs.sql")

Outcome = Literal["never", "running", "done", "partial", "failed", "missed"]

ERROR_LENGTH_MAX = 2_000
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class JobState:
    """What became of a job so far."""

    served: datetime | None = None  # the last due time that was served, or given up
    started_at: datetime | None = None
    ended_at: datetime | None = None
    done_at: datetime | None = None  # the end of the last one that went well
    outcome: Outcome = "never"
    failures: int = 0  # in a row
    missed: int = 0
    error: str = ""
    first_at: datetime | None = None  # it began for the first time
    unproven: str = ""  # by the last one that came to its end


@dataclass(frozen=True, slots=True)
class Noted:
    """A job's state, and what its rule says of it."""

    job: str
    period: timedelta
    due_at: datetime
    state: JobState


async def known_jobs(pool: Pool, account_id: int) -> Mapping[str, JobState]:
    """The jobs of an account by name."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["get_jobs"], {"account_id": account_id})
        return {job: JobState(*state) for job, *state in await found.fetchall()}


async def note(pool: Pool, lease: Lease, worker_id: UUID, jobs: list[Noted]) -> None:
    """Write what became of jobs; StaleFence where another worker has the account now."""
    async with transaction(pool) as conn:
        what = {"account_id": lease.account_id, "stream": lease.stream, "fence": lease.fence}
        if await (await conn.execute(SQL["hold_lease"], what)).fetchone() is None:
            raise StaleFence("Another worker has taken over the schedule of this account.")
        for one in jobs:
            await _put(conn, lease.account_id, worker_id, one)


async def forget_jobs(pool: Pool) -> None:
    """Leave out accounts that are gone."""
    async with transaction(pool) as conn:
        await conn.execute(SQL["forget_jobs"])


async def _put(conn: Connection, account_id: int, worker_id: UUID, one: Noted) -> None:
    state = one.state
    await conn.execute(
        SQL["put_job"],
        {
            "account_id": account_id,
            "job": one.job,
            "period_seconds": one.period // _SECOND,
            "served": state.served,
            "started_at": state.started_at,
            "ended_at": state.ended_at,
            "done_at": state.done_at,
            "due_at": one.due_at,
            "outcome": state.outcome,
            "failures": state.failures,
            "missed": state.missed,
            "error": state.error[:ERROR_LENGTH_MAX],
            "first_at": state.first_at,
            "unproven": state.unproven[:ERROR_LENGTH_MAX],
            "worker_id": worker_id,
        },
    )
