"""How much of an order was filled, as the order itself says: a count to hold its fills against."""

import msgspec

from fillbook.domain.observed import OrderTotal
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread
from fillbook.venues.bybit.rows import RowReader, Text


class TotalRow(msgspec.Struct, gc=False):
    """What a row of the order history says of its sum."""

    cumExecQty: Text = ""  # noqa: N815 - the venue's own spelling
    updatedTime: Text = ""  # noqa: N815


_ROWS = RowReader(TotalRow)


def total_of(body: bytes) -> OrderTotal | None:
    """What an order has filled, and when it changed last; None where it does not say."""
    row, damaged = _ROWS.read(body)
    if row is None or damaged:
        return None
    try:
        qty = fields.amount(row.cumExecQty, "cumExecQty")
        at = fields.time_or_none(row.updatedTime, "updatedTime")
    except Unread:
        return None
    return None if qty is None or at is None else OrderTotal(qty, at)
