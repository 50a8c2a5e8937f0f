"""What does a row of the order history mean?

An order tells what its executions leave out: on which leg it acts (``positionIdx``), which order it
was attached to, and at which price it was to be triggered. A price of zero there is no price.
"""

from uuid import UUID

import msgspec

from fillbook.domain.execution import Reading
from fillbook.domain.instrument import Leg
from fillbook.domain.order import Order
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread, milliseconds_in
from fillbook.venues.bybit.identity import order_key, unread_key
from fillbook.venues.bybit.rows import RowReader, Text, Whole

LEGS: dict[int, Leg] = {0: "net", 1: "long", 2: "short"}
_IDENTITY = frozenset(("symbol", "orderId"))


class OrderRow(msgspec.Struct, gc=False):
    """A row of the order history, or of the private stream's."""

    orderId: Text = ""  # noqa: N815 - the venue's own spelling
    orderLinkId: Text = ""  # noqa: N815
    parentOrderLinkId: Text = ""  # noqa: N815
    symbol: Text = ""
    side: Text = ""
    positionIdx: Whole | None = None  # noqa: N815
    createType: Text = ""  # noqa: N815
    stopOrderType: Text = ""  # noqa: N815
    cancelType: Text = ""  # noqa: N815
    reduceOnly: bool | None = None  # noqa: N815
    closeOnTrigger: bool | None = None  # noqa: N815
    triggerPrice: Text = ""  # noqa: N815
    basePrice: Text = ""  # noqa: N815
    ocoTriggerBy: Text = ""  # noqa: N815
    createdTime: Text = ""  # noqa: N815
    updatedTime: Text = ""  # noqa: N815
    category: Text = ""  # the private stream's rows only


_ROWS = RowReader(OrderRow)


def glance(category: str, body: bytes) -> tuple[UUID, tuple[int, ...]]:
    """Which record a row is, and its times."""
    row, damaged = _ROWS.read(body)
    if row is None:
        return unread_key(category, body), ()
    read = (milliseconds_in(row.createdTime), milliseconds_in(row.updatedTime))
    times = tuple(at for at in read if at is not None)
    if not row.symbol or not row.orderId or not _IDENTITY.isdisjoint(damaged):
        return unread_key(category, body), times
    return order_key(category, row.symbol, row.orderId), times


def order_id_of(body: bytes) -> str:
    """The order that a row speaks of; empty where it does not say."""
    row, _ = _ROWS.read(body)
    return row.orderId if row else ""


def parse_order(category: str, body: bytes) -> Reading:
    """Read one row of a category's order history."""
    return _ROWS.tell(body, lambda row: _meaning(category, row))


def _meaning(category: str, row: OrderRow) -> Order:
    if row.category not in ("", category):
        raise Unread(f"category is {row.category[:40]!r}, not {category!r}")
    order_id = fields.needed_text(row.orderId, "orderId")
    symbol = fields.needed_text(row.symbol, "symbol")
    return Order(
        order_key=order_key(category, symbol, order_id),
        ordered_at=fields.needed_time(row.createdTime, "createdTime"),
        category=category,
        symbol=symbol,
        leg=leg_of(row.positionIdx),
        order_id=order_id,
        client_order_id=row.orderLinkId,
        parent_client_order_id=row.parentOrderLinkId,
        side=fields.needed_side(row.side),
        create_type=row.createType,
        stop_type=row.stopOrderType,
        cancel_type=row.cancelType,
        reduce_only=row.reduceOnly,
        close_on_trigger=row.closeOnTrigger,
        trigger_price=fields.positive_or_none(row.triggerPrice, "triggerPrice"),
        base_price=fields.positive_or_none(row.basePrice, "basePrice"),
        oco_trigger=row.ocoTriggerBy,
    )


def leg_of(position_index: int | None) -> Leg | None:
    """The leg that a position index names; None when it names none."""
    if position_index is None:
        return None
    if position_index not in LEGS:
        raise Unread(f"positionIdx is {position_index}: there is no such leg")
    return LEGS[position_index]
