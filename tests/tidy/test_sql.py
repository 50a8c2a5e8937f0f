"""SQL is named, used, and fit for a database that is spread over several machines.

What only the catalogue can tell is in `test_shardable.py`; this looks at the text.
"""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.tidy.source import PACKAGE, Finding, SourceFile, apply, example, files

NAME = re.compile(r"^--\s*name:\s*(?P<name>\S+)", re.MULTILINE)
NOTES = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# Evaluated once per row or node, so that copies of a row could differ.
VOLATILE = r"(?:clock_timestamp|gen_random_uuid|random|uuidv[47]|timeofday|nextval)\s*\("
IN_UPDATE = rf"\bUPDATE\b[^;]*\bSET\b[^;]*\b{VOLATILE}"
IN_DELETE = rf"\bDELETE\s+FROM\b[^;]*\b{VOLATILE}"
TRIGGER = r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\b"
NOT_EVERYWHERE = {
    what: re.compile(pattern, re.IGNORECASE)
    for what, pattern in {
        "a trigger": TRIGGER,
        "a materialised view": r"\bCREATE\s+MATERIALIZED\s+VIEW\b",
        "MERGE": r"\bMERGE\s+INTO\b",
        "an exclusion constraint": r"\bEXCLUDE\s+USING\b",
        "now() in DO UPDATE": r"\bDO\s+UPDATE\b[^;]*\bnow\s*\(",
        "a volatile function in UPDATE": IN_UPDATE,
        "a volatile function in DELETE": IN_DELETE,
        "a session lock": r"\bpg_(?:try_)?advisory_lock\b",
    }.items()
}


def not_everywhere(source: SourceFile) -> Iterator[Finding]:
    text = NOTES.sub(_blank, source.text)
    for what, pattern in NOT_EVERYWHERE.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Finding(source.path, line, f"{what} does not work on every PostgreSQL we run on")


def unused_queries(queries: Iterable[SourceFile], code: Iterable[SourceFile]) -> list[str]:
    used = {word for source in code for word in _words(source.tree)}
    return [
        f"{source.path}: {match['name']} is used nowhere"
        for source in queries
        for match in NAME.finditer(source.text)
        if match["name"] not in used
    ]


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Attribute(attr=name):
                yield name


def _blank(match: re.Match[str]) -> str:
    """Takes a note out and keeps its line ends, so that line numbers stay right."""
    return "\n" * match[0].count("\n")


def query_files() -> list[SourceFile]:
    return [f for f in files(PACKAGE, suffixes=[".sql"]) if "/migrations/" not in f.path]


def test_every_query_is_used() -> None:
    """A named query that no code asks for is removed, not kept."""
    queries = query_files()

    assert queries != []
    assert unused_queries(queries, files(PACKAGE)) == []


def test_an_unused_query_is_found() -> None:
    """By string or by attribute a query counts as used; otherwise it is reported."""
    text = "-- name: one\nSELECT 1;\n-- name: two\nSELECT 2;\n-- name: three\nSELECT 3;\n"
    code = example("run(sql['one'])\nrun(queries.two)")

    assert unused_queries([example(text, path="x/sql/a.sql")], [code]) == [
        "x/sql/a.sql: three is used nowhere"
    ]


def test_sql_works_on_every_postgresql() -> None:
    """No statement of ours fails, or lies, on a distributed server or through a pooler."""

    assert apply(not_everywhere, files(PACKAGE, suffixes=[".sql"])) == []


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TRIGGER t BEFORE INSERT ON facts.x EXECUTE FUNCTION f();",
        "create materialized view v as select 1;",
        "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE;",
        "CREATE TABLE x (r tstzrange, EXCLUDE USING gist (r WITH &&));",
        "INSERT INTO x VALUES (1) ON CONFLICT (a) DO UPDATE SET t = now();",
        "UPDATE x\nSET id = gen_random_uuid()\nWHERE a = 1;",
        "DELETE FROM x WHERE at < clock_timestamp();",
        "SELECT pg_advisory_lock(1);",
    ],
)
def test_such_a_statement_is_found(text: str) -> None:
    """Each is caught, in any case and over several lines."""

    assert len(apply(not_everywhere, [example(text, path="x/sql/a.sql")])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "-- no CREATE TRIGGER here\nSELECT 1;",
        "INSERT INTO x VALUES (1) ON CONFLICT (a) DO UPDATE SET t = excluded.t; SELECT now();",
        "UPDATE x SET at = %(at)s; SELECT gen_random_uuid();",
        "SELECT pg_advisory_xact_lock(1);",
    ],
)
def test_a_harmless_statement_is_left_alone(text: str) -> None:
    """Notes do not count, and one statement is not mixed up with the next."""

    assert apply(not_everywhere, [example(text, path="x/sql/a.sql")]) == []
