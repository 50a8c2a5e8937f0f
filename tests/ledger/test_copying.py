"""Rows written in COPY's text form come back as they were, whatever stands in them."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fillbook.ledger._pool import open_pool, transaction
from fillbook.ledger.copying import as_line, copy_rows

TABLE = (
    "CREATE TABLE kept (t text, n numeric, i bigint, b boolean, at timestamptz, u uuid, d bytea)"
)
ROWS = [
    ("plain", Decimal("1.10"), 1, True, datetime(2026, 11, 20, 1, 2, 3, 4, UTC), UUID(int=5), b"x"),
    ("tab\tline\nback\\slash\rend\\", Decimal("-1E-18"), -(2**62), False, None, None, b"\\x00\n\t"),
    ("\\N", Decimal(10) ** 37, None, None, datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0), b""),
    ("", None, 0, True, None, UUID(int=2**128 - 1), None),
    (
        "quote ' \" ; drop table kept; -- \u2028 ü 🙂",
        Decimal(0),
        7,
        None,
        None,
        None,
        bytes(range(256)),
    ),
]


async def test_what_is_written_comes_back(database_url: str) -> None:
    """Text with separators, odd numbers, all bytes, nothing at all."""
    async with open_pool(database_url) as pool, transaction(pool) as conn:
        await conn.execute(TABLE)
        await copy_rows(conn, "COPY kept FROM STDIN", ROWS)
        found = await (await conn.execute("SELECT * FROM kept")).fetchall()

    assert [tuple(row) for row in found] == ROWS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_any_text_comes_back(texts: list[str], database_url: str) -> None:
    """No text breaks out of its place."""
    with psycopg.connect(database_url) as conn:
        conn.execute("CREATE TABLE said (place int, t text)")
        with conn.cursor().copy("COPY said FROM STDIN") as copy:
            copy.write("".join(as_line(row) for row in enumerate(texts)))
        found = conn.execute("SELECT t FROM said ORDER BY place").fetchall()
        conn.rollback()

    assert [text for (text,) in found] == texts


def test_an_unknown_type_is_an_error() -> None:
    """A float, above all, is not written."""
    with pytest.raises(KeyError):
        as_line((1.5,))
