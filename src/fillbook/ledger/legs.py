"""On which leg of a hedged account was a fill? Executions do not say it; orders do.

Where the order of a fill is known to be on a leg, the fill is booked under the scope
`<category>.<leg>`, from which reading it again gives that leg. A fill without a known order, such
as a forced one, and a payment, go by themselves where the symbol is hedged at that instant: what is
forced closes, a buy that closes nothing opens a long, a sale that closes something closes one, and
a payment is made by the side that is held. Whether a symbol is hedged at an instant is said by the
last order before it, or else by the first one after it, because a venue lets the mode change only
while nothing is held. What none of this decides stays net.

So a row's leg is a function of the orders and rows that are known, whatever came first: an order
that is told later tells the rows that it moves again, under their new scope.

An account that has no order on a long or short leg is not hedged, and pays one look-up for that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast
from uuid import UUID

from fillbook.accounting.as_fills import order_key_of
from fillbook.domain.execution import CashFlow, Execution, Reading, Told, completed
from fillbook.domain.instrument import Leg
from fillbook.domain.order import Order
from fillbook.ledger._queries import queries
from fillbook.ledger.readings import Known, latest_readings
from fillbook.ledger.writing import Writing

SQL = queries("legs.sql")

FORCED = frozenset(("BustTrade", "AdlTrade", "Settle", "Delivery"))

Instant = tuple[str, str, datetime]  # of a category and symbol
Row = Execution | CashFlow


@dataclass(frozen=True, slots=True)
class Telling:
    """A raw record as it is put on the chain."""

    stream: str
    scope: str
    record_key: UUID
    content: UUID
    codec: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Legs:
    """What orders say of the legs of some rows."""

    by_order: Mapping[UUID, Leg] = field(default_factory=dict)
    by_instant: Mapping[Instant, Leg] = field(default_factory=dict)

    def placed(self, reading: Reading, latest: Known, scope: str) -> tuple[Reading, str]:
        """A reading on its leg, and the scope to book it under."""
        if not (self.by_order or self.by_instant) or not isinstance(reading, Row):
            return reading, scope
        if reading.leg != "net":  # the venue says it itself
            return reading, scope
        leg = self.of(_whole(reading, latest))
        if leg == "net":
            return reading, scope
        return replace(reading, leg=leg), scope_of(reading, leg)

    def of(self, row: Row) -> Leg:
        """The leg of a row; net where nothing decides it."""
        if isinstance(row, Execution):
            leg = self.by_order.get(order_key_of(row))
            if leg is not None:
                return leg
        if self.by_instant.get(_instant(row), "net") == "net":
            return "net"
        return _by_side(row)


NO_LEGS = Legs()


@dataclass(frozen=True, slots=True)
class Moved:
    """Orders that may put rows under another leg, and the instants that they were made at."""

    orders: tuple[Order, ...] = ()
    instants: tuple[Instant, ...] = ()


def scope_of(row: Row, leg: Leg) -> str:
    """The scope that a row of a leg is booked under."""
    return row.category if leg == "net" else f"{row.category}.{leg}"


def _whole(reading: Row, latest: Known) -> Row:
    """The reading with what earlier ones tell beside it."""
    known = latest.get(
        reading.execution_key if isinstance(reading, Execution) else reading.cash_key
    )
    return reading if known is None else cast("Row", completed(known.told, reading))


def _instant(row: Row) -> Instant:
    at = row.executed_at if isinstance(row, Execution) else row.occurred_at
    return row.category, row.symbol, at


def _by_side(row: Row) -> Leg:
    if isinstance(row, CashFlow):
        if not row.position_qty:
            return "net"
        return "long" if row.position_qty > 0 else "short"
    if row.exec_type in FORCED:  # it only ever closes, whatever size it says was closed
        return "long" if row.side == "Sell" else "short"
    if row.closed_qty is None:
        return "net"
    return "long" if (row.side == "Buy") == (not row.closed_qty) else "short"


def orders_among(readings: Iterable[Told], latest: Known) -> Moved:
    """The orders among some readings, with the times that they were said to be made at."""
    orders = [reading for reading in readings if isinstance(reading, Order)]
    instants = {(order.category, order.symbol, order.ordered_at) for order in orders}
    for order in orders:
        known = latest.get(order.order_key)
        if known is not None and isinstance(known.told, Order):
            instants.add((order.category, order.symbol, known.told.ordered_at))
    return Moved(tuple(orders), tuple(sorted(instants)))


async def known_to(writing: Writing, readings: Sequence[Told]) -> Legs:
    """What orders say of the legs of these readings; nothing in an account that is not hedged."""
    rows = [one for one in readings if isinstance(one, Row) and one.leg == "net"]
    if not rows or not await _is_hedged(writing):
        return NO_LEGS
    return await _legs_of(writing, rows)


async def _is_hedged(writing: Writing) -> bool:
    found = await writing.conn.execute(SQL["is_hedged"], {"account_id": writing.account_id})
    row = await found.fetchone()
    return row is not None and bool(row[0])


async def _legs_of(writing: Writing, rows: Sequence[Row]) -> Legs:
    keys = {order_key_of(row) for row in rows if isinstance(row, Execution)}
    found = await writing.conn.execute(
        SQL["legs_of_orders"], {"account_id": writing.account_id, "keys": list(keys)}
    )
    by_order: dict[UUID, Leg] = dict(await found.fetchall())
    loose = {
        _instant(row)
        for row in rows
        if isinstance(row, CashFlow) or order_key_of(row) not in by_order
    }
    found = await writing.conn.execute(SQL["legs_at"], _columns(writing, sorted(loose)))
    by_instant: dict[Instant, Leg] = {
        (category, symbol, at): leg for category, symbol, at, leg in await found.fetchall()
    }
    return Legs(by_order, by_instant)


def _columns(writing: Writing, instants: Sequence[Instant]) -> dict[str, object]:
    return {
        "account_id": writing.account_id,
        "categories": [category for category, _, _ in instants],
        "symbols": [symbol for _, symbol, _ in instants],
        "instants": [at for _, _, at in instants],
    }


async def told_again(writing: Writing, moved: Moved) -> tuple[Known, list[tuple[Telling, Reading]]]:
    """The rows that orders which were just booked put under another leg, in a fixed order."""
    if not moved.orders or not await _is_hedged(writing):
        return {}, []
    keys = await _may_move(writing, moved)
    latest = await latest_readings(writing.conn, writing.account_id, keys)
    rows = {key: known.told for key, known in latest.items() if isinstance(known.told, Row)}
    known = await _legs_of(writing, list(rows.values()))
    legs = {key: known.of(row) for key, row in rows.items()}
    wrong = {key: leg for key, leg in legs.items() if leg != rows[key].leg}
    if not wrong:
        return latest, []
    found = await writing.conn.execute(
        SQL["told_records"], {"account_id": writing.account_id, "keys": sorted(wrong)}
    )
    again: list[tuple[Telling, Reading]] = []
    for key, stream, content, codec, packed in await found.fetchall():
        row = replace(rows[key], leg=wrong[key])
        told = Telling(stream, scope_of(row, row.leg), key, content, codec, bytes(packed))
        again.append((told, row))
    return latest, again


async def _may_move(writing: Writing, moved: Moved) -> list[UUID]:
    """The rows of these orders, and those whose nearest order may be one of them."""
    words = _columns(writing, moved.instants) | {
        "order_categories": [order.category for order in moved.orders],
        "order_symbols": [order.symbol for order in moved.orders],
        "order_ids": [order.order_id for order in moved.orders],
    }
    found = await writing.conn.execute(SQL["may_move"], words)
    return [row[0] for row in await found.fetchall()]
