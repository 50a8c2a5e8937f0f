"""The manual of matching is whole: every theme, every table and every column."""

from itertools import takewhile

from tests.spec import manual
from tests.spec.tables import Case, cases, themes


def test_every_theme_has_its_place() -> None:
    """The order of the manual names each file of cases once."""

    assert sorted(manual.ORDER) == [theme.name for theme in themes()]


def test_every_column_is_explained() -> None:
    """What the cases use and what the manual explains are the same tables and columns."""
    explained = {
        (table, column)
        for tables in (manual.TOLD, manual.FOUND)
        for table, (_, columns) in tables.items()
        for column in ("", *columns)
    }

    used = {
        (table, column)
        for case in cases()
        for table, columns in case.columns.items()
        for column in ("", *columns)
    }

    assert sorted(explained) == sorted(used)


def test_every_case_says_why() -> None:
    """Each case tells in words what it shows, before its first table."""
    silent = [case.title for case in cases() if not _words(case)]

    assert silent == []


def _words(case: Case) -> str:
    return "".join(takewhile(lambda line: not line.startswith("|"), case.lines)).strip()


def test_the_page_holds_every_case() -> None:
    """Each title is a heading of the page, under its theme."""
    headings = [line for line in manual.page().splitlines() if line.startswith("### ")]

    assert sorted(headings) == sorted(f"### {case.title}" for case in cases())
