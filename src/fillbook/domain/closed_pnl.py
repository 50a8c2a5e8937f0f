"""What a venue itself counts as the profit of a closing order: a witness, never a source."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ClosedPnl:
    """One closing order, as the venue sums it up."""

    closed_key: UUID
    closed_at: datetime
    category: str
    symbol: str
    order_id: str
    side: str  # of the closing order
    exec_type: str
    qty: Decimal  # that was closed
    entry_value: Decimal | None
    exit_value: Decimal | None
    pnl: Decimal  # after fees, without funding
    open_fee: Decimal | None
    close_fee: Decimal | None
    fill_count: int | None
