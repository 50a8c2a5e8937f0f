"""Log files: appended line by line, bounded in size, age and number, and never in the way.

A file that somebody else moved (logrotate), or that another process of ours rotated, is noticed at
the next line and opened anew. A disk that is full costs log lines and nothing else: what could not
be written is counted, and the count is written when there is room again.
"""

import fcntl
import os
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]

BYTES_MAX = 20 * 1024 * 1024
AGE_MAX = timedelta(days=7)
ROTATED_MAX = 10
RUN_FILES_MAX = 400
RUN_FILES_OPEN_MAX = 8
SAME_SECOND_MAX = 1000
RUN_FILE = re.compile(r"trade_sync_\d{8}_\d{6}(?:_\d{1,3})?\.log(?:\.\d{1,2}|\.lock)?")
_FIRST_TIME = re.compile(rb'"timestamp": ?"([^"]+)"')
_HEAD_BYTES = 4096
_LOST = '{"event": "log lines were lost", "level": "warning", "count": %d}'


@dataclass(slots=True)
class Growing:
    """One file that lines are added to, whoever else moves it or adds to it."""

    path: Path
    clock: Clock
    rotates: bool = False
    bytes_max: int = BYTES_MAX
    _descriptor: int | None = None
    _began: datetime | None = None
    _lost: int = 0

    def write(self, line: str) -> None:
        """Add a line. What cannot be written is counted, and does no other harm."""
        try:
            self._follow()
            if self.rotates and self._is_due():
                self._rotate()
            if self._lost:
                self._put(_LOST % self._lost)
                self._lost = 0
            self._put(line)
        except OSError:
            self._lost += 1
            with suppress(OSError):
                self.close()

    def open(self) -> None:
        """Open the file now, so that whoever cannot write there learns it at once."""
        self._follow()

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        descriptor, self._descriptor, self._began = self._descriptor, None, None
        if descriptor is not None:
            os.close(descriptor)

    def _put(self, line: str) -> None:
        assert self._descriptor is not None
        # One call, at the end of the file: lines of two processes do not run into each other.
        os.write(self._descriptor, line.encode("utf-8", "replace") + b"\n")

    def _follow(self) -> None:
        """Open the file that has the name now."""
        if self._descriptor is not None:
            with suppress(FileNotFoundError):
                named, ours = self.path.stat(), os.fstat(self._descriptor)
                if (named.st_ino, named.st_dev) == (ours.st_ino, ours.st_dev):
                    return
            self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o600)

    def _is_due(self) -> bool:
        assert self._descriptor is not None
        size = os.fstat(self._descriptor).st_size
        if size == 0:
            return False
        if self._began is None:
            self._began = _first_time(self.path) or self.clock()
        return size >= self.bytes_max or self.clock() - self._began >= AGE_MAX

    def _rotate(self) -> None:
        """Move the files one number on. Another process may have done it while we waited."""
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._follow()
            if self._is_due():
                for number in range(ROTATED_MAX, 0, -1):
                    older = self.path if number == 1 else _numbered(self.path, number - 1)
                    with suppress(FileNotFoundError):
                        older.replace(_numbered(self.path, number))
                self._follow()
        finally:
            os.close(lock)


@dataclass(slots=True)
class RunFiles:
    """A file for each run, named by when the run began; the oldest go when there are too many."""

    folder: Path
    clock: Clock
    _open: "OrderedDict[str, Growing]" = field(default_factory=OrderedDict)
    _paths: "OrderedDict[str, Path]" = field(default_factory=OrderedDict)

    def write(self, run: str, line: str) -> None:
        """Add a line to the file of a run."""
        try:
            self._file(run).write(line)
        except OSError:  # no room for another file: the service's own log says what it can
            return

    def ended(self, run: str) -> None:
        """The run wrote its last line."""
        self._paths.pop(run, None)
        if (file := self._open.pop(run, None)) is not None:
            file.close()

    def close(self) -> None:
        """Let go of all files."""
        for file in self._open.values():
            file.close()

    def _file(self, run: str) -> Growing:
        if run in self._open:
            self._open.move_to_end(run)
            return self._open[run]
        while len(self._open) >= RUN_FILES_OPEN_MAX:
            self._open.popitem(last=False)[1].close()
        if run not in self._paths:
            self._paths[run] = new_run_file(self.folder, self.clock())
            while len(self._paths) > RUN_FILES_MAX:
                self._paths.popitem(last=False)
        self._open[run] = Growing(self._paths[run], self.clock, rotates=True)
        return self._open[run]


def new_run_file(folder: Path, began: datetime) -> Path:
    """A file that nobody else has, named by a time. Two runs of one second get two files."""
    target = folder / "trade_sync"
    target.mkdir(parents=True, exist_ok=True)
    _prune(target)
    stem = f"trade_sync_{began.astimezone(UTC):%Y%m%d_%H%M%S}"
    for number in range(1, SAME_SECOND_MAX):
        path = target / (f"{stem}.log" if number == 1 else f"{stem}_{number}.log")
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            return path
    raise OSError(f"{SAME_SECOND_MAX} runs began in one second.")


def _prune(folder: Path) -> None:
    """Keep the newest files of runs. What is not ours stays."""
    ours = sorted(path for path in folder.iterdir() if RUN_FILE.fullmatch(path.name))
    for path in ours[: max(0, len(ours) - RUN_FILES_MAX + 1)]:
        path.unlink(missing_ok=True)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _first_time(path: Path) -> datetime | None:
    """When the first line of a file was written, as it says itself."""
    with path.open("rb") as file:
        found = _FIRST_TIME.search(file.read(_HEAD_BYTES))
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1].decode())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
