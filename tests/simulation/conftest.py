"""One database for all the seeds of a test process, and a place for what they came to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import _databases
from tests.simulation.simulation import close_stocks


@pytest.fixture(scope="session")
def simulation_url(server_url: str, template: str) -> Iterator[str]:
    """A database in which each seed is an account of its own."""
    with _databases(server_url) as make:
        yield make(template)
        close_stocks()


@pytest.fixture(scope="session")
def results(run_dir: Path) -> Path:
    """Where each test leaves what its seeds came to."""
    folder = run_dir / "simulation"
    folder.mkdir(exist_ok=True)
    return folder
