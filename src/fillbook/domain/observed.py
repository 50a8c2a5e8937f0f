"""What a venue said it holds for an account at an instant: observations, not facts.

Nothing that is realised rests on them. What the venue left out is None: unknown is not zero.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillbook.domain.instrument import Leg


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """A position as the venue shows it now."""

    category: str
    symbol: str
    leg: Leg
    qty: Decimal  # signed
    entry_price: Decimal | None
    mark_price: Decimal | None
    unrealised: Decimal | None
    leverage: Decimal | None
    liquidation_price: Decimal | None
    take_profit: Decimal | None
    stop_loss: Decimal | None
    opened_at: datetime | None
    updated_at: datetime | None
    venue_seq: int | None  # of the last execution that it includes


@dataclass(frozen=True, slots=True)
class Balance:
    """A coin's balance as the venue shows it now."""

    wallet: str  # in the venue's own words, such as UNIFIED
    currency: str
    balance: Decimal
    borrowed: Decimal | None
    equity: Decimal | None
    value_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderTotal:
    """How much of an order was filled, as the order itself says."""

    qty: Decimal
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Candle:
    """What a price did in an interval of time."""

    category: str
    symbol: str
    starts_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal
