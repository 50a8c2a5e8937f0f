"""What a sync that was asked for through a door came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fillbook.domain.window import Window
from fillbook.errors import NotFound
from fillbook.ledger._pool import Pool
from fillbook.ledger.runs import RunKind
from fillbook.reports import trades as trades_report
from fillbook.reports._report import ROWS_MAX, Query, ask
from fillbook.reports.trades import Trade
from fillbook.wiring.embedding import PassedAll


@dataclass(frozen=True, slots=True)
class SyncSummary:
    """Figures of the whole sync; `trades` are the completed trades that were asked for."""

    sync_type: RunKind
    status: Literal["completed", "partial"]
    start: datetime
    end: datetime
    accounts: int
    executions_new: int  # booked now and never before, whichever bot's
    rows_new: int
    trades_synced: int  # completed trades that came or grew, whichever bot's
    requests: int
    duration: timedelta
    said: tuple[str, ...]  # what is not proven, was left out or failed, and why
    bot_id: str | None
    symbol: str | None
    trades: tuple[Trade, ...]  # those that ended in the interval, the newest first, bounded
    trades_total: int

    @property
    def success(self) -> bool:
        """Whether everything that was asked for is proven; a paused account asks for nothing."""
        return self.status == "completed"

    @property
    def error_message(self) -> str | None:
        """Why not; None when it is."""
        return None if self.success else "; ".join(self.said)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Whose trades are wanted: a sync serves all, an answer need not."""

    account: str | None = None
    bot: str | None = None
    symbol: str | None = None


async def summed_up(
    pool: Pool, came_to: PassedAll, kind: RunKind, window: Window, wanted: Narrowed, now: datetime
) -> SyncSummary:
    """The summary of passes, with the trades that were asked for."""
    runs = [passed.run for passed in came_to.passed]
    trades, total, said = await _trades(pool, window, wanted, now)
    return SyncSummary(
        sync_type=kind,
        status="completed" if came_to.complete else "partial",
        start=window.starts_at,
        end=window.ends_at,
        accounts=len(runs),
        executions_new=sum(run.booked.executions_new for run in runs),
        rows_new=sum(run.booked.rows_new for run in runs),
        trades_synced=sum(run.trades_new for run in runs),
        requests=sum(run.requests for run in runs),
        duration=max((passed.seconds for passed in came_to.passed), default=timedelta()),
        said=(*came_to.said, *said),
        bot_id=wanted.bot,
        symbol=wanted.symbol,
        trades=tuple(trades),
        trades_total=total,
    )


async def _trades(
    pool: Pool, window: Window, wanted: Narrowed, now: datetime
) -> tuple[Sequence[Trade], int, tuple[str, ...]]:
    query = Query(
        account=wanted.account,
        bot=wanted.bot,
        symbol=wanted.symbol,
        since=window.starts_at,
        until=window.ends_at,
        limit=ROWS_MAX,
    )
    try:
        found = await ask(pool, trades_report.REPORT, query, now=now)
    except NotFound as error:  # a bot that has not traded yet: the sync itself went well
        return (), 0, (str(error),)
    return found.rows, found.total, ()
