"""The page about logs names every event that the program logs, and no other."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.source import PACKAGE, ROOT, SourceFile, example, files

PAGE = ROOT / "docs" / "reference" / "logs.md"
LEVELS = frozenset(("debug", "info", "warning", "error", "exception", "log"))
IN_TABLE = re.compile(r"^\| `([^`]+)` \| (?:debug|info|warning|error)", re.MULTILINE)


def events(source: SourceFile) -> Iterator[str]:
    """The events of `log.info("...")` and its like; `say(..., a=1)` has a level of its choice."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id="log"), attr=level) if level in LEVELS:
                place = 1 if level == "log" else 0
            case ast.Name(id="say" | "_log") if node.keywords:
                place = 0
            case _:
                continue
        match node.args[place : place + 1]:
            case [ast.Constant(value=str(event))]:
                yield event


def test_every_event_is_documented() -> None:
    """With its level and its fields."""
    logged = {event for source in files(PACKAGE) for event in events(source)}

    assert set(IN_TABLE.findall(PAGE.read_text(encoding="utf-8"))) == logged


def test_an_event_is_found() -> None:
    """Whatever level it is logged at."""
    text = 'log.info("one", a=1)\nlog.log(INFO, "two")\nlog.exception("three")\nother.info("four")'

    assert list(events(example(text))) == ["one", "two", "three"]
