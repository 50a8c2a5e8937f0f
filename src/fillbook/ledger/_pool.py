"""The process's connections to the database: few, checked before use, and good behind a pooler.

Nothing here leaves a trace in a session, so any transaction may meet any server session (pgbouncer
in transaction mode): no SET, no session lock, no LISTEN. A pooler older than pgbouncer 1.21 loses
prepared statements; `prepare=False` does without.

Times come back as aware UTC because they are converted when they are read; asking the server for it
would be a start-up option that poolers refuse, or a SET that leaks.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from psycopg import AsyncConnection, IsolationLevel, OperationalError, adapters, errors
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from fillbook.errors import DatabaseRefused, DatabaseUnavailable
from fillbook.ledger._address import (
    REASON_CHARACTERS_MAX,
    describe,
    is_local,
    reachable,
    scrub,
    unavailable,
)

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

CONNECT_SECONDS_MAX = 10
CHECKOUT_SECONDS_MAX = 30
IDLE_SECONDS_MAX = 300
LIFETIME_SECONDS_MAX = 3600
WAITING_MAX = 1000
PREPARE_AFTER_USES = 5
# Classes of SQLSTATE: the connection failed, the server ended it, it idled in a transaction.
LOST = ("08", "57P", "25P03")


class _UtcLoader(Loader):
    """Reads `timestamptz` with the driver's own (compiled) reader, then moves it to UTC."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        drivers_own = adapters.get_loader(oid, self.format)
        assert drivers_own is not None
        self._read = drivers_own(oid, context).load

    def load(self, data: Buffer) -> datetime:
        """Convert to UTC, whatever the session's time zone."""
        at: datetime = self._read(data)
        return at.astimezone(UTC)


class _UtcBinaryLoader(_UtcLoader):
    format = Format.BINARY


@asynccontextmanager
async def open_pool(url: str, *, max_size: int = 4, prepare: bool = True) -> AsyncIterator[Pool]:
    """Open a pool to `url`, which may be a pooler, and close it at the end."""
    # One connection first: a pool would only say that time ran out, not why.
    with reachable(url):
        first = await AsyncConnection.connect(url, connect_timeout=CONNECT_SECONDS_MAX)
        await first.close()
    pool: Pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        open=False,
        name="fillbook",
        check=lambda conn: _must_be_alive(pool, conn),
        configure=_configure,
        kwargs={
            "autocommit": False,
            "prepare_threshold": PREPARE_AFTER_USES if prepare else None,
            "connect_timeout": CONNECT_SECONDS_MAX,
        },
        timeout=CHECKOUT_SECONDS_MAX,
        reconnect_timeout=CHECKOUT_SECONDS_MAX,
        max_waiting=WAITING_MAX,
        max_idle=IDLE_SECONDS_MAX,
        max_lifetime=LIFETIME_SECONDS_MAX,
    )
    async with pool:
        yield pool


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Run one READ COMMITTED transaction: committed at the end, rolled back by an exception."""
    async with _checked_out(pool) as conn, conn.transaction():
        yield conn


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Read from one moment: a REPEATABLE READ, READ ONLY transaction."""
    async with _checked_out(pool) as conn:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await conn.set_read_only(True)
        try:
            async with conn.transaction():
                yield conn
        finally:
            if not conn.closed:
                await _as_usual(conn)


@asynccontextmanager
async def _checked_out(pool: Pool) -> AsyncIterator[Connection]:
    url = str(pool.conninfo)
    try:
        async with pool.connection() as conn:
            yield conn
    except (PoolTimeout, TooManyRequests, PoolClosed) as error:
        raise DatabaseUnavailable(
            f"No connection to the database at {describe(url)} became free within"
            f" {CHECKOUT_SECONDS_MAX} s: check that PostgreSQL runs"
            f"{' (`fillbook db start`)' if is_local(url) else ''} and is not overloaded."
        ) from error
    except errors.DiskFull as error:
        raise DatabaseRefused(
            f"The disk of the database at {describe(url)} is full: free space on it and try again."
        ) from error
    except OperationalError as error:
        if _is_lost(error):
            raise unavailable(url, error) from error
        raise _refused(url, error) from error
    except errors.ReadOnlySqlTransaction as error:
        raise DatabaseRefused(
            f"The database at {describe(url)} is read-only, a standby perhaps: name the one that"
            " may be written to."
        ) from error


def _refused(url: str, error: OperationalError) -> DatabaseRefused:
    """The server lives and would not do it: memory, locks, a limit of its own."""
    reason = scrub(str(error), url).strip().splitlines()[0][:REASON_CHARACTERS_MAX]
    return DatabaseRefused(
        f"The database at {describe(url)} could not do its work ({reason}): nothing of it was"
        " booked; try again."
    )


async def _must_be_alive(pool: Pool, conn: Connection) -> None:
    """Check a connection before it is handed out. One that is dead has seldom died alone.

    The pool would find the others dead one by one, and wait twice as long after each.
    """
    try:
        await AsyncConnectionPool.check_connection(conn)
    except OperationalError:
        await pool.check()
        raise


def _is_lost(error: OperationalError) -> bool:
    """Say whether the connection went away, rather than a statement being refused."""
    return error.sqlstate is None or error.sqlstate.startswith(LOST)


async def _configure(conn: Connection) -> None:
    _read_in_utc(conn)
    await _as_usual(conn)


async def _as_usual(conn: Connection) -> None:
    # Named with each BEGIN, so that a database's own default cannot change what locks mean.
    await conn.set_isolation_level(IsolationLevel.READ_COMMITTED)
    await conn.set_read_only(None)


def _read_in_utc(context: AdaptContext) -> None:
    if context.connection is not None:
        context.connection.adapters.register_loader("timestamptz", _UtcLoader)
        context.connection.adapters.register_loader("timestamptz", _UtcBinaryLoader)
