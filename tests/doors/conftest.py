"""A paper exchange and a fresh ledger, named by the environment as a script would find them."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from fillbook.wiring import logs
from papervenues.bybit.server import running, wall_clock_ms
from papervenues.bybit.settings import MINUTE_MS, Settings
from papervenues.faults import FaultPlan, parse_fault
from tests.docs.marked_blocks import OWN_VARIABLES

EXECUTIONS = 300
DAYS = 5


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """What a test configures and hides ends with it."""
    hidden = set(logs._hidden)
    yield
    logs._forget()
    logs._hidden.clear()
    logs._hidden.update(hidden)
    structlog.reset_defaults()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    """A folder of its own, and an environment that names the ledger and nothing else."""
    for name in os.environ:
        if OWN_VARIABLES.fullmatch(name) and not name.startswith("FILLBOOK_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FILLBOOK_HOME", str(tmp_path / "book"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@asynccontextmanager
async def told_by_environment(
    patch: pytest.MonkeyPatch, *faults: str, days: int = DAYS, accounts: int = 1
) -> AsyncIterator[Settings]:
    """A paper exchange on loopback, with its key in the environment."""
    end_ms = wall_clock_ms() // MINUTE_MS * MINUTE_MS
    plan = FaultPlan(tuple(parse_fault(text) for text in faults))
    settings = Settings(
        end_ms=end_ms, days=days, executions=EXECUTIONS, faults=plan, accounts=accounts
    )
    async with running(settings) as venue:
        key = venue.keys[0]
        patch.setenv("BYBIT_BASE_URL", venue.url)
        patch.setenv("BYBIT_API_KEY", key.key)
        patch.setenv("BYBIT_API_SECRET", key.secret)
        if accounts > 1:
            other = venue.keys[2]  # behind the first one is its twin that may trade
            patch.setenv("FILLBOOK_ACCOUNT_SPARE_VENUE", "bybit")
            patch.setenv("FILLBOOK_ACCOUNT_SPARE_BASE_URL", venue.url)
            patch.setenv("FILLBOOK_ACCOUNT_SPARE_KEY", other.key)
            patch.setenv("FILLBOOK_ACCOUNT_SPARE_SECRET", other.secret)
        yield settings


@pytest.fixture
async def paper(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settings]:
    """One without faults."""
    async with told_by_environment(monkeypatch) as settings:
        yield settings
