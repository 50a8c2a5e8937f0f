"""The package root: light to import, and each of its names leads to its door."""

import subprocess
import sys

import pytest

import fillbook

NAMES = [name for name in fillbook.__all__ if name != "__version__"]

LOADED = """
import sys, fillbook
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
print(fillbook.__version__)
"""
HEAVY = ("aiohttp", "fastapi", "numpy", "psycopg", "pydantic", "structlog", "typer", "uvicorn")


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Neither a library nor any of its own floors."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *HEAVY], check=True, capture_output=True, text=True
    )

    assert done.stdout.splitlines() == ["", fillbook.__version__]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_found_at_the_root(name: str) -> None:
    """It is listed, it leads to something of that name, and it says what it does."""
    found = getattr(fillbook, name)

    assert name in dir(fillbook)
    assert found.__name__ == name
    assert found.__doc__


def test_the_names_are_those_that_are_promised() -> None:
    """Adding is fine; renaming is not."""
    promised = {
        "TradeSyncService", "fetch_trades_with_pagination", "log_position_update",
        "log_sync_summary", "log_trade_fetch_result", "log_trade_fetch_start",
        "log_trade_storage", "register_exchange_sync_events", "sync_exchange_with_pagination",
    }  # fmt: skip

    assert promised <= set(NAMES)


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    """As of any module, so that `hasattr` works."""

    assert not hasattr(fillbook, "TradeSyncServices")
