"""The pool: checked connections, plain errors, times in UTC, snapshots that stand still."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors

from fillbook.errors import DatabaseRefused, DatabaseUnavailable
from fillbook.ledger._address import describe, scrub
from fillbook.ledger._pool import Connection, Pool, open_pool, snapshot, transaction

INSTANT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def one(conn: Connection, query: bytes) -> object:
    """Ask one thing."""
    row = await (await conn.execute(query)).fetchone()
    return row[0] if row else None


async def count(pool: Pool) -> object:
    """Count the rows of the test's table."""
    async with transaction(pool) as conn:
        return await one(conn, b"SELECT count(*) FROM t")


async def _insert_and_fail(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute("INSERT INTO t VALUES (2)")
        raise ZeroDivisionError


async def _lock_twice(pool: Pool) -> None:
    async with transaction(pool) as conn, transaction(pool) as other:
        await conn.execute("SELECT pg_advisory_xact_lock(1)")
        await other.execute("SET LOCAL lock_timeout = '10ms'")
        await other.execute("SELECT pg_advisory_xact_lock(1)")


async def test_committed_or_rolled_back(empty_database_url: str) -> None:
    """A transaction commits at its end and is undone by an exception."""

    async with open_pool(empty_database_url) as pool:
        async with transaction(pool) as conn:
            await conn.execute("CREATE TABLE t (x int)")
            await conn.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(ZeroDivisionError):
            await _insert_and_fail(pool)
        assert await count(pool) == 1


async def test_isolation(empty_database_url: str) -> None:
    """Transactions are READ COMMITTED even where the database's default is another."""

    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode()
        )
    async with open_pool(empty_database_url) as pool, transaction(pool) as conn:
        assert await one(conn, b"SHOW transaction_isolation") == "read committed"


async def test_snapshot_stands_still(empty_database_url: str) -> None:
    """A snapshot sees one moment, cannot write, and leaves the connection as it was."""

    async with open_pool(empty_database_url, max_size=2) as pool:
        async with transaction(pool) as conn:
            await conn.execute("CREATE TABLE t (x int)")
        async with snapshot(pool) as reader:
            assert await one(reader, b"SELECT count(*) FROM t") == 0
            async with transaction(pool) as writer:
                await writer.execute("INSERT INTO t VALUES (1)")
            assert await one(reader, b"SELECT count(*) FROM t") == 0
        with pytest.raises(DatabaseRefused, match="read-only"):
            async with snapshot(pool) as reader:
                await reader.execute("INSERT INTO t VALUES (2)")
        for _ in range(3):
            async with transaction(pool) as writer:
                await writer.execute("INSERT INTO t VALUES (3)")
                assert await one(writer, b"SHOW transaction_isolation") == "read committed"
        assert await count(pool) == 4


@pytest.mark.parametrize("binary", [False, True])
async def test_times_are_utc(empty_database_url: str, *, binary: bool) -> None:
    """Times come back as aware UTC whatever the database's time zone, money as Decimal."""

    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'".encode())
    async with open_pool(empty_database_url) as pool, transaction(pool) as conn:
        asked = await conn.execute(
            "SELECT %s::timestamptz, 1.10::numeric, array[%s::timestamptz]",
            [INSTANT, INSTANT],
            binary=binary,
        )
        row = await asked.fetchone()
    assert row is not None
    at, amount, many = row
    assert (at, at.tzinfo, many) == (INSTANT, UTC, [INSTANT])
    assert ("1.10", Decimal) == (str(amount), type(amount))


async def test_lost_connections_are_replaced(empty_database_url: str) -> None:
    """Connections that the server closed are found out before use."""

    async with open_pool(empty_database_url) as pool:
        with psycopg.connect(empty_database_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        async with transaction(pool) as conn:
            assert await one(conn, b"SELECT 1") == 1


async def test_connection_lost_in_the_middle(empty_database_url: str) -> None:
    """A connection that dies within a transaction is said as a database that went away."""

    async with open_pool(empty_database_url) as pool:
        with pytest.raises(DatabaseUnavailable) as caught:
            async with transaction(pool) as conn:
                await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        assert caught.value.retry
        async with transaction(pool) as conn:
            assert await one(conn, b"SELECT 1") == 1


async def test_what_a_server_would_not_do_is_told_apart(empty_database_url: str) -> None:
    """A refused statement is a sentence of its own, not a lost connection."""

    async with open_pool(empty_database_url) as pool:
        with pytest.raises(DatabaseRefused, match="nothing of it was booked") as refused:
            await _lock_twice(pool)

    assert isinstance(refused.value.__cause__, errors.LockNotAvailable)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:pa55word@127.0.0.1:1/book", "Is PostgreSQL running at 127.0.0.1:1/book?"),
        ("host=127.0.0.1 port=1 password=pa55word", "Is PostgreSQL running at 127.0.0.1:1"),
        ("postgresql://me:pa55word@/book?host=/nowhere", "fillbook db start"),
        ("postgresql://me:pa55word@127.0.0.1:port/book", "write it as postgresql://"),
        ("pa55word", "write it as postgresql://"),
    ],
)
async def test_no_database(url: str, said: str) -> None:
    """Without a database one sentence says where it was looked for, and never the password."""

    with pytest.raises((DatabaseUnavailable, DatabaseRefused)) as caught:
        async with open_pool(url):
            pass
    assert said in str(caught.value)
    assert "pa55word" not in "".join(_whole(caught.value))


async def test_no_such_database(empty_database_url: str) -> None:
    """A server without that database is told apart from no server."""

    with pytest.raises(DatabaseRefused, match="has no such database"):
        async with open_pool(empty_database_url.replace("/test_", "/absent_")):
            pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:s3cret@h/x", "postgresql://me:***@h/x"),
        ("bad url postgresql://:s3@cret@h/x", "bad url postgresql://:***@cret@h/x"),
        ("password=s3cret host=h", "password=*** host=h"),
        ("password='s3 cret' host=h", "password=*** host=h"),
        ("?sslpassword=s3cret&x=1", "?sslpassword=***&x=1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_passwords_are_scrubbed(text: str, expected: str) -> None:
    """Whatever looks like a password is taken out of a text."""

    assert expected == scrub(text)


def test_describe() -> None:
    """A database is named by host, port and name."""

    assert describe("postgresql://me:s3cret@h/x") == "h:5432/x"
    assert describe("postgresql://me@:5432/x?host=/run") == "/run (database x)"


async def _workload(url: str, *, prepare: bool) -> list[object]:
    """Eight tasks on four connections, each statement often enough to be prepared."""
    async with open_pool(url, prepare=prepare) as pool:
        async with transaction(pool) as conn:
            await conn.execute("CREATE TABLE t (task int, x numeric, at timestamptz)")

        async def work(task: int) -> object:
            for step in range(20):
                async with transaction(pool) as conn:
                    await conn.execute("INSERT INTO t VALUES (%s, %s, %s)", [task, step, INSTANT])
            async with snapshot(pool) as conn:
                asked = await conn.execute("SELECT sum(x), max(at) FROM t WHERE task = %s", [task])
                return await asked.fetchone()

        return await asyncio.gather(*(work(task) for task in range(8)))


EXPECTED: list[object] = [(Decimal(190), INSTANT)] * 8


@pytest.mark.debian
async def test_workload_through_pgbouncer(pooled_url: str) -> None:
    """Everything the pool does works behind pgbouncer in transaction mode."""

    assert await _workload(pooled_url, prepare=False) == EXPECTED


@pytest.mark.debian
async def test_workload_on_postgresql_15(debian_url: str) -> None:
    """The same work gives the same answers on the oldest supported server."""

    assert await _workload(debian_url, prepare=True) == EXPECTED


def _whole(error: BaseException | None) -> list[str]:
    texts: list[str] = []
    while error is not None:
        texts.append(f"{error!r} {error}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return texts
