"""Named SQL: statements live in `.sql` files of this package, each under a header `-- name: ...`.

::

    -- name: latest_window
    -- The window that was proven last.
    SELECT ... WHERE account_id = %(account_id)s;

    SQL = queries("coverage.sql")
    await conn.execute(SQL["latest_window"], {"account_id": 7})

A file is read once. The texts come with the program, not from its users, so they count as literal:
a type checker lets them through to the driver and nothing that was put together at run time.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import LiteralString

from fillbook.errors import LedgerError

HEADER = re.compile(r"^--[ \t]*name:[ \t]*(?P<name>[^\n]*?)[ \t]*$", re.MULTILINE)
NAME = re.compile(r"[a-z][a-z0-9_]*")
COMMENT = re.compile(r"--[^\n]*")


class Queries(Mapping[str, LiteralString]):
    """The statements of one file, by name."""

    __slots__ = ("_by_name", "_file")

    def __init__(self, file: str, by_name: Mapping[str, LiteralString]) -> None:
        self._file = file
        self._by_name = by_name

    def __getitem__(self, name: str) -> LiteralString:
        try:
            return self._by_name[name]
        except KeyError:
            near = get_close_matches(name, self._by_name, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise KeyError(f"{self._file} has no query named {name}{hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


@cache
def queries(file: str, *, package: str = "fillbook.ledger.sql") -> Queries:
    """Return the statements of a `.sql` file that lies in `package`."""
    folder, _, part = package.rpartition(".")
    text = (files(folder) / part / file).read_text(encoding="utf-8")
    return parse_queries(text, file=file)


def parse_queries(text: str, *, file: str) -> Queries:
    """Read statements from a text; a bad, double or empty one is an error that names it."""
    headers = list(HEADER.finditer(text))
    preamble = text[: headers[0].start()] if headers else text
    if COMMENT.sub("", preamble).strip():
        raise LedgerError(f"{file} has SQL without a name: put `-- name: ...` above it.")
    by_name: dict[str, LiteralString] = {}
    ends = [*(header.start() for header in headers[1:]), len(text)]
    for header, end in zip(headers, ends, strict=True):
        name = header["name"]
        if NAME.fullmatch(name) is None:
            raise LedgerError(f"{file}: `{name}` is no name; use lower case, digits, underscores.")
        if name in by_name:
            raise LedgerError(f"{file} has two queries named {name}.")
        statement = text[header.end() : end].strip().removesuffix(";").rstrip()
        if not COMMENT.sub("", statement).strip():
            raise LedgerError(f"{file}: the query {name} is empty.")
        by_name[name] = statement
    return Queries(file, by_name)
