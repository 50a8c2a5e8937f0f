"""`python -m fillbook.exchange_sync.runner` is `fillbook run`, with its options."""

import subprocess
import sys
from pathlib import Path

from tests.cli.command import Ended, environment


def runner(*words: str, home: Path, given: dict[str, str] | None = None) -> Ended:
    """Run it to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "fillbook.exchange_sync.runner", *words],
        env=environment(home, given), cwd=home, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def test_it_has_the_options_of_run(tmp_path: Path) -> None:
    """Its help is the help of the command."""
    said = runner("--help", home=tmp_path)

    assert said.code == 0, said.err
    assert "fillbook run" in said.out
    assert "--account" in said.out
    assert "--serve" in said.out


def test_an_error_is_one_sentence_and_an_exit_code(tmp_path: Path) -> None:
    """As of every command."""
    said = runner(home=tmp_path, given={"BACKFILL_MONTHS": "a few"})

    assert said.code == 2
    assert said.err.startswith("fillbook: BACKFILL_MONTHS")
    assert len(said.err.splitlines()) == 1
