"""Writing many rows at once: COPY in its text form, made here.

The driver looks up how to write each value of each row. A table's columns have few types, so one
look-up by type and one join a row are enough, and half the time of a bulk write is saved.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, LiteralString
from uuid import UUID

from fillbook.ledger._pool import Connection

ROWS_PER_WRITE = 500
INSTANTS_KEPT = 4_096  # a fill's instant stands in its line and in its matches

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(text: str) -> str:
    if text.isidentifier():  # most are: nothing special in them
        return text
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


# A type that is not listed is an error, which is better than a guess.
_WRITTEN: Mapping[type, Callable[[Any], str]] = {
    NoneType: lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: f"\\\\x{value.hex()}",
    datetime: lru_cache(maxsize=INSTANTS_KEPT)(datetime.isoformat),
    Decimal: str,
    int: str,
    str: _escaped,
    UUID: lambda value: value.int.to_bytes(16).hex(),
}


async def copy_rows(
    conn: Connection, statement: LiteralString, rows: Sequence[Sequence[object]]
) -> None:
    """Send rows to a `COPY ... FROM STDIN`; nothing happens when there are none."""
    if not rows:
        return
    async with conn.cursor().copy(statement) as copy:
        for start in range(0, len(rows), ROWS_PER_WRITE):
            lines = map(as_line, rows[start : start + ROWS_PER_WRITE])
            await copy.write("".join(lines).encode())


def as_line(row: Sequence[object]) -> str:
    """A row as a line of COPY's text form."""
    return "\t".join([_WRITTEN[type(value)](value) for value in row]) + "\n"
