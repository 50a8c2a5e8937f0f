"""The shell blocks of a page that are marked as runnable, and a way to run them.

A comment `<!-- runnable -->` on the line before a block marks it; with `: background` the block is
started and left running until the others have ended. The blocks of a page are one script, so that
a later one sees what an earlier one made.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARKED = re.compile(
    r"^<!-- runnable(?P<background>: background)? -->\n```sh\n(?P<script>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Settings of whoever runs the tests must not reach the pages' commands.
OWN_VARIABLES = re.compile(r"(FILLBOOK|BYBIT|EXCHANGE_SYNC|BACKFILL|DB|DATABASE|POSTGRES|PG)_?.*")
BACKGROUND_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10
SCRIPT_SECONDS_MAX = 100


@dataclass(frozen=True, slots=True)
class Block:
    """One marked block."""

    script: str
    background: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """What a page's script said, and its exit code."""

    code: int
    said: str


def marked_blocks(text: str) -> list[Block]:
    """The marked blocks of a page, in order."""
    return [
        Block(match["script"], match["background"] is not None) for match in MARKED.finditer(text)
    ]


def environment(**more: str) -> dict[str, str]:
    """The environment of a reader who has put the checkout's programs on the path."""
    kept = {name: v for name, v in os.environ.items() if not OWN_VARIABLES.fullmatch(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path} | more


def run_blocks(blocks: list[Block], folder: Path, environ: Mapping[str, str]) -> Ran:
    """Run a page in a folder; background blocks end with it."""
    started = []
    try:
        for block in blocks:
            if block.background:
                started.append(_start(block.script, folder, environ))
                _wait_for(folder / block.script.rpartition(">")[2].strip())
        script = "set -eu\n" + "\n".join(b.script for b in blocks if not b.background)
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SCRIPT_SECONDS_MAX,
        )
        return Ran(done.returncode, done.stdout)
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOP_SECONDS_MAX)


def _start(script: str, folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_for(file: Path) -> None:
    """Wait until a background block has written its file, as a reader would."""
    deadline = time.monotonic() + BACKGROUND_SECONDS_MAX
    while not file.is_file() or not file.read_text().endswith("\n"):
        assert time.monotonic() < deadline, f"{file.name} was not written"
        time.sleep(0.05)
