"""What does the venue say that a closing order earned?

There is one row for each closing order, not for each fill. Two things are not documented: whether a
row grows while its order is still being filled, and whether a list may split one order into several
rows. So the times and the size that was closed are part of the key, and no row hides another; what
counts of an order are its rows with the latest time, which are one that has grown, or all parts.
"""

from uuid import UUID

import msgspec

from fillbook.domain.closed_pnl import ClosedPnl
from fillbook.domain.execution import Reading
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread, milliseconds_in
from fillbook.venues.bybit.identity import closed_key, unread_key
from fillbook.venues.bybit.rows import RowReader, Text

_IDENTITY = frozenset(("symbol", "orderId", "side", "createdTime", "updatedTime", "closedSize"))


class ClosedRow(msgspec.Struct, gc=False):
    """A row of the closed profit and loss."""

    symbol: Text = ""
    orderId: Text = ""  # noqa: N815 - the venue's own spelling
    side: Text = ""
    execType: Text = ""  # noqa: N815
    closedSize: Text = ""  # noqa: N815
    cumEntryValue: Text = ""  # noqa: N815
    cumExitValue: Text = ""  # noqa: N815
    closedPnl: Text = ""  # noqa: N815
    openFee: Text = ""  # noqa: N815
    closeFee: Text = ""  # noqa: N815
    fillCount: Text = ""  # noqa: N815
    createdTime: Text = ""  # noqa: N815
    updatedTime: Text = ""  # noqa: N815


_ROWS = RowReader(ClosedRow)


def glance(category: str, body: bytes) -> tuple[UUID, tuple[int, ...]]:
    """Which record a row is, and its times."""
    row, damaged = _ROWS.read(body)
    if row is None:
        return unread_key(category, body), ()
    read = (milliseconds_in(row.createdTime), milliseconds_in(row.updatedTime))
    times = tuple(at for at in read if at is not None)
    if not row.symbol or not row.orderId or not _IDENTITY.isdisjoint(damaged):
        return unread_key(category, body), times
    return _key(category, row), times


def parse_closed_pnl(category: str, body: bytes) -> Reading:
    """Read one row of a category's closed profit and loss."""
    return _ROWS.tell(body, lambda row: _meaning(category, row))


def _meaning(category: str, row: ClosedRow) -> ClosedPnl:
    symbol = fields.needed_text(row.symbol, "symbol")
    order_id = fields.needed_text(row.orderId, "orderId")
    side = fields.needed_side(row.side)
    fields.needed_time(row.createdTime, "createdTime")
    closed = "updatedTime" if row.updatedTime else "createdTime"
    return ClosedPnl(
        closed_key=_key(category, row),
        closed_at=fields.needed_time(row.updatedTime or row.createdTime, closed),
        category=category,
        symbol=symbol,
        order_id=order_id,
        side=side,
        exec_type=row.execType,
        qty=fields.needed_not_negative(row.closedSize, "closedSize"),
        entry_value=fields.amount(row.cumEntryValue, "cumEntryValue"),
        exit_value=fields.amount(row.cumExitValue, "cumExitValue"),
        pnl=fields.needed(row.closedPnl, "closedPnl"),
        open_fee=fields.amount(row.openFee, "openFee"),
        close_fee=fields.amount(row.closeFee, "closeFee"),
        fill_count=_count(row.fillCount),
    )


def _key(category: str, row: ClosedRow) -> UUID:
    words = (row.side, row.createdTime, row.updatedTime, row.closedSize)
    return closed_key(category, row.symbol, row.orderId, *words)


def _count(told: str) -> int | None:
    try:
        count = fields.whole(told)
    except Unread:
        raise Unread("fillCount is not a whole number") from None
    if count is not None and count < 0:
        raise Unread("fillCount is negative")
    return count
