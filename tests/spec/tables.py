"""Reads specification tables: cases under headings, each with tables of what goes in and comes out.

A case is a `##` heading, a sentence or two, and tables. The first cell of a table's head is the
table's name, the first cell of each row is the row's name. An empty cell is an empty text. Nothing
is computed here, so that any engine can run the cases.
"""

from dataclasses import dataclass, field
from pathlib import Path

Row = dict[str, str]  # column: cell; the row's own name stands under ""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what it is about, and its tables by name."""

    title: str
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table; none when the case has no such table."""
        return self.tables.get(table, [])


def cases(folder: Path) -> list[Case]:
    """All cases of all files of a folder, in order."""
    return [case for path in sorted(folder.glob("*.md")) for case in read(path.read_text("utf-8"))]


def read(text: str) -> list[Case]:
    """The cases of one file."""
    found: list[Case] = []
    head: list[str] = []
    for line in text.splitlines():
        if line.startswith("## "):
            found.append(Case(line[3:].strip()))
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not head:
            head = cells
            assert head[0] not in found[-1].tables, f"{found[-1].title}: two tables {head[0]}"
            found[-1].tables[head[0]] = []
        elif set("".join(cells)) != {"-"}:
            names = ["", *head[1:]]
            found[-1].tables[head[0]].append(dict(zip(names, cells, strict=True)))
    return found
