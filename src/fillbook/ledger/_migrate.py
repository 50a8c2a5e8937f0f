"""Brings the schema up to date, once, however many programs start at the same time.

The runner works on the direct address, because its lock belongs to a session: one advisory lock,
asked for again and again instead of waited for, since a waiting statement would hold a snapshot and
`CREATE INDEX CONCURRENTLY` in the holder would wait for it. Under the lock each pending file runs
in one transaction with the row that records it, so an interruption leaves nothing half done. What
has been applied is checked by its checksum; a database from a newer program is refused.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable

import psycopg
import psycopg.errors
from psycopg.rows import class_row

from fillbook.errors import (
    DatabaseRefused,
    DatabaseUnavailable,
    MigrationError,
    SchemaConflict,
    SchemaTooNew,
)
from fillbook.ledger._address import describe, reachable, scrub
from fillbook.ledger._migrations import Migration, load_migrations, split_statements
from fillbook.ledger._pooler import refuse_pooler

Clock = Callable[[], datetime]

SERVER_VERSION_MIN = 15
LOCK_KEY = int.from_bytes(b"fillbook")
LOCK_SECONDS_MAX = 600
LOCK_PAUSE_SECONDS = 0.1
CONNECT_SECONDS_MAX = 10
STATEMENT_LOCK_TIMEOUT = "120s"

# The names of the views; a real table that bears one would be in the way.
VIEW_NAMES = (
    "account_log",
    "bots",
    "cash_account_state",
    "cash_flows",
    "closed_pnl",
    "completed_trades",
    "completed_trades_summary",
    "day_trades",
    "execution_owners",
    "lot_matches",
    "market_data",
    "movements",
    "performance_metrics",
    "portfolio_items",
    "portfolio_snapshots",
    "position_events",
    "positions",
    "round_trips",
    "settlement_tracking",
    "sync_history",
    "sync_status",
    "trade_frequency_tracking",
    "trades",
)

BOOKKEEPING = """\
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL,
    took_ms    bigint NOT NULL
);
"""
RECORD = """
INSERT INTO ops.schema_migrations (version, name, checksum, applied_at, took_ms)
VALUES (%s, %s, %s, %s, %s)
"""
APPLIED = """
SELECT version, name, checksum, applied_at, took_ms FROM ops.schema_migrations ORDER BY version
"""
CONFLICTS = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'trading' AND relkind IN ('r', 'p', 'f', 'm', 'v') AND relname = ANY (%s)
ORDER BY relname
"""
INVALID_INDEXES = """
SELECT format('%I.%I', nspname, relname), relname
FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE NOT indisvalid AND nspname IN ('facts', 'derived', 'ops', 'trading', 'public')
"""


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A file that this database has, and when it came."""

    version: int
    name: str
    checksum: str
    applied_at: datetime
    took_ms: int


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """What a database has of the schema's history, and what it still needs."""

    applied: tuple[AppliedMigration, ...]
    pending: tuple[Migration, ...]
    newest: int

    @property
    def version(self) -> int:
        """The version of the database's schema; 0 before the first migration."""
        return self.applied[-1].version if self.applied else 0


def status(url: str, *, folder: Traversable | None = None) -> MigrationStatus:
    """Say what is applied and what is pending. Edited or newer history is an error."""
    with _connect(url) as conn:
        return _status(conn, load_migrations(folder))


def migrate(
    url: str, *, clock: Clock, folder: Traversable | None = None, up_to: int | None = None
) -> list[AppliedMigration]:
    """Apply what is pending and return it. `url` is the direct address.

    With `up_to` it goes no further than that version: where a backup of an older schema is loaded.
    """
    migrations = load_migrations(folder)
    if up_to is not None:
        migrations = migrations[:up_to]
    with _connect(url) as conn:
        if not _status(conn, migrations).pending:
            return []
    refuse_pooler(url)
    with _connect(url) as conn, _locked(conn):
        before = _status(conn, migrations)
        if not before.applied:
            _refuse_conflicts(conn)
            _begin_bookkeeping(conn, url)
        return [_apply(conn, migration, clock=clock, url=url) for migration in before.pending]


def render_sql(url: str | None = None, *, folder: Traversable | None = None) -> str:
    """Write what is pending (without `url`: everything) as a script to be run with psql."""
    migrations = load_migrations(folder)
    pending = migrations if url is None else status(url, folder=folder).pending
    parts = [
        "-- Fillbook's schema. Run it on the direct address:",
        '--   psql -X "$DATABASE_DIRECT_URL" -f this-file.sql',
        "-- Each file of the history is one transaction together with the row that records it.",
        "\\set ON_ERROR_STOP on",
        f"BEGIN;\n{BOOKKEEPING}COMMIT;",
    ]
    parts += [_script_of(migration) for migration in pending]
    return "\n".join(parts) + "\n"


def find_conflicts(conn: psycopg.Connection[object]) -> tuple[str, ...]:
    """Return the names in schema `trading` that stand where Fillbook's views must go."""
    with conn.cursor(row_factory=lambda _cursor: lambda values: str(values[0])) as cursor:
        return tuple(cursor.execute(CONFLICTS, [list(VIEW_NAMES)]).fetchall())


@contextmanager
def _connect(url: str) -> Iterator[psycopg.Connection[object]]:
    with reachable(url):
        conn: psycopg.Connection[object] = psycopg.connect(
            url, autocommit=True, prepare_threshold=None, connect_timeout=CONNECT_SECONDS_MAX
        )
    with conn:
        _refuse_old_server(conn, url)
        yield conn


def _refuse_old_server(conn: psycopg.Connection[object], url: str) -> None:
    major = conn.info.server_version // 10_000
    if major < SERVER_VERSION_MIN:
        raise DatabaseRefused(
            f"The server at {describe(url)} is PostgreSQL {major} and Fillbook needs"
            f" {SERVER_VERSION_MIN} or newer: upgrade it, or leave DATABASE_URL unset to use the"
            " embedded one."
        )


@contextmanager
def _locked(conn: psycopg.Connection[object]) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_SECONDS_MAX
    while conn.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"Another program has been migrating this database for {LOCK_SECONDS_MAX} s:"
                " let it end or end it, and try again."
            )
        time.sleep(LOCK_PAUSE_SECONDS)
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def _status(conn: psycopg.Connection[object], migrations: tuple[Migration, ...]) -> MigrationStatus:
    applied = _applied(conn)
    newest = migrations[-1].version if migrations else 0
    if applied and applied[-1].version > newest:
        raise SchemaTooNew(
            f"This database has schema version {applied[-1].version} and this Fillbook knows"
            f" {newest}: upgrade Fillbook."
        )
    for row, migration in zip(applied, migrations, strict=False):
        if row.version != migration.version:
            raise MigrationError(
                f"The database lacks {migration.file_name} but has later ones: restore a backup,"
                " or record by hand what was done."
            )
        if row.checksum != migration.checksum:
            raise MigrationError(
                f"{migration.file_name} was edited after it had been applied: put the file back as"
                " it was and write the change as a new migration."
            )
    return MigrationStatus(applied=applied, pending=migrations[len(applied) :], newest=newest)


def _applied(conn: psycopg.Connection[object]) -> tuple[AppliedMigration, ...]:
    known = conn.execute("SELECT to_regclass('ops.schema_migrations') IS NOT NULL").fetchone()
    if known != (True,):
        return ()
    with conn.cursor(row_factory=class_row(AppliedMigration)) as cursor:
        return tuple(cursor.execute(APPLIED).fetchall())


def _begin_bookkeeping(conn: psycopg.Connection[object], url: str) -> None:
    try:
        with conn.transaction():
            conn.execute(BOOKKEEPING)
    except psycopg.errors.InsufficientPrivilege as error:
        name, user = conn.info.dbname, conn.info.user
        raise DatabaseRefused(
            f"The user {user} may not make schemas in {describe(url)}: run `GRANT CREATE ON"
            f" DATABASE {name} TO {user};` as its owner, or let the owner run what `fillbook db"
            " migrate --print-sql` prints."
        ) from error


def _refuse_conflicts(conn: psycopg.Connection[object]) -> None:
    names = find_conflicts(conn)
    if names:
        listed = ", ".join(f"trading.{name}" for name in names)
        raise SchemaConflict(
            f"This database already has {listed}, where Fillbook's views must go: move them aside"
            " with `ALTER SCHEMA trading RENAME TO trading_before;` (the data stays) and run this"
            " again; see docs/how-to/existing-database.md."
        )


def _apply(
    conn: psycopg.Connection[object], migration: Migration, *, clock: Clock, url: str
) -> AppliedMigration:
    begun = time.monotonic_ns()
    try:
        if migration.transactional:
            with conn.transaction():
                conn.execute(f"SET LOCAL lock_timeout = '{STATEMENT_LOCK_TIMEOUT}'".encode())
                conn.execute(migration.sql.encode())
                return _record(conn, migration, clock=clock, begun=begun)
        _drop_broken_indexes(conn, migration)
        for statement in split_statements(migration.sql):
            conn.execute(statement.encode())
        return _record(conn, migration, clock=clock, begun=begun)
    except psycopg.Error as error:
        raise MigrationError(
            f"{migration.file_name} could not be applied ({scrub(str(error), url).strip()});"
            " what it began was undone or can be repeated: remove the cause and run"
            " `fillbook db migrate` again."
        ) from error


def _record(
    conn: psycopg.Connection[object], migration: Migration, *, clock: Clock, begun: int
) -> AppliedMigration:
    row = AppliedMigration(
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        applied_at=clock(),
        took_ms=(time.monotonic_ns() - begun) // 1_000_000,
    )
    conn.execute(RECORD, [row.version, row.name, row.checksum, row.applied_at, row.took_ms])
    return row


def _drop_broken_indexes(conn: psycopg.Connection[object], migration: Migration) -> None:
    """Drop what an interrupted run of this file left; IF NOT EXISTS would take it for whole."""
    with conn.cursor(row_factory=lambda _cursor: lambda values: [str(v) for v in values]) as cursor:
        for qualified, name in cursor.execute(INVALID_INDEXES).fetchall():
            if re.search(rf"\b{re.escape(name)}\b", migration.sql):
                conn.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {qualified}".encode())


def _script_of(migration: Migration) -> str:
    record = (
        "INSERT INTO ops.schema_migrations (version, name, checksum, applied_at, took_ms)\n"
        f"VALUES ({migration.version}, '{migration.name}', '{migration.checksum}', now(), 0);"
    )
    body = f"{migration.sql.rstrip()}\n{record}"
    head = f"\n-- {migration.file_name}"
    if migration.transactional:
        return f"{head}\nBEGIN;\n{body}\nCOMMIT;"
    return f"{head}\n{body}"
