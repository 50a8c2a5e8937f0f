"""`fillbook sync --follow`: it tells what it does, goes on without its venue, and ends cleanly."""

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.command import environment, fillbook, paper_venue

SMALL = ("--executions", "200", "--days", "3")
SECONDS_MAX = 40
STOP_SECONDS_MAX = 5

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Following:
    """A follower in a process of its own, and the lines that it says."""

    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)
    _lines: "queue.Queue[str]" = field(default_factory=queue.Queue)
    _reading: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Read what it says as it says it."""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def until(self, wanted: str) -> None:
        """Wait for a line."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                line = self._lines.get(timeout=deadline - time.monotonic())
            except queue.Empty:
                break
            self.said.append(line)
            if wanted in line:
                return
        raise AssertionError(f"{wanted!r} was not said: {self.said}")

    def joined(self) -> None:
        """Nothing is read any more."""
        self._reading.join(timeout=STOP_SECONDS_MAX)

    def end(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS_MAX)


@contextmanager
def following(home: Path, given: dict[str, str]) -> Iterator[Following]:
    """`fillbook sync --follow`, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fillbook", "sync", "--follow"],
        env=environment(home, given),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    one = Following(process)
    try:
        yield one
    finally:
        process.kill()
        process.wait(timeout=STOP_SECONDS_MAX)
        one.joined()


def test_it_catches_up_goes_live_and_ends_on_a_signal(home: Path) -> None:
    """Three states in their order, and exit code 0 within five seconds of SIGTERM."""
    with paper_venue(*SMALL) as login:
        first = fillbook("backfill", "--months", "1", home=home, given=login)
        with following(home, login) as one:
            for state in ("connecting", "catching up", "live"):
                one.until(f"bybit: {state}")
            code = one.end()
            one.until("stopped")
        verified = fillbook("verify", home=home)

    assert first.code == 0, first
    assert code == 0
    assert verified.code == 0, verified


def test_a_paused_account_is_not_followed(home: Path) -> None:
    """It is said, and the command ends: there is nothing else to follow."""
    with paper_venue(*SMALL) as login:
        fillbook("backfill", "--months", "1", home=home, given=login)
        paused = fillbook("accounts", "pause", "bybit", home=home, given=login)
        again = fillbook("sync", "--follow", home=home, given=login)

    assert paused.code == 0, paused
    assert again.code == 0
    assert "paused" in again.out
