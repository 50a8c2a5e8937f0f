"""A folder of backups: how they are named, which are the newest, what a killed one left behind."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"fillbook-(?P<stamp>\d{8}T\d{6}Z)\.tar(?:\.sealed)?")
_DRAFT = re.compile(r"\.fillbook-\d{8}T\d{6}Z\.tar(?:\.sealed)?\.[0-9a-f]{8}\.part")


def name_for(now: datetime, *, sealed: bool) -> str:
    """The name of a backup that is made now; names sort by time."""
    return f"fillbook-{now.astimezone(UTC).strftime(STAMP)}.tar" + (".sealed" if sealed else "")


def backups_in(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first; what bears another name is not looked at."""
    return sorted(
        (path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()),
        key=lambda path: path.name,
    )


def rotate(folder: Path, *, keep: int) -> list[Path]:
    """Delete all but the newest backups; returns what is gone."""
    assert keep >= 1
    gone = backups_in(folder)[:-keep]
    for path in gone:
        path.unlink()
    return gone


def sweep(folder: Path) -> Iterator[Path]:
    """Delete what killed backups left behind. Two backups into one folder exclude each other."""
    for path in folder.iterdir():
        if _DRAFT.fullmatch(path.name):
            path.unlink()
            yield path
