"""What belongs into a backup: every table of ours, but for those that are named here with a reason.

The list comes from the database's own catalogue, not from this program, so that no table of a later
version can be forgotten. A column that is left out would be noticed too: a restore compares.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg import sql

from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries

SQL = queries("backup.sql")

FORMAT = 1
SCHEMAS = ("facts", "ops", "derived", "trading")
MANIFEST = "manifest.json"

# A pure function of facts: a restore lays it again, and compares.
LAID_AGAIN = "derived"
# Views, and perhaps tables that its owner put beside them.
VIEWS = "trading"
LEFT_OUT: Mapping[str, str] = {
    "ops.schema_migrations": "the manifest says which files were applied; a restore applies them",
    "ops.leases": "they belong to workers that run now, and a restored ledger has none",
    "ops.workers": "they tell of processes that run now, and a restored ledger has none",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A table and its columns."""

    schema: str
    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def copied(self) -> bool:
        """Whether its rows go into a backup."""
        return self.schema not in (LAID_AGAIN, VIEWS) and self.name not in LEFT_OUT

    def copy_out(self) -> sql.Composed:
        """Its rows as text, a line each."""
        return sql.SQL("COPY {} ({}) TO STDOUT").format(*self._parts())

    def copy_in(self) -> sql.Composed:
        """The way back."""
        return sql.SQL("COPY {} ({}) FROM STDIN").format(*self._parts())

    def identifier(self) -> sql.Identifier:
        """The table's name in a statement."""
        return sql.Identifier(self.schema, self.table)

    def _parts(self) -> tuple[sql.Identifier, sql.Composed]:
        return self.identifier(), sql.SQL(", ").join(map(sql.Identifier, self.columns))


class Table(msgspec.Struct, frozen=True):
    """A table in a backup. The digest is over its rows as text, the parts one after the other."""

    name: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    parts: int
    sha256: str

    @property
    def shape(self) -> Shape:
        """What to copy its rows into."""
        schema, _, table = self.name.partition(".")
        return Shape(schema, table, self.columns)


class KeptAccount(msgspec.Struct, frozen=True):
    """An account in a backup: where its chain ends, and what its book hashes to."""

    account_id: int
    name: str
    venue: str
    environment: str
    venue_user_id: str
    generation: int | None
    chain_seq: int | None
    chain_hash: str | None
    derivation_version: int | None
    contents: dict[str, str] = msgspec.field(default_factory=dict)
    ledger_hash: str = ""  # empty: the backup was made before the schema was up to date


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    format: int
    made_at: datetime
    program: str
    server_version: str
    schema_version: int
    migrations: tuple[tuple[int, str, str], ...]  # version, name, checksum
    recipe: str  # what ledger hashes are made of
    tables: tuple[Table, ...]
    left_out: dict[str, str]
    not_ours: tuple[str, ...]
    sequences: dict[str, int]
    accounts: tuple[KeptAccount, ...]

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(table.rows for table in self.tables)

    def rows_of(self, name: str) -> int:
        """Rows of one table; 0 when it is not in."""
        return sum(table.rows for table in self.tables if table.name == name)


def part_name(table: str, number: int) -> str:
    """The name of a part within the container."""
    return f"{table}/{number:06}.copy.gz"


async def plain_forms(conn: Connection) -> None:
    """For this transaction, write values as text in one way on every server."""
    await conn.execute(SQL["plain_forms"])


async def shapes(conn: Connection) -> list[Shape]:
    """Every table of ours, by name."""
    found = await conn.execute(SQL["tables"], {"schemas": list(SCHEMAS)})
    return [Shape(row[0], row[1], tuple(row[2])) for row in await found.fetchall()]


def reasons(found: Iterable[Shape]) -> dict[str, str]:
    """Why tables are not in a backup, by their names."""
    laid = "it is laid again from the facts"
    return {
        shape.name: laid if shape.schema == LAID_AGAIN else LEFT_OUT[shape.name]
        for shape in found
        if not shape.copied and shape.schema != VIEWS
    }
