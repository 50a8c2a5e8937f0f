"""The messages that the troubleshooting page explains are messages that the program has."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.tidy.source import ROOT, files

PAGE = ROOT / "docs" / "how-to" / "troubleshooting.md"
MESSAGES_MIN = 60
FRAGMENT_LENGTH_MIN = 8
# The first column of a table: one or more messages in backquotes.
ROW = re.compile(r"^\| (?P<said>`[^|]*) \|", re.MULTILINE)
MESSAGE = re.compile(r"`([^`]+)`")
# What stands for a part that differs: words in capitals, N, and dots.
PLACEHOLDER = re.compile(r"\b[A-Z][A-Z_]+\b|\bN+(?:_name\.sql)?\b|\bM\b|\d\w\w|\d+|\(?\.\.+\)?|'")


@cache
def program_says() -> str:
    """Every text in the program's sources, docstrings included, on one line each."""
    found = [(ROOT / "scripts" / "setup").read_text(encoding="utf-8")]
    for source in files("src"):
        found += [
            node.value
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(" ".join(text.split()) for text in found)


def messages(text: str) -> Iterator[str]:
    """The messages that a page quotes."""
    for row in ROW.finditer(text):
        yield from MESSAGE.findall(row["said"])


def unknown_parts(message: str) -> list[str]:
    """The fixed parts of a message that the program does not say."""
    parts = (part.strip(" .,:;()/") for part in PLACEHOLDER.split(message))
    return [p for p in parts if len(p) >= FRAGMENT_LENGTH_MIN and p not in program_says()]


def test_each_message_exists() -> None:
    """Each message on the page is said somewhere, but for the parts that differ."""
    found = list(messages(PAGE.read_text(encoding="utf-8")))

    assert len(found) >= MESSAGES_MIN
    assert {message: parts for message in found if (parts := unknown_parts(message))} == {}


def test_an_invented_message_is_found() -> None:
    """A message that nobody says, whatever stands around it."""
    text = "| `The moon is full over HOST` or `Port N is taken` | wait |\n"

    assert list(messages(text)) == ["The moon is full over HOST", "Port N is taken"]
    assert unknown_parts("The moon is full over HOST") == ["The moon is full over"]
    assert unknown_parts("Port N is taken") == []
