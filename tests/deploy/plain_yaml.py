"""The part of YAML that compose.yaml keeps to: mappings, lists, texts, numbers, anchors.

Indentation of two spaces, one thing a line, flow lists written as JSON. Anything else is an error,
so that the file stays one that can be read at a glance, and by this.
"""

import json
import re
from dataclasses import dataclass, field

KEY = re.compile(r"(?P<key>[A-Za-z0-9_.-]+):(?: (?P<rest>.+))?")
NUMBER = re.compile(r"-?\d+")

Value = str | int | bool | None | list["Value"] | dict[str, "Value"]


@dataclass(slots=True)
class _Lines:
    lines: list[tuple[int, str]]
    at: int = 0
    anchors: dict[str, Value] = field(default_factory=dict)

    def block(self, indent: int) -> Value:
        """The mapping or list that begins here, at this indentation."""
        if self.lines[self.at][1].startswith("- "):
            return self._list(indent)
        found: dict[str, Value] = {}
        while self.at < len(self.lines) and self.lines[self.at][0] == indent:
            matched = KEY.fullmatch(self.lines[self.at][1])
            assert matched, f"not a key: {self.lines[self.at][1]}"
            self.at += 1
            assert matched["key"] not in found, f"twice: {matched['key']}"
            found[matched["key"]] = self._value(matched["rest"], indent)
        return found

    def _list(self, indent: int) -> list[Value]:
        found: list[Value] = []
        while self.at < len(self.lines) and self.lines[self.at][0] == indent:
            text = self.lines[self.at][1]
            assert text.startswith("- "), f"not an item: {text}"
            found.append(_scalar(text.removeprefix("- ")))
            self.at += 1
        return found

    def _value(self, rest: str | None, indent: int) -> Value:
        if rest and rest.startswith("*"):
            return self.anchors[rest[1:]]
        if rest and not rest.startswith("&"):
            return _scalar(rest)
        if self.at >= len(self.lines) or self.lines[self.at][0] <= indent:
            return None
        assert self.lines[self.at][0] == indent + 2, f"indentation: {self.lines[self.at][1]}"
        value = self.block(indent + 2)
        if rest:
            self.anchors[rest[1:]] = value
        return value


def read_yaml(text: str) -> dict[str, Value]:
    """The content of such a file."""
    lines = [
        (len(line) - len(line.lstrip()), line.strip())
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    reader = _Lines(lines)
    found = reader.block(0)
    assert reader.at == len(lines), f"not understood: {lines[reader.at][1]}"
    assert isinstance(found, dict)
    return found


def _scalar(text: str) -> Value:
    if text.startswith(("[", '"')):
        read: Value = json.loads(text)
        return read
    assert " #" not in text, f"a note behind a value: {text}"
    assert not text.startswith(("{", "'", "|", ">", "!", "%", "@")), text
    if text in ("true", "false"):
        return text == "true"
    return int(text) if NUMBER.fullmatch(text) else text
