"""The five `log_*` names: one structured record each, in the log file and on the console.

A record goes to the log of this process, and to the file of the run that it is written in; without
either, the folder of EXCHANGE_SYNC_LOG_DIR gets one. The console is standard error. What else is
worth saying goes in as keyword arguments; secrets are taken out of it.
"""

import sys
from datetime import datetime, timedelta

from fillbook.wiring import logs
from fillbook.wiring.embedding import keep_logs

Duration = timedelta | float  # as seconds, where it is a number


def log_trade_fetch_start(
    exchange: str,
    symbol: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    **details: object,
) -> None:
    """A fetch of trades begins."""
    _log("fetch started", exchange=exchange, symbol=symbol, since=since, until=until, **details)


def log_trade_fetch_result(
    exchange: str,
    symbol: str | None = None,
    count: int = 0,
    *,
    seconds: Duration | None = None,
    error: str | None = None,
    **details: object,
) -> None:
    """A fetch of trades ended, with so many of them or with an error."""
    _log(
        "fetch ended", exchange=exchange, symbol=symbol, rows=count, ms=_ms(seconds), error=error,
        **details,
    )  # fmt: skip


def log_trade_storage(
    exchange: str,
    symbol: str | None = None,
    stored: int = 0,
    duplicates: int | None = None,
    *,
    seconds: Duration | None = None,
    error: str | None = None,
    **details: object,
) -> None:
    """Trades were stored; duplicates are those that were there already."""
    _log(
        "trades stored", exchange=exchange, symbol=symbol, rows_new=stored, duplicates=duplicates,
        ms=_ms(seconds), error=error, **details,
    )  # fmt: skip


def log_position_update(
    exchange: str,
    symbol: str,
    quantity: object = None,
    avg_entry_price: object = None,
    **details: object,
) -> None:
    """A position was computed anew from its trades."""
    _log(
        "position updated", exchange=exchange, symbol=symbol, quantity=quantity,
        avg_entry_price=avg_entry_price, **details,
    )  # fmt: skip


def log_sync_summary(
    exchange: str,
    trades_synced: int = 0,
    *,
    status: str | None = None,
    successful: int | None = None,
    failed: int | None = None,
    seconds: Duration | None = None,
    error: str | None = None,
    **details: object,
) -> None:
    """A sync ended: what it came to."""
    _log(
        "sync summary", exchange=exchange, trades_synced=trades_synced, status=status,
        successful=successful, failed=failed, ms=_ms(seconds), error=error, **details,
    )  # fmt: skip


def _log(event: str, **fields: object) -> None:
    """Write one record, and its line on the console. A level follows from the error."""
    said = {name: _word(value) for name, value in fields.items() if value is not None}
    level = "error" if "error" in said else "info"
    getattr(logs.logger_of(keep_logs()), level)(event, **said)
    sys.stderr.write(logs.plain({"level": level, "event": event, **said}) + "\n")
    sys.stderr.flush()


def _word(value: object) -> object:
    return value if isinstance(value, (bool, int, str)) else str(value)


def _ms(seconds: Duration | None) -> int | None:
    if seconds is None:
        return None
    took = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    return took // timedelta(milliseconds=1)
