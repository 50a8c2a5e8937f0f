"""A line of the account log that a venue keeps of its own: an independent witness of what happened.

Each line says by how much a coin's balance changed, what it was afterwards and, for fills and
payments, which execution it speaks of. So a fill that the list of executions leaves out is noticed,
and so is a line that the log itself leaves out: balances no longer add up.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a venue's account log."""

    entry_key: UUID
    occurred_at: datetime
    kind: str  # in the venue's own words
    category: str
    symbol: str
    side: str
    currency: str
    change: Decimal  # of the balance: negative when it shrinks
    balance: Decimal | None  # afterwards
    cash_flow: Decimal | None
    funding: Decimal | None  # positive when received, as the log prints it
    fee: Decimal | None  # positive when paid
    qty: Decimal | None
    position: Decimal | None  # afterwards, signed
    execution_id: str
    order_id: str
    execution_key: UUID | None  # of the fill or payment that it speaks of
