"""Fillbook: every fill, booked once. A self-hosted ledger of record for automated traders."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Where each name of the doors lives; a door is loaded when its name is first used.
_DOORS = {
    "TradeSyncService": "trade_sync",
    "fetch_trades_with_pagination": "fetching",
    "log_position_update": "sync_logging",
    "log_sync_summary": "sync_logging",
    "log_trade_fetch_result": "sync_logging",
    "log_trade_fetch_start": "sync_logging",
    "log_trade_storage": "sync_logging",
    "register_exchange_sync_events": "app_events",
    "sync_exchange_with_pagination": "fetching",
}

__all__ = [
    "TradeSyncService",
    "__version__",
    "fetch_trades_with_pagination",
    "log_position_update",
    "log_sync_summary",
    "log_trade_fetch_result",
    "log_trade_fetch_start",
    "log_trade_storage",
    "register_exchange_sync_events",
    "sync_exchange_with_pagination",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the doors
    if name not in _DOORS:
        raise AttributeError(f"module 'fillbook' has no attribute {name!r}")
    return getattr(import_module(f"fillbook.doors.{_DOORS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_DOORS})
