"""A cluster of the embedded server: made, started, stopped, and why if that fails.

A cluster is made in a folder beside its place and renamed when it is complete, so that a crash
in the middle leaves only rubbish to sweep. Text is sorted by the built-in C.UTF-8 rules, which no
update of the operating system can change under an index. Programs are given paths relative to the
data folder, because `pg_ctl` hands what it is given to a shell.
"""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

from fillbook.errors import DatabaseRefused, DatabaseUnavailable
from fillbook.ledger._place import MAJOR, Place
from fillbook.ledger._postmaster import (
    SUPERUSER,
    drop_false_claims,
    end_orphans,
    find_postmaster,
)
from fillbook.ledger._server_settings import write_settings
from fillbook.ledger._server_user import ServerUser

# One gigabyte of WAL took 22 s to recover on two slow cores; a busy disk may take far longer.
START_SECONDS_MAX = 900
STOP_SECONDS_MAX = 120
INITDB_SECONDS_MAX = 300
# After kill -9 of the server its orphans hold the shared memory until they notice; a server whose
# folder was deleted notices within a minute.
ORPHAN_SECONDS_MAX = 90
ORPHAN_PAUSE_SECONDS = 0.1
FREE_BYTES_MIN = 150 * 1024 * 1024
LOG_BYTES_MAX = 10 * 1024 * 1024
REASON_CHARACTERS_MAX = 300
# What PostgreSQL says while an earlier server of this folder, or of its socket, is still ending.
STILL_ENDING = ("is still in use", "already exists")
DISK_FULL = "No space left on device"


def create_cluster(place: Place, user: ServerUser, *, lock_fd: int, sync: bool) -> None:
    """Make the cluster when it is missing, under the folder's lock."""
    _refuse_other_major(place)
    if (place.cluster / "PG_VERSION").exists():
        return
    for rubbish in place.data_dir.glob("cluster.new-*"):
        shutil.rmtree(rubbish, ignore_errors=True)
    _refuse_full_disk(place)
    unfinished = place.data_dir / f"cluster.new-{secrets.token_hex(4)}"
    unfinished.mkdir(mode=0o700)
    user.own(unfinished)
    code, said = user.run(
        "initdb",
        ["-D", unfinished.name, "-U", SUPERUSER, "-E", "UTF8"]
        + ["--auth-local=trust", "--auth-host=reject", "--data-checksums"]
        + ([] if sync else ["--no-sync"])
        + ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
        seconds_max=INITDB_SECONDS_MAX,
        folder=place.data_dir,
        keep_fd=lock_fd,
    )
    if code != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise _failure(place, "could not be created", said)
    unfinished.rename(place.cluster)
    _sync_folder(place.data_dir)


def start_cluster(place: Place, user: ServerUser, *, settings: Mapping[str, str]) -> None:
    """Start the server and wait until it is ready, crash recovery included."""
    socket_dir = place.socket_dir
    for folder in (place.run_dir, socket_dir):
        _private_folder(folder, user)
    write_settings(place.cluster, socket_dir=socket_dir, extra=settings)
    drop_false_claims(place.cluster, socket_dir)
    _rotate_log(place.log)
    where = ("-D", place.cluster.name, "-l", str(place.log.relative_to(place.data_dir)))
    give_up = time.monotonic() + ORPHAN_SECONDS_MAX
    while True:
        log_start = place.log.stat().st_size if place.log.exists() else 0
        code, said = user.run(
            "pg_ctl",
            [*where, "-s", "-w", "-t", str(START_SECONDS_MAX), "start"],
            seconds_max=START_SECONDS_MAX + ORPHAN_SECONDS_MAX,
            folder=place.data_dir,
        )
        if code == 0 or find_postmaster(place.cluster) is not None:
            return
        logged = _log_since(place.log, log_start)
        if not any(words in logged for words in STILL_ENDING) or time.monotonic() > give_up:
            raise _failure(place, "could not be started", logged or said)
        end_orphans(place.cluster)
        time.sleep(ORPHAN_PAUSE_SECONDS)


def stop_cluster(place: Place, user: ServerUser) -> None:
    """Stop the server and wait until it has ended."""
    code, said = user.run(
        "pg_ctl",
        ["-D", place.cluster.name, "-m", "fast", "-w", "-t", str(STOP_SECONDS_MAX), "stop"],
        seconds_max=2 * STOP_SECONDS_MAX,
        folder=place.data_dir,
    )
    if code != 0 and find_postmaster(place.cluster) is not None:
        raise DatabaseUnavailable(
            f"The embedded database in {place.data_dir} did not stop within {STOP_SECONDS_MAX} s:"
            f" {said}"
        )
    if place.socket_dir != place.run_dir:
        with suppress(OSError):
            place.socket_dir.rmdir()


@contextmanager
def said_plainly(place: Place) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence that says what to do."""
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise DatabaseUnavailable(
            f"A program of the embedded database in {place.data_dir} took more than"
            f" {error.timeout:.0f} s: see {place.log}."
        ) from error
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            raise _disk_full(place) from error
        raise DatabaseRefused(
            f"The embedded database cannot use {error.filename or place.data_dir}"
            f" ({error.strerror}): give it to your user, or set FILLBOOK_HOME to another folder."
        ) from error


def _refuse_other_major(place: Place) -> None:
    for mark in (place.cluster / "PG_VERSION", place.data_dir / "PG_VERSION"):
        found = mark.read_text().strip() if mark.exists() else str(MAJOR)
        if found != str(MAJOR):
            raise DatabaseRefused(
                f"The data in {mark.parent} was written by PostgreSQL {found} and this Fillbook"
                f" brings {MAJOR}: run `fillbook db backup` with the Fillbook that made it, move"
                " the folder aside, and run `fillbook db restore` with this one."
            )
    if not (place.cluster / "PG_VERSION").exists() and _holds_something(place.cluster):
        raise DatabaseRefused(
            f"The folder {place.cluster} holds something that is not a database: move it aside,"
            " or set FILLBOOK_HOME to another folder."
        )


def _holds_something(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _refuse_full_disk(place: Place) -> None:
    if shutil.disk_usage(place.data_dir).free < FREE_BYTES_MIN:
        raise _disk_full(place)


def _disk_full(place: Place) -> DatabaseRefused:
    return DatabaseRefused(
        f"The disk of {place.data_dir} is full: free at least {FREE_BYTES_MIN // 1024**2} MB,"
        " or set FILLBOOK_HOME to a folder on another disk."
    )


def _failure(place: Place, what: str, said: str) -> DatabaseRefused | DatabaseUnavailable:
    if DISK_FULL in said:
        return _disk_full(place)
    telling = [
        line for line in said.splitlines() if any(w in line for w in ("FATAL", "PANIC", "error:"))
    ]
    reason = (telling or said.splitlines() or ["no reason given"])[0].strip()
    return DatabaseUnavailable(
        f"The embedded database in {place.data_dir} {what}:"
        f" {reason[:REASON_CHARACTERS_MAX]} (more in {place.log})."
    )


def _private_folder(folder: Path, user: ServerUser) -> None:
    """Make a folder that only the server's user may enter; refuse somebody else's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    user.own(folder)
    wanted = os.geteuid() if user.other is None else user.other.pw_uid
    if folder.is_symlink() or folder.stat().st_uid != wanted:
        raise DatabaseRefused(f"The folder {folder} belongs to somebody else: move it aside.")
    folder.chmod(0o700)


def _rotate_log(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))


def _log_since(log: Path, start: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(start)
        return file.read(LOG_BYTES_MAX).decode(errors="replace")


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
