"""Fixtures for every test: one server for the run, one fresh database for each test that asks.

The first test that needs a database starts an embedded server in a temporary folder; all workers
of the run share it, and the run's main process stops it. The real migrations are applied once, to
a template; each test gets a copy of it. `FILLBOOK_TEST_DATABASE_URL` names another server to use.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from fillbook.ledger._embedded import ensure_running, stop
from fillbook.ledger._folder_lock import folder_lock
from fillbook.ledger._migrate import migrate

RUN_DIR = "FILLBOOK_TEST_RUN_DIR"
OTHER_SERVER = "FILLBOOK_TEST_DATABASE_URL"
RUN_PREFIX = "fillbook-tests-"
# Speed for throwaway data; the program itself never sets these.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
LOCK_SECONDS_MAX = 60

MakeDatabase = Callable[[], str]


def pytest_configure(config: pytest.Config) -> None:
    """Give the run its folder, and sweep those of runs that were killed."""
    if hasattr(config, "workerinput"):
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{RUN_PREFIX}*"):
        pid = folder.name.removeprefix(RUN_PREFIX).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            _end(folder)
    folder = Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}{os.getpid()}-"))
    folder.chmod(0o755)
    os.environ[RUN_DIR] = str(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the seeds of the simulation came to, where some have run."""
    from tests.simulation.told_at_the_end import lines_of

    lines = lines_of(Path(os.environ[RUN_DIR]) / "simulation")
    if lines:
        terminalreporter.section("simulation")
        for line in lines:
            terminalreporter.line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the run's server; the main process ends last."""
    if hasattr(config, "workerinput") or RUN_DIR not in os.environ:
        return
    folder = Path(os.environ.pop(RUN_DIR))
    other = os.environ.get(OTHER_SERVER)
    if other:
        with _admin(other) as conn:
            _drop(conn, _template_name(folder))
    _end(folder)


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """The folder that all workers of this run share."""
    return Path(os.environ[RUN_DIR])


@pytest.fixture(scope="session")
def server_url(run_dir: Path) -> str:
    """The address of the run's server, for making databases in it."""
    other = os.environ.get(OTHER_SERVER)
    return other or ensure_running(run_dir / "server", settings=UNSAFE).url


@pytest.fixture(scope="session")
def template(run_dir: Path, server_url: str) -> str:
    """The name of a database with all real migrations, made once for the run."""
    name = _template_name(run_dir)
    done = run_dir / "template"
    with folder_lock(run_dir / "template.lock", seconds_max=LOCK_SECONDS_MAX):
        if not done.exists():
            with _admin(server_url) as conn:
                _create(conn, name)
            migrate(with_database(server_url, name), clock=lambda: datetime.now(UTC))
            done.touch()
    return name


@pytest.fixture
def make_database(server_url: str) -> Iterator[MakeDatabase]:
    """A function that makes an empty database and returns its address."""
    with _databases(server_url) as make:
        yield lambda: make(None)


@pytest.fixture
def empty_database_url(make_database: MakeDatabase) -> str:
    """The address of an empty database."""
    return make_database()


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """The address of a fresh database with the real schema."""
    with _databases(server_url) as make:
        yield make(template)


def with_database(url: str, name: str) -> str:
    """Return the address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def _databases(server_url: str) -> Iterator[Callable[[str | None], str]]:
    with _admin(server_url) as conn:
        names: list[str] = []

        def make(template: str | None) -> str:
            names.append(f"test_{token_hex(6)}")
            _create(conn, names[-1], template=template or "template0")
            return with_database(server_url, names[-1])

        try:
            yield make
        finally:
            for name in names:
                _drop(conn, name)


@contextmanager
def _admin(server_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(with_database(server_url, "postgres"), autocommit=True) as conn:
        yield conn


def _create(
    conn: psycopg.Connection[tuple[object, ...]], name: str, *, template: str = "template0"
) -> None:
    conn.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def _drop(conn: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _template_name(run_dir: Path) -> str:
    return "template_" + run_dir.name.removeprefix(RUN_PREFIX).replace("-", "_").lower()


def _end(folder: Path) -> None:
    if (folder / "server").exists():
        stop(folder / "server")
    shutil.rmtree(folder, ignore_errors=True)
