"""Workers: which process works on which account, how it is, and when it was last heard of.

A worker that ends says so. One that was killed does not: its row stays open, and says to everybody
who asks that somebody should be working and is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.leases import holder_is_gone, holder_name

SQL = queries("workers.sql")

PROCESS = 0  # the account of a row that stands for the process as such
KEPT = timedelta(days=7)
SILENT_MAX = timedelta(minutes=2)  # who was not heard of for so long is not counted on
WORKERS_SHOWN_MAX = 20
SAYS_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Doing:
    """How a worker is doing with an account."""

    state: str
    says: str = ""
    feed: str = ""
    feed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A process that works, or worked."""

    holder: str
    state: str
    says: str
    beat_at: datetime
    stopped_at: datetime | None

    @property
    def host(self) -> str:
        """The machine it runs on."""
        return self.holder.partition(":")[0]

    @property
    def process(self) -> str:
        """Its number there."""
        return self.holder.partition(":")[2].partition(":")[0]

    def is_heard_of(self, now: datetime) -> bool:
        """Whether it is running, as far as can be known from here."""
        silent = now - self.beat_at > SILENT_MAX
        return self.stopped_at is None and not silent and not holder_is_gone(self.holder)


async def beat(pool: Pool, worker_id: UUID, doing: dict[int, Doing], *, now: datetime) -> None:
    """Be heard of, and say how each account is doing."""
    async with transaction(pool) as conn:
        for account_id, one in sorted(doing.items()):
            await conn.execute(
                SQL["put_worker"],
                {
                    "account_id": account_id,
                    "worker_id": worker_id,
                    "holder": holder_name(),
                    "state": one.state,
                    "says": one.says[:SAYS_LENGTH_MAX],
                    "feed": one.feed,
                    "feed_since": one.feed_since,
                    "now": now,
                },
            )


async def stop(pool: Pool, worker_id: UUID, *, now: datetime) -> None:
    """Say goodbye."""
    async with transaction(pool) as conn:
        await conn.execute(SQL["stop_worker"], {"worker_id": worker_id, "now": now})


async def leave(pool: Pool, worker_id: UUID, account_id: int, why: str, *, now: datetime) -> None:
    """Let go of one account: it was paused, or removed."""
    what = {"worker_id": worker_id, "account_id": account_id, "says": why, "now": now}
    async with transaction(pool) as conn:
        await conn.execute(SQL["stop_worker_of"], what)


async def succeed(pool: Pool, worker_id: UUID, account_id: int, *, now: datetime) -> None:
    """Close the rows of those that are not heard of any more: their work has another worker."""
    what = {"worker_id": worker_id, "account_id": account_id, "now": now}
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["open_workers"], what)
        for other, holder, beat_at in await found.fetchall():
            if now - beat_at > SILENT_MAX or holder_is_gone(holder):
                await conn.execute(SQL["succeed_worker"], what | {"worker_id": other})


async def latest_workers(pool: Pool) -> list[WorkerRow]:
    """The processes that were heard of last, the newest first."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["latest_workers"], {"limit": WORKERS_SHOWN_MAX})
        return [WorkerRow(*row) for row in await found.fetchall()]


async def prune_workers(pool: Pool, *, now: datetime) -> None:
    """Forget those that have not been heard of for long."""
    async with transaction(pool) as conn:
        await conn.execute(SQL["prune_workers"], {"before": now - KEPT})
