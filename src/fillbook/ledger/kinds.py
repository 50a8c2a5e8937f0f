"""The kinds of facts that a record may tell: where each is kept, and by what it is known again.

One row here, one table of a migration and four queries (to look up, to copy, to compare and to
hash) are all that a new kind needs. Kinds of one *family* share the keys of their records: what was
told as a fill may turn out to be a payment. A record of one family is never looked for in another.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any
from uuid import UUID

from fillbook.domain.closed_pnl import ClosedPnl
from fillbook.domain.execution import CashFlow, Execution, Told
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.movement import Movement
from fillbook.domain.order import Order


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact."""

    tells: type[Told]
    family: str
    table: str
    key: str  # the field that a record is known again by
    latest: str  # facts.sql: what the venue told last, by key
    copy: str  # facts.sql
    booked: str  # verify.sql: all rows, by key
    content: str = ""  # verify.sql: its part of the ledger hash
    may_change: bool = False  # while it lives: another telling is no alarm


KINDS: tuple[Kind, ...] = (
    Kind(
        Execution, "fills", "facts.executions", "execution_key",
        "latest_executions", "copy_executions", "booked_executions", "content_executions",
    ),
    Kind(
        CashFlow, "fills", "facts.cash_flows", "cash_key",
        "latest_cash_flows", "copy_cash_flows", "booked_cash_flows", "content_cash_flows",
    ),
    Kind(  # when a venue is asked decides which orders it still tells: no part of the hash
        Order, "orders", "facts.orders", "order_key",
        "latest_orders", "copy_orders", "booked_orders",
        may_change=True,
    ),
    Kind(
        LogEntry, "log", "facts.log_entries", "entry_key",
        "latest_log_entries", "copy_log_entries", "booked_log_entries", "content_log_entries",
    ),
    Kind(
        ClosedPnl, "closed", "facts.closed_pnl", "closed_key",
        "latest_closed_pnl", "copy_closed_pnl", "booked_closed_pnl", "content_closed_pnl",
        may_change=True,
    ),
    Kind(
        Movement, "movements", "facts.movements", "movement_key",
        "latest_movements", "copy_movements", "booked_movements", "content_movements",
        may_change=True,
    ),
)  # fmt: skip
KIND_OF: Mapping[type, Kind] = {kind.tells: kind for kind in KINDS}
FIELDS: Mapping[type, tuple[str, ...]] = {
    kind.tells: tuple(field.name for field in fields(kind.tells)) for kind in KINDS
}
# All fields of a reading at once, in their order.
VALUES: Mapping[type, Callable[[Any], tuple[object, ...]]] = {
    kind: attrgetter(*names) for kind, names in FIELDS.items()
}
MAY_CHANGE = frozenset(kind.copy for kind in KINDS if kind.may_change)


def kinds_of(families: Collection[str]) -> list[Kind]:
    """The kinds of some families."""
    return [kind for kind in KINDS if kind.family in families]


def key_of(reading: Told) -> UUID:
    """Under which key a reading is kept."""
    key: UUID = getattr(reading, KIND_OF[type(reading)].key)
    return key
