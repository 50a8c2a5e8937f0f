"""The reference pages are what scripts/reference would write now."""

import subprocess
import sys

from tests.tidy.source import ROOT


def test_the_reference_is_up_to_date(database_url: str) -> None:
    """Commands, settings and columns as they are, each column with its sentence."""
    command = [sys.executable, str(ROOT / "scripts" / "reference"), "--check"]

    done = subprocess.run(
        [*command, "--database", database_url], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_page_that_is_out_of_date_is_named(empty_database_url: str) -> None:
    """Against a database without the views, the columns do not fit, and nothing is written."""
    command = [sys.executable, str(ROOT / "scripts" / "reference"), "--check"]
    before = (ROOT / "docs" / "reference" / "sql.md").read_bytes()

    done = subprocess.run(
        [*command, "--database", empty_database_url], check=False, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "views and sections of sql.toml differ" in done.stderr
    assert before == (ROOT / "docs" / "reference" / "sql.md").read_bytes()
