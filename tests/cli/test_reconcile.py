"""`fillbook reconcile`: what agrees, what differs, and the exit code that says which."""

import json
from pathlib import Path

import pytest

from tests.cli.command import fillbook, paper_venue

SMALL = ("--executions", "200", "--days", "5", "--seed", "7")
pytestmark = pytest.mark.slow


def test_a_book_that_agrees_and_one_that_does_not(home: Path) -> None:
    """Exit 0 and a dated sentence; exit 3, a break with its size, cause and next step."""
    with paper_venue(*SMALL) as given:
        done = fillbook("backfill", "--months", "1", home=home, given=given)
        assert done.code == 0, done.err
        agreed = fillbook("reconcile", home=home, given=given)
        shown = fillbook("reconcile", "--no-sync", "--format", "json", home=home, given=given)
    with paper_venue(*SMALL, "--fault", "hidden_row=0.2") as given:
        home2 = {"FILLBOOK_HOME": str(home / "book" / "demo" / "other")}
        differs = fillbook("reconcile", home=home, given=given | home2)

    assert agreed.code == 0, agreed.err
    assert "Nothing that was compared differs." in agreed.out
    told = json.loads(shown.out)
    assert told["rows"] == []
    assert told["accounts"][0]["open_breaks"] == 0
    assert {row["verdict"] for row in told["compared"]} == {"agrees"}
    assert differs.code == 3
    assert "position quantity linear" in differs.out
    assert "likely cause: " in differs.out
    assert "next: " in differs.out
    assert "tried: " in differs.out
