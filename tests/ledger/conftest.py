"""Fixtures for the database's plumbing: throwaway data folders, migrations, a clock that stands."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fillbook.ledger._embedded import stop
from tests.servers import debian_postgres, pgbouncer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

MigrationFolder = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for an embedded server of this test's own; the server is stopped afterwards."""
    parent = Path(tempfile.mkdtemp(prefix="fb-"))
    folder = parent / "db"
    try:
        yield folder
    finally:
        if (folder / "cluster").exists():
            stop(folder)
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def migration_folder(tmp_path: Path) -> MigrationFolder:
    """A function that writes migrations (file name to SQL) to a new folder."""

    def write(files: Mapping[str, str]) -> Path:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    return write


@pytest.fixture
def debian_url() -> Iterator[str]:
    """The address of a Debian PostgreSQL 15."""
    with _open_folder() as folder, debian_postgres(folder / "postgres") as url:
        yield url


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    """An address that leads to `database_url` through pgbouncer in transaction mode."""
    with _open_folder() as folder, pgbouncer(database_url, folder / "pgbouncer") as url:
        yield url


@pytest.fixture
def session_pooled_url(database_url: str) -> Iterator[str]:
    """An address that leads to `database_url` through pgbouncer in session mode."""
    with (
        _open_folder() as folder,
        pgbouncer(database_url, folder / "pgbouncer", pool_mode="session") as url,
    ):
        yield url


@contextmanager
def _open_folder() -> Iterator[Path]:
    """Make a temporary folder through which the servers' users may pass."""
    path = Path(tempfile.mkdtemp(prefix="fb-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def as_root() -> None:
    """Root only: the test mounts or closes folders."""
    if os.geteuid() != 0:
        pytest.skip("only root steps down to another user")
