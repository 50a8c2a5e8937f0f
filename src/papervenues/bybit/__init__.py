"""The paper Bybit: a seeded account history behind the venue's own REST dialect.

In a test: `async with running(Settings(end_ms=..., executions=500)) as venue:` serves on a
free port; `history_of(settings)` gives the same history without a server.
"""

from papervenues.bybit.server import RunningVenue, running
from papervenues.bybit.settings import ApiKey, Settings, keys_of
from papervenues.bybit.venue import PaperHistory, history_of

__all__ = [
    "ApiKey",
    "PaperHistory",
    "RunningVenue",
    "Settings",
    "history_of",
    "keys_of",
    "running",
]
