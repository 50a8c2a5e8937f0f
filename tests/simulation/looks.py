"""What the ledger holds of an account at one moment, and what truly happened up to then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

from fillbook.domain.window import Window, milliseconds
from fillbook.ledger.proofs import as_windows
from papervenues.bybit import live_trading
from tests.sync.fault_oracle import CASH, LEAVES_FIELDS, _told

if TYPE_CHECKING:
    from tests.simulation.world import World

Row = dict[str, Any]
Told = tuple[object, ...]

_FILLS: LiteralString = """
SELECT category, symbol, execution_id, order_id, side, price, qty, executed_at, value, closed_qty,
    fee, fee_currency, is_maker, exec_type, order_type, stop_type, create_type, client_order_id
FROM facts.current_executions WHERE account_id = %s
"""
_PAYMENTS: LiteralString = """
SELECT category, symbol, flow_id, amount, occurred_at
FROM facts.current_cash_flows WHERE account_id = %s
"""
_COVERAGE: LiteralString = """
SELECT stream, scope, read - disputed, settled - disputed, read
FROM derived.counted WHERE account_id = %s
"""
_WINDOWS: LiteralString = """
SELECT chain_seq, stream, scope, starts_at, ends_at, outcome, row_count, run_id
FROM facts.windows WHERE account_id = %s AND chain_seq > %s ORDER BY chain_seq
"""
_HEAD: LiteralString = """
SELECT generation, chain_seq, chain_hash FROM ops.chain_heads WHERE account_id = %s
"""
_RUNS: LiteralString = "SELECT run_id, status, error FROM ops.runs WHERE account_id = %s"
_LEASES: LiteralString = "SELECT stream, fence, expires_at FROM ops.leases WHERE account_id = %s"


class Booked(NamedTuple):
    """A fill or payment as it is booked: what it is known by, and all its fields."""

    core: Told
    whole: Told
    at_ms: int


class Proven(NamedTuple):
    """One row of facts.windows."""

    chain_seq: int
    stream: str
    scope: str
    starts_at: datetime
    ends_at: datetime
    outcome: str
    row_count: int
    run_id: object


class Covered(NamedTuple):
    """The coverage of one stream and scope."""

    stream: str
    scope: str
    read: list[Window]
    settled: list[Window]
    undisputed_or_not: list[Window]


@dataclass(frozen=True, slots=True)
class Look:
    """The ledger at one moment."""

    now: datetime
    head: tuple[int, int, bytes]
    booked: tuple[Booked, ...]
    coverage: tuple[Covered, ...]
    windows: tuple[Proven, ...]
    runs: tuple[tuple[object, str, str], ...]
    leases: tuple[tuple[str, int, datetime], ...]

    def read(self, stream: str, scope: str, *, settled: bool = False) -> list[Window]:
        """What is read of a stream and scope."""
        for covered in self.coverage:
            if (covered.stream, covered.scope) == (stream, scope):
                return covered.settled if settled else covered.read
        return []


def look_at(world: "World", *, since_seq: int) -> Look:
    """Look at the ledger, beside all workers; windows after a place of the chain."""
    number = world.account.account_id
    ask = world.stock.ask
    heads = ask(_HEAD, number)
    generation, seq, hashed = heads[0]
    return Look(
        now=world.now(),
        head=(generation, seq, bytes(hashed)),
        booked=(*map(_booked_fill, ask(_FILLS, number)), *map(_payment, ask(_PAYMENTS, number))),
        coverage=tuple(
            Covered(stream, scope, *(list(as_windows(ranges)) for ranges in three))
            for stream, scope, *three in ask(_COVERAGE, number)
        ),
        windows=tuple(Proven(*row) for row in ask(_WINDOWS, number, since_seq)),
        runs=tuple((row[0], row[1], row[2]) for row in ask(_RUNS, number)),
        leases=tuple((row[0], row[1], row[2]) for row in ask(_LEASES, number)),
    )


def _booked_fill(row: tuple[Any, ...]) -> Booked:
    at_ms = milliseconds(row[7])
    core = (*row[:7], at_ms)
    return Booked(core, (*core, *row[8:]), at_ms)


def _payment(row: tuple[Any, ...]) -> Booked:
    at_ms = milliseconds(row[-1])
    told = (*row[:-1], at_ms)
    return Booked(told, told, at_ms)


@dataclass(slots=True)
class Truth:
    """What truly happened, row by row; grows while somebody trades live."""

    rows: dict[Told, Row]
    whole: dict[Told, Told]
    count: int

    @classmethod
    def of(cls, world: "World", known: "Truth | None") -> "Truth":
        """The truth, read again only when there is more of it."""
        live_trading.catch_up(world.exchange.venue, now_ms=world.now_ms())
        history = world.exchange.history.accounts[0]
        if known is not None and known.count == len(history.executions.time_ms):
            return known
        told = world.exchange.truth(whole=True)["executions"]
        rows = {_told(row, core=True): row for row in told}
        assert len(rows) == len(told), "the truth tells everything once"
        whole = {core: _told(row, core=False) for core, row in rows.items()}
        return cls(rows, whole, len(history.executions.time_ms))

    def up_to(self, at_ms: int) -> Iterable[tuple[Told, Row]]:
        """What had happened by an instant."""
        return ((core, row) for core, row in self.rows.items() if int(row["execTime"]) <= at_ms)


def is_cash(row: Row) -> bool:
    """Whether a true row is a payment and no fill."""
    return row["execType"] in CASH


def signed_size(row: Row) -> Decimal:
    """By how much a fill moves the position."""
    return Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1)


def leaves_fields(struck: frozenset[str], row_faults: frozenset[str]) -> bool:
    """Whether every field of a row is served as it truly is."""
    return not (struck & row_faults) - LEAVES_FIELDS
