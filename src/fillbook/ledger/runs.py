"""Runs: what a sync did, counted in the transactions that did it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.facts import Booked

SQL = queries("runs.sql")

RunKind = Literal["backfill", "hourly", "manual"]
RunStatus = Literal["completed", "failed", "partial"]
NOTHING = Booked()


@dataclass(slots=True)
class Run:
    """One pass over the streams of one account, and its counters so far."""

    account_id: int
    run_id: UUID
    kind: RunKind
    asked_before: int = 0  # requests that the connection had made when the run began
    requests: int = 0
    pages: int = 0
    trades_new: int = 0
    booked: Booked = NOTHING

    @contextmanager
    def counted(self) -> Iterator["Counts"]:
        """Count what a transaction does; what it took back counts for nothing.

        Transactions of one run overlap, so each takes back its own part and leaves the others'.
        """
        counts = Counts(self)
        try:
            yield counts
        except BaseException:
            self.booked -= counts.booked
            self.pages -= counts.pages
            self.trades_new -= counts.trades_new
            raise

    def columns(self) -> dict[str, object]:
        """The counters as columns."""
        return {
            "account_id": self.account_id,
            "run_id": self.run_id,
            "requests": self.requests,
            "pages": self.pages,
            "rows_seen": self.booked.rows_seen,
            "rows_new": self.booked.rows_new,
            "trades_new": self.trades_new,
            "quarantined": self.booked.quarantined,
            "revisions": self.booked.revisions,
        }


@dataclass(slots=True)
class Counts:
    """What one transaction adds to the counters of a run."""

    run: Run
    booked: Booked = NOTHING
    pages: int = 0
    trades_new: int = 0

    def add(self, *, booked: Booked = NOTHING, pages: int = 0, trades_new: int = 0) -> None:
        """Count more; called inside the transaction."""
        self.booked += booked
        self.pages += pages
        self.trades_new += trades_new
        self.run.booked += booked
        self.run.pages += pages
        self.run.trades_new += trades_new


async def start(pool: Pool, run: Run, *, now: datetime) -> None:
    """Record that a run begins. The caller holds the leases: runs still open are dead."""
    async with transaction(pool) as conn:
        what = {"account_id": run.account_id, "run_id": run.run_id, "kind": run.kind, "now": now}
        await conn.execute(SQL["abandon_runs"], what)
        await conn.execute(SQL["start_run"], what)


async def progress(conn: Connection, run: Run) -> None:
    """Write the counters, inside the transaction that moved them."""
    await conn.execute(SQL["put_progress"], run.columns())


async def end(conn: Connection, run: Run, status: RunStatus, *, error: str, now: datetime) -> None:
    """Record how a run ended."""
    await conn.execute(
        SQL["end_run"],
        {
            "account_id": run.account_id,
            "run_id": run.run_id,
            "status": status,
            "error": error,
            "requests": run.requests,
            "now": now,
        },
    )
