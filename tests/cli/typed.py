"""Typing at a terminal: a command in a pseudo-terminal of its own."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cli.command import SECONDS_MAX, Ended, environment

CHUNK = 4096
AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "fillbook", *sys.argv[1:]])
"""


def typed(
    *words: str, home: Path, given: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> Ended:
    """Run `fillbook` at a terminal; each answer is typed when its question was asked."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *words],
        env=environment(home, given),
        cwd=home,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        for question, answer in answers:
            while question.encode() not in shown.rpartition(b"\n")[2]:
                shown += os.read(ours, CHUNK)
            os.write(ours, answer.encode() + b"\n")
            shown += b"\n"
        shown += _rest(ours)
        return Ended(process.wait(SECONDS_MAX), shown.decode(), "")
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()


def _rest(ours: int) -> bytes:
    """What is shown until the terminal closes."""
    shown = b""
    while True:
        try:
            chunk = os.read(ours, CHUNK)
        except OSError:  # how Linux says that the other side is closed
            return shown
        if not chunk:
            return shown
        shown += chunk
