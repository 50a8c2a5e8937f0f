"""One process at a time works on a folder.

The lock is the kernel's (`flock`): it ends with the last process that holds its descriptor, so a
kill -9 leaves nothing behind. A child that is given the descriptor keeps the lock.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fillbook.errors import DatabaseUnavailable

POLL_SECONDS = 0.02


@contextmanager
def folder_lock(path: Path, *, seconds_max: float) -> Iterator[int]:
    """Hold the lock at `path`, waiting up to `seconds_max`; yields its descriptor."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(fd, path, seconds_max=seconds_max)
        yield fd
    finally:
        os.close(fd)


def _wait(fd: int, path: Path, *, seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"Another process has held {path} for {seconds_max:.0f} s: end it, try again."
                ) from None
            time.sleep(POLL_SECONDS)
        else:
            return
