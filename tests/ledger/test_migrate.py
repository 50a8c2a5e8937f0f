"""The schema comes up to date once, whole or not at all."""

import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest

from fillbook.errors import (
    DatabaseRefused,
    DatabaseUnavailable,
    MigrationError,
    SchemaConflict,
    SchemaTooNew,
)
from fillbook.ledger._embedded import programs
from fillbook.ledger._migrate import find_conflicts, migrate, render_sql, status
from fillbook.ledger._migrations import load_migrations, split_statements
from fillbook.ledger._pooler import refuse_pooler
from tests.conftest import MakeDatabase
from tests.ledger.conftest import NOW, MigrationFolder

ONE = "CREATE SCHEMA facts;\nCREATE TABLE facts.fills (account_id bigint PRIMARY KEY);\n"
TWO = "ALTER TABLE facts.fills ADD COLUMN qty numeric;\n"
INDEX = (
    "-- fillbook: no-transaction\n"
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS fills_by_qty ON facts.fills (qty);\n"
)
BOTH = {"0001_facts.sql": ONE, "0002_qty.sql": TWO}


def clock() -> datetime:
    """Stand still."""
    return NOW


def rows(url: str, query: bytes) -> list[tuple[object, ...]]:
    """Ask the database."""
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()


def relations(url: str) -> list[tuple[object, ...]]:
    """List everything that stands in the database's own schemas."""
    return rows(
        url,
        b"SELECT nspname, relname, relkind FROM pg_class"
        b" JOIN pg_namespace n ON n.oid = relnamespace"
        b" WHERE nspname IN ('facts', 'derived', 'ops', 'trading') ORDER BY 1, 2",
    )


def test_applied_in_order_and_recorded(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """Pending files run in order, are recorded with the clock's time, and never run twice."""

    folder = migration_folder(BOTH)
    applied = migrate(empty_database_url, clock=clock, folder=folder)
    assert [(row.version, row.name, row.applied_at) for row in applied] == [
        (1, "facts", NOW),
        (2, "qty", NOW),
    ]
    assert migrate(empty_database_url, clock=clock, folder=folder) == []
    after = status(empty_database_url, folder=folder)
    assert (tuple(applied), (), 2, 2) == (after.applied, after.pending, after.newest, after.version)


def test_status_of_an_empty_database(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """In an empty database everything is pending, and asking changes nothing."""

    found = status(empty_database_url, folder=migration_folder(BOTH))
    assert (
        found.applied,
        found.version,
        [migration.version for migration in found.pending],
    ) == ((), 0, [1, 2])
    assert relations(empty_database_url) == []


def test_three_starters_at_once(empty_database_url: str, migration_folder: MigrationFolder) -> None:
    """Of three starters at the same time each file is applied by exactly one."""

    slow = ONE + "SELECT pg_sleep(0.2);\n"
    folder = migration_folder(
        {"0001_facts.sql": slow, "0002_qty.sql": TWO, "0003_index.sql": INDEX}
    )

    def start(_: int) -> list[int]:
        applied = migrate(empty_database_url, clock=clock, folder=folder)
        return [row.version for row in applied]

    with ThreadPoolExecutor(3) as pool:
        done = sorted(pool.map(start, range(3)))
    assert done == [[], [], [1, 2, 3]]


def test_edited_history_is_refused(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """A file that was edited after it had been applied is named, and nothing runs."""

    migrate(empty_database_url, clock=clock, folder=migration_folder(BOTH))
    edited = migration_folder(
        {**BOTH, "0002_qty.sql": TWO + "-- edited\n", "0003_x.sql": "SELECT 1"}
    )
    with pytest.raises(MigrationError, match=r"0002_qty\.sql was edited"):
        migrate(empty_database_url, clock=clock, folder=edited)


def test_line_ends_are_not_an_edit(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """A checkout that turned the line ends is the same history."""

    migrate(empty_database_url, clock=clock, folder=migration_folder({"0001_facts.sql": ONE}))
    turned = migration_folder({})
    (turned / "0001_facts.sql").write_bytes(ONE.replace("\n", "\r\n").encode())
    assert status(empty_database_url, folder=turned).pending == ()


def test_newer_schema_is_refused(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """An older program refuses the database of a newer one."""

    migrate(empty_database_url, clock=clock, folder=migration_folder(BOTH))
    older = migration_folder({"0001_facts.sql": ONE})
    with pytest.raises(SchemaTooNew, match="version 2 and this Fillbook knows 1"):
        migrate(empty_database_url, clock=clock, folder=older)


def test_failed_file_leaves_nothing(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """A file that fails in the middle leaves nothing of itself; those before it stay."""

    broken = migration_folder({**BOTH, "0002_qty.sql": TWO + "SELECT 1 / 0;"})
    with pytest.raises(MigrationError, match=r"0002_qty\.sql could not be applied.*by zero"):
        migrate(empty_database_url, clock=clock, folder=broken)
    repaired = migration_folder(BOTH)
    assert status(empty_database_url, folder=repaired).version == 1
    assert [row.version for row in migrate(empty_database_url, clock=clock, folder=repaired)] == [2]


@pytest.mark.parametrize("at", range(3))
def test_lost_connection_at_any_statement(
    empty_database_url: str, migration_folder: MigrationFolder, at: int
) -> None:
    """A run whose connection dies after any statement can be repeated."""

    dying, whole = _dying(ONE + TWO, at), migration_folder({"0001_facts.sql": ONE + TWO})
    with pytest.raises(MigrationError, match=r"0001_facts\.sql"):
        migrate(empty_database_url, clock=clock, folder=migration_folder({"0001_facts.sql": dying}))
    assert len(migrate(empty_database_url, clock=clock, folder=whole)) == 1


@pytest.mark.slow
def test_real_history_at_every_statement(
    make_database: MakeDatabase, database_url: str, migration_folder: MigrationFolder
) -> None:
    """The real history, broken off after each of its statements, still arrives at the same end."""

    expected = relations(database_url)
    files = {migration.file_name: migration.sql for migration in load_migrations()}
    for name, text in files.items():
        for at in range(0, len(split_statements(text)), 3):
            url = make_database()
            dying = migration_folder({**files, name: _dying(text, at)})
            with pytest.raises(MigrationError, match=re.escape(name)):
                migrate(url, clock=clock, folder=dying)
            migrate(url, clock=clock)
            assert expected == relations(url)


def _dying(text: str, at: int) -> str:
    statements = split_statements(text)
    statements.insert(at + 1, "SELECT pg_terminate_backend(pg_backend_pid())")
    return ";\n".join(statements) + ";\n"


def test_broken_index_is_built_again(
    empty_database_url: str, migration_folder: MigrationFolder
) -> None:
    """An index that a broken-off run left invalid is not taken for a whole one."""

    migrate(empty_database_url, clock=clock, folder=migration_folder(BOTH))
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("INSERT INTO facts.fills VALUES (1, 5), (2, 5)")
    folder = migration_folder({**BOTH, "0003_index.sql": INDEX})
    with pytest.raises(MigrationError, match=r"0003_index\.sql"):
        migrate(empty_database_url, clock=clock, folder=folder)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("DELETE FROM facts.fills WHERE account_id = 2")
    assert len(migrate(empty_database_url, clock=clock, folder=folder)) == 1
    valid = rows(
        empty_database_url,
        b"SELECT indisvalid FROM pg_index WHERE indexrelid = 'facts.fills_by_qty'::regclass",
    )
    assert valid == [(True,)]


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"0001_a.sql": "SELECT 1;", "0003_c.sql": "SELECT 1;"}, r"0003_c\.sql stands where 0002"),
        ({"0001_a.sql": "SELECT 1;", "0001_b.sql": "SELECT 1;"}, "stands where 0002"),
        ({"first.sql": "SELECT 1;"}, r"not first\.sql"),
        ({"0001_a.sql": "SELECT 1; -- so\nCOMMIT;"}, "begins or ends a transaction"),
        ({"0001_a.sql": "/* now */ begin; SELECT 1"}, "begins or ends a transaction"),
    ],
)
def test_wrong_files_are_refused(
    migration_folder: MigrationFolder, files: Mapping[str, str], complaint: str
) -> None:
    """A gap, a number used twice, a wrong name or a COMMIT in a file is said."""

    with pytest.raises(MigrationError, match=complaint):
        load_migrations(migration_folder(files))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';';", ["SELECT ';'"]),
        ("SELECT 'it''s; so';SELECT E'a\\';b'", ["SELECT 'it''s; so'", "SELECT E'a\\';b'"]),
        ('SELECT 1 AS "a;b"', ['SELECT 1 AS "a;b"']),
        ("-- one; two\nSELECT 1;\n-- end;", ["-- one; two\nSELECT 1"]),
        ("/* ; */ SELECT 1;", ["/* ; */ SELECT 1"]),
        (
            "DO $x$ BEGIN; $$ ; END $x$; SELECT $$;$$",
            ["DO $x$ BEGIN; $$ ; END $x$", "SELECT $$;$$"],
        ),
        (" ;; ", []),
    ],
)
def test_statements_are_split(script: str, expected: list[str]) -> None:
    """Only a semicolon between statements parts them."""

    assert expected == split_statements(script)


def test_printed_script_is_the_same_as_the_run(
    empty_database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """What psql makes of the printed script is what the runner makes, and none is left to do."""

    script = tmp_path / "schema.sql"
    script.write_text(render_sql())
    _psql(empty_database_url, script)
    assert status(empty_database_url).pending == ()
    other = make_database()
    migrate(other, clock=clock)
    assert relations(other) == relations(empty_database_url)
    assert "CREATE TABLE facts." not in render_sql(other)


def test_printed_script_handles_both_kinds(
    empty_database_url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """A file without a transaction runs from the script too, and twice is refused by psql."""

    folder = migration_folder({**BOTH, "0003_index.sql": INDEX})
    script = tmp_path / "schema.sql"
    script.write_text(render_sql(folder=folder))
    _psql(empty_database_url, script)
    assert status(empty_database_url, folder=folder).version == 3
    with pytest.raises(subprocess.CalledProcessError):
        _psql(empty_database_url, script)


def _psql(url: str, script: Path) -> None:
    subprocess.run(
        [programs() / "psql", "-X", "-q", url, "-f", script], check=True, capture_output=True
    )


def test_real_tables_in_the_way(empty_database_url: str) -> None:
    """Real tables under the names of views are named with the way out, and stay untouched."""

    with psycopg.connect(empty_database_url) as conn:
        conn.execute("CREATE SCHEMA trading")
        conn.execute("CREATE TABLE trading.trades AS SELECT 7 AS id")
        conn.execute("CREATE TABLE trading.bots (id int) PARTITION BY HASH (id)")
        conn.execute("CREATE TABLE trading.my_own (id int)")
    with psycopg.connect(empty_database_url) as conn:
        assert find_conflicts(conn) == ("bots", "trades")
    with pytest.raises(
        SchemaConflict, match=r"trading\.bots, trading\.trades.*RENAME TO trading_before"
    ):
        migrate(empty_database_url, clock=clock)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("ALTER SCHEMA trading RENAME TO trading_before")
    assert migrate(empty_database_url, clock=clock)
    assert rows(empty_database_url, b"SELECT id FROM trading_before.trades") == [(7,)]


def test_missing_right_is_said(empty_database_url: str) -> None:
    """A user who may not make schemas is told which right is missing, and who can give it."""

    role = f"limited_{token_hex(6)}"
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN".encode())
        try:
            url = empty_database_url.replace("//postgres@", f"//{role}@")
            with pytest.raises(DatabaseRefused, match=rf"GRANT CREATE ON DATABASE .* TO {role}"):
                migrate(url, clock=clock)
        finally:
            conn.execute(f"DROP ROLE {role}".encode())


def test_password_is_never_said() -> None:
    """An unreachable database is named without its password."""

    url = "postgresql://me:hunter2secret@127.0.0.1:1/book"
    with pytest.raises(DatabaseUnavailable) as caught:
        status(url)
    assert "127.0.0.1:1/book" in str(caught.value)
    assert "hunter2secret" not in str(caught.value)


def test_direct_address_is_accepted(empty_database_url: str) -> None:
    """An address of the server itself passes the test for poolers."""

    refuse_pooler(empty_database_url)


@pytest.mark.debian
def test_pooler_on_the_direct_address(pooled_url: str, migration_folder: MigrationFolder) -> None:
    """Migrations refuse a pooler in transaction mode and name the setting."""

    for _ in range(5):
        with pytest.raises(DatabaseRefused, match="DATABASE_DIRECT_URL"):
            refuse_pooler(pooled_url)
    files = {migration.file_name: migration.sql for migration in load_migrations()}
    more = migration_folder({**files, f"{len(files) + 1:04d}_more.sql": "SELECT 1;"})
    with pytest.raises(DatabaseRefused, match="pooler"):
        migrate(pooled_url, clock=clock, folder=more)


@pytest.mark.debian
def test_pooler_in_session_mode_is_harmless(session_pooled_url: str) -> None:
    """A pooler in session mode keeps sessions whole and is accepted."""

    refuse_pooler(session_pooled_url)


@pytest.mark.debian
def test_real_history_on_postgresql_15(debian_url: str) -> None:
    """The real migrations run on the oldest supported server, once."""

    assert [m.version for m in load_migrations()] == [
        row.version for row in migrate(debian_url, clock=clock)
    ]
    assert migrate(debian_url, clock=clock) == []
