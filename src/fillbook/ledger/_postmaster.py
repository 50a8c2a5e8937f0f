"""Who, if anybody, runs the server of a cluster.

`postmaster.pid` is a claim, not a fact: after a crash it names a process that is gone, or one that
has nothing to do with PostgreSQL (numbers are used again, soon so in containers). A claim holds
when that process lives, is no zombie, and works in the cluster's folder, as every server does.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from fillbook.ledger._place import SOCKET_NAME

SUPERUSER = "postgres"
PORT = 5432
CLAIM = "postmaster.pid"
LINES_WHEN_STARTED = 8


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A living server process, and what it says of itself."""

    pid: int
    port: int
    socket_dir: str
    ready: bool

    def url(self, database: str) -> str:
        """Return an address for libpq. The port is named, so that PGPORT cannot change it."""
        return f"postgresql://{SUPERUSER}@:{self.port}/{database}?host={quote(self.socket_dir)}"


def find_postmaster(cluster: Path) -> Postmaster | None:
    """Return the process that serves `cluster`, ready or not; None when there is none."""
    lines = _claim(cluster / CLAIM)
    pid = _claimed_pid(lines)
    if pid is None or not _serves(pid, cluster):
        return None
    started = len(lines) >= LINES_WHEN_STARTED
    return Postmaster(
        pid=pid,
        port=int(lines[3]) if started else PORT,
        socket_dir=lines[4].strip() if started else "",
        ready=started and lines[7].strip() == "ready",
    )


def died(cluster: Path) -> bool:
    """Whether the server was killed or crashed: one that is stopped takes its claim along."""
    return bool(_claim(cluster / CLAIM)) and find_postmaster(cluster) is None


def drop_false_claims(cluster: Path, socket_dir: Path) -> None:
    """Remove the lock files of a server that is gone; under the folder's lock.

    PostgreSQL removes them by itself when no process of that number lives, but refuses to start
    while one does, be it a zombie or a stranger. Should orphans of a killed server still hold the
    shared memory, PostgreSQL finds them by the folder's inode and refuses to start, file or no
    file. A socket is left alone while another server (of a folder deleted since) lives at it.
    """
    if _claim(cluster / CLAIM) and find_postmaster(cluster) is None:
        (cluster / CLAIM).unlink(missing_ok=True)
    socket_lock = socket_dir / f"{SOCKET_NAME}.lock"
    pid = _claimed_pid(_claim(socket_lock))
    if pid is None or not _is_postgres(pid):
        socket_lock.unlink(missing_ok=True)
        (socket_dir / SOCKET_NAME).unlink(missing_ok=True)


def end_orphans(cluster: Path) -> None:
    """Ask what a killed server left running to end; under the folder's lock.

    A busy one would not notice for as long as its query takes, and hold the shared memory. Its
    transaction cannot be saved: the server that would have answered for it is gone.
    """
    if find_postmaster(cluster) is not None:
        return
    for process in psutil.process_iter():
        if _serves(process.pid, cluster):
            with suppress(psutil.Error):
                process.terminate()


def _claim(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _claimed_pid(lines: list[str]) -> int | None:
    # A server in single-user mode writes its number negated.
    text = lines[0].strip().removeprefix("-") if lines else ""
    return int(text) if text.isdecimal() else None


def _serves(pid: int, cluster: Path) -> bool:
    try:
        return _is_postgres(pid) and Path(psutil.Process(pid).cwd()).samefile(cluster)
    except (psutil.Error, OSError):
        return False


def _is_postgres(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()
    except psutil.Error:
        return False
