"""Running the real command as a user would: another process, an environment of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_MAX = 90
KEPT = ("PATH", "LANG", "TMPDIR")

# The venue's own command, its clock moved: what its users see when theirs is wrong.
PAPER_WITH_A_CLOCK = """
import sys
from papervenues.bybit import __main__ as command
right = command.wall_clock_ms
command.wall_clock_ms = lambda: right() + {ahead}
sys.exit(command.main(sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def environment(home: Path, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of ours but what is given, and a home of its own."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "HOME": str(home), "FILLBOOK_HOME": str(home / "book"), **(given or {})}


def fillbook(
    *words: str, home: Path, given: Mapping[str, str] | None = None, typed: str = ""
) -> Ended:
    """Run `fillbook` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "fillbook", *words],
        env=environment(home, given),
        cwd=home,
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def paper_venue(*words: str, clock_ahead_ms: int = 0) -> Iterator[dict[str, str]]:
    """A paper venue in its own process; gives the settings that lead to it."""
    with paper_line(*words, clock_ahead_ms=clock_ahead_ms) as line:
        yield {
            "BYBIT_BASE_URL": line["url"],
            "BYBIT_API_KEY": line["api_key"],
            "BYBIT_API_SECRET": line["api_secret"],
        }


@contextmanager
def paper_line(*words: str, clock_ahead_ms: int = 0) -> Iterator[dict[str, Any]]:
    """The same; gives all that it says of itself."""
    program = PAPER_WITH_A_CLOCK.format(ahead=clock_ahead_ms)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)
