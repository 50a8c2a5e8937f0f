"""Reads specification tables: themes of cases, each with tables of what goes in and comes out.

A file is a theme: a `#` heading, what it is about, and its cases. A case is a `##` heading, a
sentence or two, and tables. The first cell of a table's head is the table's name, the first cell of
each row is the row's name. An empty cell is an empty text; backticks around a cell are left out.
Nothing is computed here, so that any engine can run the cases.
"""

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

FOLDER = Path(__file__).parent

Row = dict[str, str]  # column: cell; the row's own name stands under ""
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what it is about, and its tables by name."""

    title: str
    lines: list[str] = field(default_factory=list)  # all below the heading, verbatim
    tables: Tables = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)  # of each table

    def rows(self, table: str) -> list[Row]:
        """The rows of a table; none when the case has no such table."""
        return self.tables.get(table, [])

    def row(self, table: str) -> Row:
        """The only row of a table; an empty one when the case has no such table."""
        rows = self.rows(table)
        assert len(rows) <= 1, f"{self.title}: {table} has one row"
        return rows[0] if rows else {}


@dataclass(frozen=True, slots=True)
class Theme:
    """The cases of one file, and what they are about."""

    name: str
    title: str
    lines: list[str] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)


def themes(folder: Path = FOLDER) -> list[Theme]:
    """All themes of a folder, by name."""
    return [read(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.md"))]


def cases(folder: Path = FOLDER) -> list[Case]:
    """All cases of all themes."""
    return [case for theme in themes(folder) for case in theme.cases]


def read(name: str, text: str) -> Theme:
    """The theme that a file tells."""
    first, *lines = text.splitlines()
    assert first.startswith("# "), f"{name}: a theme begins with its title"
    theme = Theme(name, first[2:].strip())
    for line in lines:
        if line.startswith("## "):
            theme.cases.append(Case(line[3:].strip()))
        else:
            (theme.cases[-1].lines if theme.cases else theme.lines).append(line)
    for case in theme.cases:
        _read_tables(case)
    return theme


def _read_tables(case: Case) -> None:
    head: list[str] = []
    for line in case.lines:
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip().strip("`") for cell in line.strip()[1:-1].split("|")]
        if not head:
            head = cells
            assert head[0] not in case.tables, f"{case.title}: two tables {head[0]}"
            case.tables[head[0]] = []
            case.columns[head[0]] = head[1:]
        elif set("".join(cells)) != {"-"}:
            names = ["", *head[1:]]
            case.tables[head[0]].append(dict(zip(names, cells, strict=True)))


# Of these a case tells all there is: one that is left out is empty. Others may be left out.
ALWAYS_TOLD = ("trades", "positions", "alarms", "unattached")
MAY_BE_TOLD = ("opening", "lots", "shares", "round trips", "events", "sums")


def assert_as_told(case: Case, actual: Tables) -> None:
    """What came out is what the case tells; a column that it leaves out is not looked at."""
    for table in (*ALWAYS_TOLD, *(name for name in MAY_BE_TOLD if name in case.tables)):
        expected = [_without_name(row) for row in case.rows(table)]
        columns = case.columns.get(table)
        seen = [row if columns is None else {name: row[name] for name in columns}
                for row in actual[table]]  # fmt: skip
        assert (table, sorted(expected, key=_in_order)) == (table, sorted(seen, key=_in_order))


def _without_name(row: Row) -> Row:
    return {column: cell for column, cell in row.items() if column}


def _in_order(row: Row) -> list[str]:
    return sorted(chain.from_iterable(row.items()))
