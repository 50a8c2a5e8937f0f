"""A home for commands to live in, with its embedded server stopped at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import fillbook


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home."""
    yield tmp_path
    if (tmp_path / "book" / "postgres").exists():
        fillbook("db", "stop", home=tmp_path)
    for demo in tmp_path.glob("book/demo/*"):
        fillbook("db", "stop", home=tmp_path, given={"FILLBOOK_HOME": str(demo)})
