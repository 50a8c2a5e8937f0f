"""Ledgers to back up, and what must come back: every row of every table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from fillbook.domain.account import Account
from fillbook.domain.window import Window
from fillbook.errors import NotFound
from fillbook.ledger._pool import open_pool
from fillbook.ledger.backup import write_backup
from fillbook.ledger.backup_contents import SCHEMAS, Manifest, Shape
from fillbook.ledger.restore import Restored, restore
from fillbook.ledger.verify import Parse
from fillbook.venues.bybit.parse import parse_record
from tests.ledger.handed_in import END, hand, inside, paper_rows

PASSPHRASE = "correct horse battery staple"
NOBODY = 4_711  # rows that are made up lie under an account that nobody has
DAYS = 3
ALL = Window(END - timedelta(days=DAYS), END)

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), a.attnum, (
    SELECT string_agg(pg_get_constraintdef(o.oid), ' ') FROM pg_constraint o
    WHERE o.conrelid = a.attrelid AND o.contype = 'c' AND a.attnum = ANY(o.conkey))
FROM pg_attribute a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
FIRST_ALLOWED = re.compile(r"'([^']*)'::text")
HARD_TEXT = "tab\t, line\n, return\r, \\N, \\., quote ' and \", ä, 漢, \u200b"
HARD_NUMBER = Decimal("-0.000000000000000000000000000001234567890")


@dataclass(frozen=True, slots=True)
class Contents:
    """Every row of some tables, as text, whatever their order."""

    rows: dict[str, list[str]]


def tables(conn: psycopg.Connection[tuple[object, ...]]) -> list[Shape]:
    """Every table of ours."""
    found = conn.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema = ANY(%s) AND table_type = 'BASE TABLE' ORDER BY 1, 2",
        [list(SCHEMAS)],
    )
    return [Shape(str(schema), str(table), ()) for schema, table in found.fetchall()]


def contents(url: str, *, schemas: Sequence[str] = ("facts", "ops", "derived")) -> Contents:
    """Every row of every table of these schemas."""
    rows = {}
    with psycopg.connect(url) as conn:
        conn.execute("SET TIME ZONE 'UTC'")
        for shape in tables(conn):
            if shape.schema in schemas:
                query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(shape.identifier())
                rows[shape.name] = [str(row[0]) for row in conn.execute(query).fetchall()]
    return Contents(rows)


def fill_every_table(url: str) -> list[str]:
    """Put a made-up row into each table that goes into a backup; returns their names."""
    filled = []
    with psycopg.connect(url) as conn:
        for shape in tables(conn):
            if not shape.copied or shape.name == "ops.accounts":  # a book's own row is there
                continue
            columns = conn.execute(COLUMNS, [shape.name]).fetchall()
            values = [_made_up(*column) for column in columns]
            conn.execute(
                sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
                    shape.identifier(),
                    sql.SQL(", ").join(sql.Identifier(str(column[0])) for column in columns),
                    sql.SQL(", ").join(sql.Placeholder() * len(columns)),
                ),
                values,
            )
            filled.append(shape.name)
    return [*filled, "ops.accounts"]


def _made_up(name: object, kind: object, place: object, checked: object) -> object:
    """A value of a column's type that its checks allow, and that is hard to copy."""
    assert isinstance(place, int)
    at = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) + timedelta(microseconds=place)
    allowed = FIRST_ALLOWED.search(str(checked)) if checked else None
    made: dict[object, object] = {
        "bigint": NOBODY,
        "integer": 7,
        "smallint": 1,
        "boolean": True,
        "numeric": HARD_NUMBER,
        "text": allowed[1] if allowed else f"{name} {HARD_TEXT}",
        "text[]": [HARD_TEXT, ""],
        "bytea": bytes(range(256)),
        "uuid": UUID(int=2**127 + place),
        "timestamp with time zone": at,
        "date": at.date(),
        "jsonb": Jsonb({"said": HARD_TEXT}),
        "tstzrange": Range(at, at + timedelta(days=1)),
        "tstzmultirange": Multirange([Range(at, at + timedelta(days=1))]),
    }
    assert kind in made, f"{name} is of type {kind}: say here what such a value may be"
    return made[kind]


async def booked(url: str, *, executions: int = 60, seed: int = 5) -> str:
    """Book a paper history by hand; returns the ledger hash."""
    async with hand(url) as one:
        await one.book(inside(paper_rows(executions=executions, days=DAYS, seed=seed), ALL))
        await one.prove(ALL)
        return await one.hash()


def parser_of(account: Account) -> Parse:
    """How raw records are read."""
    if account.venue != "bybit":
        raise NotFound(f"There is no venue {account.venue}.")
    return parse_record


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


async def back_up(url: str, path: Path, *, passphrase: str | None = None) -> Manifest:
    """Back up a database."""
    async with open_pool(url, max_size=2) as pool:
        return await write_backup(pool, path, passphrase=passphrase, now=END, program="test")


async def bring_back(url: str, path: Path, *, passphrase: str | None = None) -> Restored:
    """Restore into a database."""
    return await restore(
        url, path, passphrase=passphrase, clock=lambda: END, parser_of=parser_of, actor="somebody"
    )
