"""What the pages tell the reader to type works, against a paper venue."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fillbook.ledger._embedded import stop
from tests.docs.marked_blocks import Block, environment, marked_blocks, run_blocks
from tests.tidy.source import ROOT

PAPER_OPTIONS = ("--executions", "1500", "--days", "20")
STOP_SECONDS_MAX = 10


@contextmanager
def paper_venue() -> Iterator[dict[str, str]]:
    """A small paper Bybit; yields the settings that lead to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fillbook", "paper", "bybit", *PAPER_OPTIONS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        paper = json.loads(process.stdout.readline())
        yield {
            "BYBIT_BASE_URL": paper["url"],
            "BYBIT_API_KEY": paper["api_key"],
            "BYBIT_API_SECRET": paper["api_secret"],
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=STOP_SECONDS_MAX)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder through which a server's user may pass, with a book that is stopped at the end."""
    path = Path(tempfile.mkdtemp(prefix="fb-docs-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        stop(path / "book" / "postgres")
        shutil.rmtree(path, ignore_errors=True)


def page(name: str) -> list[Block]:
    """The marked blocks of a page."""
    return marked_blocks((ROOT / name).read_text(encoding="utf-8"))


def test_the_readme_and_the_example_run(folder: Path) -> None:
    """The README's own account fills a book, and the example reads trades out of it."""
    with paper_venue() as settings:
        environ = environment(FILLBOOK_HOME=str(folder / "book"), **settings)

        ran = run_blocks(page("README.md"), folder, environ)

    assert ran.code == 0, ran.said
    assert "new executions" in ran.said
    assert "Proven: 100.00 %" in ran.said
    example = [sys.executable, str(ROOT / "examples" / "read_trades.py")]
    read = subprocess.run(
        example, check=True, capture_output=True, text=True, env=environ, cwd=folder
    )
    lines = read.stdout.splitlines()
    assert any("take_profit" in line and "USDT" in line for line in lines), read.stdout


@pytest.mark.slow
def test_the_tutorial_runs(folder: Path) -> None:
    """Killed, it resumes; forged, it is found out; rebuilt, it has the hash of before."""
    ran = run_blocks(page("docs/tutorial/first-steps.md"), folder, environment())

    assert ran.code == 0, ran.said
    assert ran.said.count("not read yet") == 1
    assert "gaps: none" in ran.said
    assert "everything was booked already" in ran.said
    assert "DIFFERS  derived.completed_trades" in ran.said
    assert "verify said no: exit code 1" in ran.said
    hashes = [line for line in ran.said.splitlines() if "ledger hash" in line]
    assert len(hashes) == 3
    assert hashes[0] == hashes[2] != hashes[1]
    assert list(folder.iterdir()) == []


def test_marked_blocks_are_found() -> None:
    """A block without the mark is not run, and a mark must stand right before its block."""
    text = "```sh\na\n```\n\n<!-- runnable -->\n```sh\nb\nc\n```\n\n<!-- runnable: background -->\n"

    assert marked_blocks(text + "```sh\nd\n```\n") == [
        Block("b\nc\n", background=False),
        Block("d\n", background=True),
    ]
    assert marked_blocks("<!-- runnable -->\n\n```sh\na\n```\n") == []
