"""An order as the venue remembers it: what its executions do not say of it.

Executions carry no parent, no trigger and no position index; the order history does. An order is
told many times while it lives; the latest telling counts.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fillbook.domain.instrument import Leg


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a venue's order history."""

    order_key: UUID  # digest of ("order", category, symbol, order id), as fills carry it
    ordered_at: datetime
    category: str
    symbol: str
    leg: Leg | None  # None: the venue does not say which
    order_id: str
    client_order_id: str
    parent_client_order_id: str  # of the order that this one was attached to
    side: str
    create_type: str
    stop_type: str
    cancel_type: str
    reduce_only: bool | None
    close_on_trigger: bool | None
    trigger_price: Decimal | None
    base_price: Decimal | None  # what the price was when the trigger was set
    oco_trigger: str
