"""A folder of backups: how they are named, which are the newest, what a killed one left behind."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from fillbook.ledger.backup_archive import BLOCK
from fillbook.ledger.backup_seal import MAGIC

STAMP = "%Y%m%dT%H%M%SZ"
FIRST_WORDS = b"A backup of Fillbook."  # of the first member, which says what the file is
_NAME = re.compile(r"fillbook-(?P<stamp>\d{8}T\d{6}Z)\.tar(?:\.sealed)?")
_DRAFT = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.part")


def name_for(now: datetime, *, sealed: bool) -> str:
    """The name of a backup that is made now; names sort by time."""
    return f"fillbook-{now.astimezone(UTC).strftime(STAMP)}.tar" + (".sealed" if sealed else "")


def backups_in(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first; what bears another name is not looked at."""
    return sorted(
        (path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()),
        key=lambda path: path.name,
    )


def rotate(made: Path, *, keep: int) -> list[Path]:
    """Delete the oldest backups beside one that was just made, which counts; returns what is gone.

    One that bears a later time comes of a clock that was wrong: it neither counts nor goes.
    """
    assert keep >= 1
    older = [path for path in backups_in(made.parent) if _stamp(path) <= _stamp(made)]
    older.remove(made)
    gone = older[: max(0, len(older) - (keep - 1))]
    for path in gone:
        path.unlink()
    return gone


def draft_of(path: Path) -> Path:
    """What a backup is called until it is whole."""
    return path.with_name(f".{path.name}.{token_hex(4)}.part")


def hold(fd: int) -> None:
    """Say that this draft is being written, for as long as the descriptor is open."""
    with suppress(OSError):  # where files cannot be locked, `sweep` cannot lock them either
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sweep(folder: Path) -> Iterator[Path]:
    """Delete the drafts that nobody writes any more: what killed backups left behind."""
    try:
        found = list(folder.iterdir())
    except OSError:  # there is no such folder, or it may be written to and not listed
        return
    for path in found:
        draft = _DRAFT.fullmatch(path.name)
        if draft is not None and path.is_file() and not path.is_symlink():
            with suppress(OSError):  # held, gone meanwhile, or not ours to open
                if _is_forsaken(path, bare=_NAME.fullmatch(draft["name"]) is not None):
                    path.unlink()
                    yield path


def _is_forsaken(path: Path, *, bare: bool) -> bool:
    """Whether it begins as a backup does and nobody holds it; a bare one may be empty."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        head = os.read(fd, BLOCK + len(FIRST_WORDS))
        return head.startswith(MAGIC) or head[BLOCK:] == FIRST_WORDS or (bare and not head)
    finally:
        os.close(fd)


def _stamp(path: Path) -> str:
    named = _NAME.fullmatch(path.name)
    assert named is not None, path
    return named["stamp"]
