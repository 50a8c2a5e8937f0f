"""`TradeSyncService`: sync a range of time from a script of one's own."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from fillbook.domain.window import Window
from fillbook.doors.spoken_times import instant
from fillbook.doors.sync_logging import log_sync_summary
from fillbook.doors.sync_summary import Narrowed, SyncSummary, summed_up
from fillbook.errors import UsageError
from fillbook.ledger.runs import RunKind
from fillbook.wiring.embedding import embedded, pass_over


@dataclass(frozen=True, slots=True)
class TradeSyncService:
    """Syncs the accounts whose keys the environment holds, or one of them.

    An account is fetched once and serves all its bots: a bot's name narrows what is returned, not
    what is fetched, because a bot's trades cannot be told without the fills of the others.
    """

    account: str | None = None

    async def sync_time_range(
        self,
        bot_id: str | None,
        start: datetime,
        end: datetime,
        sync_type: str = "manual",
    ) -> SyncSummary:
        """Book what is not booked yet of a range of time, and return what it came to.

        Times without a zone are UTC. `sync_type` is backfill, hourly or manual. Windows that are
        proven already are not fetched again, so that asking twice costs little and adds nothing.
        """
        kind = _kind(sync_type)
        starts_at, ends_at = instant(start), instant(end)
        if starts_at >= ends_at:
            raise UsageError("The range is empty: start must lie before end.")
        window = Window(starts_at, ends_at)
        async with embedded() as opened:
            came_to = await pass_over(opened, kind=kind, window=window, account=self.account)
            summary = await summed_up(
                opened.pool, came_to, kind, window,
                Narrowed(account=self.account, bot=bot_id), opened.now(),
            )  # fmt: skip
        log_sync_summary(
            "all", summary.trades_synced, status=summary.status, seconds=summary.duration,
            error=summary.error_message, bot_id=bot_id, sync_type=kind,
        )  # fmt: skip
        return summary


def _kind(sync_type: str) -> RunKind:
    for kind in get_args(RunKind):
        if kind == sync_type:
            found: RunKind = kind
            return found
    raise UsageError(f"A sync is one of {', '.join(get_args(RunKind))}, not {sync_type!r}.")
