"""A database of its own for a process that simulates, made on a server and dropped at the end."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from fillbook.ledger._embedded import ensure_running, stop
from fillbook.ledger._migrate import migrate
from tests.conftest import OTHER_SERVER, UNSAFE, _admin, _create, _drop, with_database


@contextmanager
def server() -> Iterator[str]:
    """The server that the environment names, else one for this block."""
    named = os.environ.get(OTHER_SERVER)
    if named:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="fillbook-simulation-"))
    folder.chmod(0o755)
    try:
        yield ensure_running(folder / "server", settings=UNSAFE).url
    finally:
        stop(folder / "server")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """An empty ledger."""
    name = f"simulation_{token_hex(6)}"
    url = with_database(server_url, name)
    with _admin(server_url) as conn:
        _create(conn, name)
        try:
            migrate(url, clock=lambda: datetime.now(UTC))
            yield url
        finally:
            _drop(conn, name)
