"""A server that died is started again by whoever looks after it; one that was stopped is not."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fillbook.ledger import _embedded
from tests.conftest import UNSAFE

pytestmark = pytest.mark.slow


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that a database server of another user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="fb-"))
    folder.chmod(0o755)
    try:
        yield folder / "server"
    finally:
        if (folder / "server").exists():
            _embedded.stop(folder / "server")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_killed_server_is_revived_and_a_stopped_one_is_not(data_dir: Path) -> None:
    """The claim that a killed server leaves behind tells the two apart."""
    running = _embedded.ensure_running(data_dir, settings=UNSAFE)

    assert not _embedded.revive(data_dir)

    pid = _embedded.status(data_dir).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)

    assert _embedded.revive(data_dir)
    assert _embedded.status(data_dir).url == running.url

    _embedded.stop(data_dir)

    assert not _embedded.revive(data_dir)
    assert not _embedded.status(data_dir).running
