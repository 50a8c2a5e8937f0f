# The types of what the package root offers: see `__init__.py`.

from fillbook.doors.app_events import register_exchange_sync_events as register_exchange_sync_events
from fillbook.doors.fetching import fetch_trades_with_pagination as fetch_trades_with_pagination
from fillbook.doors.fetching import sync_exchange_with_pagination as sync_exchange_with_pagination
from fillbook.doors.sync_logging import log_position_update as log_position_update
from fillbook.doors.sync_logging import log_sync_summary as log_sync_summary
from fillbook.doors.sync_logging import log_trade_fetch_result as log_trade_fetch_result
from fillbook.doors.sync_logging import log_trade_fetch_start as log_trade_fetch_start
from fillbook.doors.sync_logging import log_trade_storage as log_trade_storage
from fillbook.doors.trade_sync import TradeSyncService as TradeSyncService

__version__: str

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
