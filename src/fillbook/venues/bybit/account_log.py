"""What does a line of the account log mean?

The log prints `funding` and `change` from the account's side: negative when paid. A fee is positive
when paid, as everywhere. Unknown types are kept in the venue's own words. The key of a line is made
of four fields, because the venue's ids repeat; a line of a fill or a payment also names the
execution that it speaks of.
"""

from uuid import UUID

import msgspec

from fillbook.domain.execution import Reading, Unreadable
from fillbook.domain.log_entry import LogEntry
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import milliseconds_in
from fillbook.venues.bybit.identity import CATEGORIES, execution_key, log_key, unread_key
from fillbook.venues.bybit.rows import RowReader, Text

NO_SIDE = "None"
TRADE = "TRADE"
_IDENTITY = frozenset(("id", "tradeId", "currency", "type"))
_NAMED = (("id", b'"id"'), ("tradeId", b'"tradeId"'))


class LogRow(msgspec.Struct, gc=False):
    """A row of the transaction log."""

    id: Text = ""
    symbol: Text = ""
    category: Text = ""
    side: Text = ""
    transactionTime: Text = ""  # noqa: N815 - the venue's own spelling
    type: Text = ""
    qty: Text = ""
    size: Text = ""
    currency: Text = ""
    funding: Text = ""
    fee: Text = ""
    cashFlow: Text = ""  # noqa: N815
    change: Text = ""
    cashBalance: Text = ""  # noqa: N815
    tradeId: Text = ""  # noqa: N815
    orderId: Text = ""  # noqa: N815


_ROWS = RowReader(LogRow)


def glance(scope: str, body: bytes) -> tuple[UUID, tuple[int, ...]]:
    """Which record a line is, and its time."""
    row, damaged = _ROWS.read(body)
    if row is None:
        return unread_key(scope, body), ()
    at = milliseconds_in(row.transactionTime)
    times = () if at is None else (at,)
    named = row.tradeId if row.type == TRADE else row.id or row.tradeId
    if not named or _lost(body) or not _IDENTITY.isdisjoint(damaged):
        return unread_key(scope, body), times
    return log_key(row.id, row.tradeId, row.currency, row.type), times


def parse_log_entry(body: bytes) -> Reading:
    """Read one line of the account log."""
    if lost := _lost(body):
        return Unreadable(f"{lost} is missing")
    return _ROWS.tell(body, _meaning)


def _lost(body: bytes) -> str:
    """A field of the line's name that is absent, not merely empty: whole, it is another line."""
    if not body.startswith(b"{"):
        return ""
    return next((name for name, quoted in _NAMED if quoted not in body), "")


def _meaning(row: LogRow) -> LogEntry:
    if row.type == TRADE:  # without it the line would be another one than when it is whole again
        fields.needed_text(row.tradeId, "tradeId")
    elif not row.tradeId:
        fields.needed_text(row.id, "id")
    side = "" if row.side == NO_SIDE else row.side
    return LogEntry(
        entry_key=log_key(row.id, row.tradeId, row.currency, row.type),
        occurred_at=fields.needed_time(row.transactionTime, "transactionTime"),
        kind=fields.needed_text(row.type, "type"),
        category=row.category,
        symbol=row.symbol,
        side=side,
        currency=fields.needed_text(row.currency, "currency"),
        change=fields.needed(row.change, "change"),
        balance=fields.amount(row.cashBalance, "cashBalance"),
        cash_flow=fields.amount(row.cashFlow, "cashFlow"),
        funding=fields.amount(row.funding, "funding"),
        fee=fields.amount(row.fee, "fee"),
        qty=fields.amount(row.qty, "qty"),
        position=fields.amount(row.size, "size"),
        execution_id=row.tradeId,
        order_id=row.orderId,
        execution_key=_execution_key(row, side),
    )


def _execution_key(row: LogRow, side: str) -> UUID | None:
    if not row.tradeId or not row.symbol or row.category not in CATEGORIES:
        return None
    if side not in ("Buy", "Sell"):
        return None
    return execution_key(row.category, row.symbol, row.tradeId, row.orderId, side)
