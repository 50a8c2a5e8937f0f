"""`fetch_trades_with_pagination` and `sync_exchange_with_pagination`: every page, or an error."""

from dataclasses import dataclass
from datetime import timedelta

from fillbook.domain.execution import Execution
from fillbook.doors.spoken_times import SpokenTime, interval
from fillbook.doors.sync_logging import (
    log_sync_summary,
    log_trade_fetch_result,
    log_trade_fetch_start,
    log_trade_storage,
)
from fillbook.doors.sync_summary import Narrowed, SyncSummary, summed_up
from fillbook.errors import in_words
from fillbook.wiring.embedding import embedded, pass_over, told

USUAL = timedelta(days=7)  # where no start is given


@dataclass(frozen=True, slots=True)
class FetchedTrade:
    """One execution as the venue tells it, and whose account it was on."""

    account: str
    exchange: str
    execution: Execution


async def fetch_trades_with_pagination(
    exchange: str = "bybit",
    symbol: str | None = None,
    since: SpokenTime | None = None,
    until: SpokenTime | None = None,
    *,
    account: str | None = None,
) -> list[FetchedTrade]:
    """What the venue tells of an interval, oldest first, page by page to its end.

    Nothing is booked: to fill the ledger use `sync_exchange_with_pagination`. The last seven days
    where no start is given. Anything that keeps the end from being reached, or a row from being
    read, is an error, so that a list that is returned is whole. A paused account is not asked: the
    log says so, and without another one it is an error.
    """
    async with embedded() as opened:
        window = interval(since, until, now=opened.now(), usual=USUAL)
        log_trade_fetch_start(exchange, symbol, window.starts_at, window.ends_at)
        begun = opened.now()
        try:
            said = await told(opened, window=window, exchange=exchange, account=account)
        except Exception as error:
            took = opened.now() - begun
            log_trade_fetch_result(exchange, symbol, 0, seconds=took, error=in_words(error))
            raise
        found = [
            FetchedTrade(owner.name, owner.venue, row)
            for owner, row in said.rows
            if symbol is None or row.symbol == _plain(symbol)
        ]
        log_trade_fetch_result(
            exchange, symbol, len(found), seconds=opened.now() - begun,
            left_out="; ".join(said.left_out) or None,
        )  # fmt: skip
    return found


async def sync_exchange_with_pagination(
    exchange: str = "bybit",
    symbol: str | None = None,
    since: SpokenTime | None = None,
    until: SpokenTime | None = None,
    *,
    account: str | None = None,
) -> SyncSummary:
    """Book what an exchange tells of an interval, and return what it came to.

    The accounts are fetched whole; a symbol narrows the trades that are returned. The last seven
    days where no start is given.
    """
    async with embedded() as opened:
        window = interval(since, until, now=opened.now(), usual=USUAL)
        log_trade_fetch_start(exchange, symbol, window.starts_at, window.ends_at)
        came_to = await pass_over(
            opened, kind="manual", window=window, exchange=exchange, account=account
        )
        wanted = Narrowed(account=account, symbol=_plain(symbol) if symbol else None)
        summary = await summed_up(opened.pool, came_to, "manual", window, wanted, opened.now())
    log_trade_storage(exchange, symbol, summary.executions_new, seconds=summary.duration)
    log_sync_summary(
        exchange, summary.trades_synced, status=summary.status, seconds=summary.duration,
        error=summary.error_message,
    )  # fmt: skip
    return summary


def _plain(symbol: str) -> str:
    """A symbol as the venue writes it: `BTC/USDT:USDT` and `btcusdt` are BTCUSDT."""
    return symbol.partition(":")[0].replace("/", "").upper()
