"""The schema can be spread over machines by account, from the first migration on.

Keys cannot be changed later without rewriting every row, so the catalogue of a migrated database
is asked, table by table: `account_id` is in every key, no foreign key crosses accounts, nothing
relies on triggers or on narrow counters. Each question is also put to a schema that breaks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.rows import TupleRow

SCHEMAS = ("facts", "derived", "ops")

# Small, and the same for every account: a distributed server keeps a copy on each node, or keeps
# them on the first node only. Everything else is sharded, and so carries account_id in its keys.
COPIED = {
    "facts.bots": "a bot may trade on several accounts",
    "facts.contract_terms": "what an instrument is does not depend on who trades it",
    "ops.accounts": "the directory itself: names and venue identities are unique over all",
    "ops.leases": "a queue over accounts needs one place",
    "ops.marks": "a venue's price is the same for everybody",
    "ops.schema_migrations": "belongs to the database",
    "ops.tokens": "belong to the installation",
}

Connection = psycopg.Connection[TupleRow]

TABLES_WITHOUT_ACCOUNT = """
    SELECT n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid
                      AND a.attname = 'account_id' AND NOT a.attisdropped)
    ORDER BY 1
"""

TABLES_WITHOUT_PRIMARY_KEY = """
    SELECT n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
    ORDER BY 1
"""

UNIQUE_WITHOUT_ACCOUNT = """
    SELECT n.nspname || '.' || c.relname, x.relname
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND i.indisunique
      AND NOT EXISTS (
        SELECT 1 FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE a.attname = 'account_id' AND k.place <= i.indnkeyatts)
    ORDER BY 1, 2
"""

FOREIGN_KEYS = """
    SELECT n.nspname || '.' || c.relname, fn.nspname || '.' || f.relname, o.conname,
           EXISTS (
             SELECT 1 FROM unnest(o.conkey, o.confkey) k(here, there)
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.here
             JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = k.there
             WHERE a.attname = 'account_id' AND b.attname = 'account_id')
    FROM pg_constraint o
    JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class f ON f.oid = o.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND o.contype = 'f'
    ORDER BY 1, 3
"""

TRIGGERS_AND_EXCLUSIONS = """
    SELECT n.nspname || '.' || c.relname, 'trigger ' || t.tgname
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND NOT t.tgisinternal
    UNION ALL
    SELECT n.nspname || '.' || c.relname, 'exclusion ' || o.conname
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND o.contype = 'x'
    UNION ALL
    SELECT n.nspname || '.' || c.relname, 'materialised view'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s) AND c.relkind = 'm'
    ORDER BY 1, 2
"""

COUNTERS = """
    SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, NULL),
           a.attidentity <> ''
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p') AND a.attnum > 0
      AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%')
    ORDER BY 1, 2
"""


def faults(connection: Connection, schemas: tuple[str, ...]) -> list[str]:
    """Everything in these schemas that keeps a table from being sharded by account."""
    return [
        fault for question in QUESTIONS for fault in question(connection, {"schemas": [*schemas]})
    ]


def _tables(connection: Connection, asked: dict[str, list[str]]) -> Iterator[str]:
    for (table,) in connection.execute(TABLES_WITHOUT_ACCOUNT, asked):
        if table not in COPIED:
            yield f"{table} has no account_id and is not known as a copied table"
    for (table,) in connection.execute(TABLES_WITHOUT_PRIMARY_KEY, asked):
        yield f"{table} has no primary key"


def _keys(connection: Connection, asked: dict[str, list[str]]) -> Iterator[str]:
    for table, index in connection.execute(UNIQUE_WITHOUT_ACCOUNT, asked):
        if table not in COPIED:
            yield f"{table}: {index} is unique without account_id"


def _foreign_keys(connection: Connection, asked: dict[str, list[str]]) -> Iterator[str]:
    for table, parent, name, by_account in connection.execute(FOREIGN_KEYS, asked):
        if not by_account and parent not in COPIED:
            yield f"{table}: {name} crosses accounts"


def _machinery(connection: Connection, asked: dict[str, list[str]]) -> Iterator[str]:
    for table, what in connection.execute(TRIGGERS_AND_EXCLUSIONS, asked):
        yield f"{table}: {what}"


def _counters(connection: Connection, asked: dict[str, list[str]]) -> Iterator[str]:
    for table, column, kind, is_identity in connection.execute(COUNTERS, asked):
        if kind != "bigint":
            yield f"{table}.{column} counts in {kind}; inserts through a worker fail"
        elif not is_identity:
            yield f"{table}.{column} is a serial; use an identity or a handed-in key"


QUESTIONS = (_tables, _keys, _foreign_keys, _machinery, _counters)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def test_the_schema_is_shardable(connection: Connection) -> None:
    """Every table of ours is either sharded by account or small and copied."""

    assert faults(connection, SCHEMAS) == []


def test_there_is_a_schema_to_ask(connection: Connection) -> None:
    """The database under test carries the real migrations."""
    row = connection.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = ANY(%s)", [[*SCHEMAS]]
    ).fetchone()

    assert row is not None
    assert row[0] > 10


def test_copied_tables_exist(connection: Connection) -> None:
    """The list of exceptions holds no table that has gone."""
    rows = connection.execute(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(%s)",
        [[*SCHEMAS]],
    )

    assert set(COPIED) - {row[0] for row in rows} == set()


@dataclass(frozen=True, slots=True)
class Wrong:
    """A schema with one fault, and how it is reported."""

    name: str
    statements: tuple[str, ...]
    reported: tuple[str, ...]


TRIGGER_BODY = "'BEGIN RETURN NEW; END'"
WRONG = (
    Wrong(
        "no account",
        ("CREATE TABLE bad.t (id bigint PRIMARY KEY)",),
        (
            "bad.t has no account_id and is not known as a copied table",
            "bad.t: t_pkey is unique without account_id",
        ),
    ),
    Wrong(
        "no key",
        ("CREATE TABLE bad.t (account_id bigint)",),
        ("bad.t has no primary key",),
    ),
    Wrong(
        "account not in the key",
        ("CREATE TABLE bad.t (account_id bigint, id bigint PRIMARY KEY)",),
        ("bad.t: t_pkey is unique without account_id",),
    ),
    Wrong(
        "account only carried by the index",
        (
            "CREATE TABLE bad.t (account_id bigint PRIMARY KEY, a int)",
            "CREATE UNIQUE INDEX i ON bad.t (a) INCLUDE (account_id)",
        ),
        ("bad.t: i is unique without account_id",),
    ),
    Wrong(
        "foreign key across accounts",
        (
            "CREATE TABLE bad.p (account_id bigint PRIMARY KEY)",
            (
                "CREATE TABLE bad.t (account_id bigint, other bigint REFERENCES bad.p,"
                " PRIMARY KEY (account_id, other))"
            ),
        ),
        ("bad.t: t_other_fkey crosses accounts",),
    ),
    Wrong(
        "trigger",
        (
            "CREATE TABLE bad.t (account_id bigint PRIMARY KEY)",
            f"CREATE FUNCTION bad.f() RETURNS trigger LANGUAGE plpgsql AS {TRIGGER_BODY}",
            "CREATE TRIGGER g BEFORE INSERT ON bad.t FOR EACH ROW EXECUTE FUNCTION bad.f()",
        ),
        ("bad.t: trigger g",),
    ),
    Wrong(
        "materialised view",
        ("CREATE MATERIALIZED VIEW bad.v AS SELECT 1 AS account_id",),
        ("bad.v: materialised view",),
    ),
    Wrong(
        "narrow serial",
        ("CREATE TABLE bad.t (account_id bigint, id serial, PRIMARY KEY (account_id, id))",),
        ("bad.t.id counts in integer; inserts through a worker fail",),
    ),
    Wrong(
        "wide serial",
        ("CREATE TABLE bad.t (account_id bigint, id bigserial, PRIMARY KEY (account_id, id))",),
        ("bad.t.id is a serial; use an identity or a handed-in key",),
    ),
    Wrong(
        "narrow identity",
        (
            (
                "CREATE TABLE bad.t (account_id bigint, id int GENERATED ALWAYS AS IDENTITY,"
                " PRIMARY KEY (account_id, id))"
            ),
        ),
        ("bad.t.id counts in integer; inserts through a worker fail",),
    ),
    Wrong(
        "nothing: a wide identity",
        (
            (
                "CREATE TABLE bad.t (account_id bigint, id bigint GENERATED ALWAYS AS IDENTITY,"
                " PRIMARY KEY (account_id, id))"
            ),
        ),
        (),
    ),
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_what_cannot_be_sharded_is_found(connection: Connection, wrong: Wrong) -> None:
    """Each fault is reported once, and a table that keeps the rules is not."""
    connection.execute("CREATE SCHEMA bad")
    for statement in wrong.statements:
        connection.execute(statement.encode())

    assert faults(connection, ("bad",)) == [*wrong.reported]
