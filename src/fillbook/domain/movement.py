"""Money that came to an account or left it: deposits, withdrawals and transfers.

A movement changes its status while it is under way, and a deposit may be rolled back after it
succeeded; the latest telling counts.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

MovementKind = Literal["deposit", "internal_deposit", "withdrawal", "transfer"]


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of money, as the venue tells it."""

    movement_key: UUID
    moved_at: datetime
    kind: MovementKind
    movement_id: str
    currency: str
    amount: Decimal
    fee: Decimal | None
    status: str  # in the venue's own words
    is_final: bool  # it succeeded, and the money has moved
    from_account: str
    to_account: str
    reference: str  # such as a transaction on a chain
