"""Named SQL is read from files; what is wrong with a file or a name is said."""

import pytest

from fillbook.errors import LedgerError
from fillbook.ledger._queries import parse_queries

TWO = """\
-- What windows prove.

-- name: first
-- Its comment travels along.
SELECT 1;

-- name: second_one
SELECT ';' AS semicolon,
       %(value)s;
"""


def test_statements_by_name() -> None:
    """Each header names the statement up to the next one; the last semicolon is dropped."""

    found = parse_queries(TWO, file="two.sql")
    assert dict(found) == {
        "first": "-- Its comment travels along.\nSELECT 1",
        "second_one": "SELECT ';' AS semicolon,\n       %(value)s",
    }


def test_unknown_name_is_said() -> None:
    """An unknown name is an error that names the file and the nearest name."""

    found = parse_queries(TWO, file="two.sql")
    with pytest.raises(KeyError, match=r"two\.sql has no query named frist; did you mean first"):
        found["frist"]
    assert "frist" not in found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;", "two queries named a"),
        ("-- name: a\n-- nothing here\n", "the query a is empty"),
        ("-- name: Bad-Name\nSELECT 1", "`Bad-Name` is no name"),
        ("-- name:\nSELECT 1", "`` is no name"),
        ("SELECT 1;\n-- name: a\nSELECT 2", "SQL without a name"),
        ("SELECT 1;", "SQL without a name"),
    ],
)
def test_wrong_files_are_refused(text: str, complaint: str) -> None:
    """A name used twice, a bad one, an empty statement or a nameless one is an error."""

    with pytest.raises(LedgerError, match=complaint):
        parse_queries(text, file="wrong.sql")
