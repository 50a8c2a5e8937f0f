"""One run of an account at a time: holding the lease, and saying how the run ended.

However a run ends, its row says so before the lease is given back: whoever takes the lease next may
hold a run that is still open for dead.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from fillbook.errors import DatabaseUnavailable, FillbookError, VenueError, in_words
from fillbook.ledger import leases, runs, timings
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger.leases import Lease
from fillbook.ledger.runs import Run
from fillbook.sync.heartbeat import kept
from fillbook.sync.tally import Tally, in_ms
from fillbook.venues._logger import get_logger

log = get_logger()

TURN = "history"  # the lease of a pass: one at a time over an account
FAILURES_SAID_MAX = 20
FAREWELL_SECONDS_MAX = 3  # for saying how a run ended; a stop must not wait for a dead database


@dataclass(slots=True)
class CameTo:
    """What a pass has come to so far."""

    run: Run
    started: datetime
    failures: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def leave_out(self, stream: str, scope: str, error: VenueError) -> None:
        """Go on without what is not offered."""
        self.left_out.append(f"{stream} {scope}: {error}")
        log.warning("left out", stream=stream, scope=scope, reason=str(error))


@asynccontextmanager
async def turn(
    pool: Pool, came_to: CameTo, *, clock: Callable[[], datetime], requests: Callable[[], int]
) -> AsyncIterator[Lease]:
    """Hold the account's lease while the block runs; what ends it early is said in the run."""
    came_to.run.asked_before = requests()
    lease = await leases.acquire(pool, came_to.run.account_id, TURN, now=clock())

    async def end(failed: BaseException | None = None) -> None:
        came_to.run.requests = requests() - came_to.run.asked_before
        await _end(pool, came_to, now=clock(), failed=failed)
        await leases.give_back(pool, lease, now=clock())

    try:
        async with kept(pool, lease, clock):
            yield lease
    except DatabaseUnavailable:
        # Nobody is there to be told, and asking again would only hold up the exit. The next run
        # finds that this process is gone or has let go, takes the lease and closes the run.
        raise
    except (Exception, asyncio.CancelledError) as error:
        if not isinstance(error, FillbookError | asyncio.CancelledError):
            log.exception("sync broke off")
        with suppress(TimeoutError, DatabaseUnavailable):
            async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                await end(error)
        raise
    else:
        await end()
    finally:
        leases.let_go(lease)


async def _end(pool: Pool, came_to: CameTo, *, now: datetime, failed: BaseException | None) -> None:
    run, tally, failures = came_to.run, came_to.tally, came_to.failures
    status: runs.RunStatus = "failed" if failed else "partial" if failures else "completed"
    error = _said(failed) if failed else _bounded_text(failures)
    async with transaction(pool) as conn:
        await timings.put_slowest(
            conn, account_id=run.account_id, run_id=run.run_id, timed=tally.slowest, noted_at=now
        )
        await runs.end(conn, run, status, error=error, now=now)
    say = log.error if failed else log.warning if failures else log.info
    cause = failed.__cause__ if failed else None
    say(
        "sync ended",
        status=status,
        requests=run.requests,
        pages=run.pages,
        windows=tally.windows,
        not_proven=tally.failed,
        rows=run.booked.rows_seen,
        rows_new=run.booked.rows_new,
        executions_new=run.booked.executions_new,
        trades_new=run.trades_new,
        quarantined=run.booked.quarantined,
        revisions=run.booked.revisions,
        ms=in_ms(now - came_to.started),
        **{f"{phase}_ms": spent for phase, spent in tally.spent.items()},
        slowest=str(tally.slowest[0]) if tally.slowest else "",
        error=error,
        **({"cause": repr(cause)} if cause else {}),
    )


def _bounded_text(failures: Sequence[str]) -> str:
    """Some of many reasons, and how many there are."""
    more = len(failures) - FAILURES_SAID_MAX
    said = [*failures[:FAILURES_SAID_MAX], *([f"and {more} more"] if more > 0 else [])]
    return "; ".join(said)


def _said(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "stopped before its end; what it booked is kept"
    return in_words(error)
