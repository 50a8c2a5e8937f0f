"""The simulation's connections: the driver's own, whose statements take turns on the virtual loop.

Only waiting is exchanged. The driver, its transactions, its types, the server and the ledger's code
above are the real ones. A pool is a bounded stack of them, as the ledger asks for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString, cast

import psycopg
from psycopg import AsyncConnection, OperationalError, waiting
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from fillbook.ledger._pool import (
    CHECKOUT_SECONDS_MAX,
    PREPARE_AFTER_USES,
    Pool,
    _configure,
    _read_in_utc,
)
from tests.simulation.statement_names import name_of

if TYPE_CHECKING:
    from tests.simulation.workers import Worker

# Whether the planner's statistics are good depends on the database and its other accounts, not on
# the seed: these statements take no turn and leave no trace.
OF_THE_SERVER = ("statistics.", "Composed([SQL('SELECT 1 FROM", "Composed([SQL('ANALYZE")
CONNECTIONS_MAX = 4
COMMIT = "COMMIT"
UNHEARD = "COMMIT unheard"
RENEWS = "writing.renew_lease"
HOLDS: LiteralString = """
SELECT fence FROM ops.leases WHERE account_id = %(account_id)s AND stream = %(stream)s
"""
# What changes the driver's own state and says nothing to the server.
NO_WORK = frozenset(("_set_isolation_level_gen", "_set_read_only_gen", "_set_autocommit_gen"))


class TurnConnection(AsyncConnection[TupleRow]):
    """A connection whose statements wait for their turn."""

    worker: "Worker | None" = None
    fence: dict[str, Any] | None = None

    async def wait(self, gen: Any, *_args: Any, **_words: Any) -> Any:  # noqa: ANN401 - the driver's
        """Drive one statement."""
        worker = self.worker
        if worker is None or gen.gi_code.co_name in NO_WORK:
            return waiting.wait(gen, self.pgconn.socket, interval=0.1)
        label = name_of(gen)
        if label.startswith(OF_THE_SERVER):
            return waiting.wait(gen, self.pgconn.socket, interval=0.1)
        await worker.reach(f"before {label}", self)
        self._note_fence(label, gen)
        loop = worker.world.loop
        turn = loop.turns.enter(
            label, gen, fd=lambda: self.pgconn.socket, pid=self.pgconn.backend_pid
        )
        try:
            value = await turn.answer
        except asyncio.CancelledError:
            loop.turns.abandon(turn)
            raise
        worker.world.trace.note("statement", worker.name, label)
        self._hold_to_fence(worker, label)
        if label == COMMIT and worker.strikes(UNHEARD):
            self.drop(worker)
            raise OperationalError("server closed the connection unexpectedly")
        await worker.reach(f"after {label}", self)
        return value

    def _note_fence(self, label: str, gen: Any) -> None:  # noqa: ANN401 - the driver's own
        """Remember under which number this transaction writes."""
        if label == "BEGIN":
            self.fence = None
        elif label == RENEWS:
            self.fence = {**gen.gi_frame.f_locals["params"]}

    def _hold_to_fence(self, worker: "Worker", label: str) -> None:
        """What was committed a moment ago was written under the number that holds."""
        if label != COMMIT or self.fence is None or len(worker.world.workers) < 2:
            return
        found = worker.world.stock.monitor.execute(HOLDS, self.fence).fetchone()
        if found is None or found[0] != self.fence["fence"]:
            worker.world.stale_writes.append(f"{worker.name} with {self.fence['fence']}, {found}")
        self.fence = None

    def drop(self, worker: "Worker") -> None:
        """Lose the connection; the server ends the session before anything else happens."""
        if not self.pgconn.status:
            worker.world.loop.turns.lose(self.pgconn.backend_pid)
            self.pgconn.finish()


@dataclass(slots=True)
class Stock:
    """Open connections of this process to one database, for one seed after another."""

    url: str
    idle: list[TurnConnection] = field(default_factory=list)
    monitor: "psycopg.Connection[tuple[Any, ...]]" = field(init=False)

    def __post_init__(self) -> None:
        """One more connection watches the others."""
        self.monitor = psycopg.connect(self.url, autocommit=True, prepare_threshold=2)
        _read_in_utc(self.monitor)

    def take(self) -> TurnConnection:
        """An open connection as the ledger configures its own."""
        conn = self.idle.pop() if self.idle else self._opened()
        conn.lock = asyncio.Lock()
        return conn

    def give_back(self, conn: TurnConnection) -> None:
        """Keep a connection for later, if it is still good."""
        conn.worker = None
        if conn.closed:
            return
        if conn.pgconn.transaction_status != TransactionStatus.IDLE:
            conn.pgconn.finish()
            return
        self.idle.append(conn)

    def ask(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database beside everybody, at once."""
        return self.monitor.execute(query, values).fetchall()

    def close(self) -> None:
        """Close them all."""
        for conn in self.idle:
            conn.pgconn.finish()
        self.idle.clear()
        self.monitor.close()

    def _opened(self) -> TurnConnection:
        conn = waiting.wait_conn(TurnConnection._connect_gen(self.url), interval=0.1)
        conn.prepare_threshold = PREPARE_AFTER_USES
        configuring = _configure(conn)
        with suppress(StopIteration):
            configuring.send(None)
        return conn


@dataclass(eq=False)
class TurnPool:
    """What the ledger asks of a pool, for one worker of one seed."""

    stock: Stock
    worker: "Worker"
    most_used: int = 0
    _idle: list[TurnConnection] = field(default_factory=list)
    _used: list[TurnConnection] = field(default_factory=list)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS_MAX))

    @property
    def conninfo(self) -> str:
        """The address, as the ledger quotes it in an error."""
        return self.stock.url

    def as_pool(self) -> Pool:
        """The same, by the type that the ledger names."""
        return cast("Pool", self)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[TurnConnection]:
        """A connection for a block."""
        await self.worker.awake()
        try:
            async with asyncio.timeout(CHECKOUT_SECONDS_MAX):
                await self._free.acquire()
        except TimeoutError:
            raise PoolTimeout("no connection became free") from None
        try:
            if self.worker.world.is_database_away:
                raise OperationalError("connection refused")
            conn = self._taken()
            try:
                yield conn
            finally:
                await self._put_back(conn)
        finally:
            self._free.release()

    def close(self) -> None:
        """Give everything back to the stock."""
        for conn in (*self._idle, *self._used):
            self.stock.give_back(conn)
        self._idle.clear()
        self._used.clear()

    def drop_all(self) -> None:
        """Lose every connection, as when the process is gone."""
        for conn in (*self._idle, *self._used):
            conn.drop(self.worker)
        self._idle.clear()

    def _taken(self) -> TurnConnection:
        conn = self._idle.pop() if self._idle else self.stock.take()
        if conn.closed:  # the pool checks a connection before it hands it out
            conn = self.stock.take()
        conn.worker = self.worker
        self._used.append(conn)
        self.most_used = max(self.most_used, len(self._used))
        return conn

    async def _put_back(self, conn: TurnConnection) -> None:
        if not conn.closed and conn.pgconn.transaction_status != TransactionStatus.IDLE:
            with suppress(OperationalError):
                await conn.rollback()
        if conn in self._used:
            self._used.remove(conn)
        if not conn.closed:
            self._idle.append(conn)


@dataclass(frozen=True, eq=False)
class OutsidePool:
    """One connection of the simulation's own, for preparing and for looking; nothing strikes it."""

    stock: Stock

    @property
    def conninfo(self) -> str:
        """The address."""
        return self.stock.url

    def as_pool(self) -> Pool:
        """The same, by the type that the ledger names."""
        return cast("Pool", self)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[TurnConnection]:
        """A connection for a block."""
        conn = self.stock.take()
        try:
            yield conn
        finally:
            self.stock.give_back(conn)
