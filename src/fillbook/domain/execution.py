"""Readings of raw records: what each of them tells, or why it cannot be read."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from fillbook.domain.closed_pnl import ClosedPnl
from fillbook.domain.instrument import Leg
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.movement import Movement
from fillbook.domain.order import Order

Side = Literal["Buy", "Sell"]
CashKind = Literal["funding", "session"]  # session: profit paid out while the position goes on


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill that changed a position."""

    execution_key: UUID
    executed_at: datetime
    venue_seq: int | None
    category: str
    symbol: str
    leg: Leg
    execution_id: str
    order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    qty: Decimal
    value: Decimal | None
    closed_qty: Decimal | None
    fee: Decimal | None
    fee_currency: str
    fee_inferred: bool
    currency: str
    is_maker: bool | None
    exec_type: str
    order_type: str
    create_type: str
    stop_type: str
    mark_price: Decimal | None


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money that moved without a fill. The amount is positive when paid."""

    cash_key: UUID
    occurred_at: datetime
    kind: CashKind
    category: str
    symbol: str
    leg: Leg
    flow_id: str
    amount: Decimal
    currency: str
    position_qty: Decimal | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that stays in quarantine, and why."""

    reason: str


Told = Execution | CashFlow | Order | LogEntry | ClosedPnl | Movement  # what a record may tell
Reading = Told | Unreadable

_INFERRED = frozenset(("fee_currency",))
_EMPTY = (None, "")


def completed(before: Told, after: Told) -> Told:
    """A later reading, what it leaves out filled in from before: a poorer telling takes nothing.

    Streams tell the same record with different fields; a field that one of them leaves empty is not
    a field that the venue took back.
    """
    if type(before) is not type(after):
        return after
    missing = {
        field.name: getattr(before, field.name)
        for field in fields(before)
        if getattr(after, field.name) in _EMPTY
    }
    if isinstance(after, Execution) and isinstance(before, Execution) and after.fee_inferred:
        missing |= {"fee_currency": before.fee_currency, "fee_inferred": before.fee_inferred}
    return replace(after, **missing)


def revision_reason(before: Told, after: Told) -> Literal["completion", "revision"] | None:
    """Why the later reading differs: None when it does not.

    Fields that were empty, or only inferred, and arrive now complete a reading; so does the leg of
    what was taken for a net fill. Any other change is the venue telling another story, and revises
    it.
    """
    if before == after:
        return None
    if type(before) is not type(after):
        return "revision"
    inferred = isinstance(before, Execution) and before.fee_inferred
    for field in fields(before):
        was, now = getattr(before, field.name), getattr(after, field.name)
        replaced = inferred and field.name in _INFERRED
        replaced = replaced or (field.name == "leg" and was == "net")
        if was != now and was not in _EMPTY and not replaced and field.name != "fee_inferred":
            return "revision"
    return "completion"
