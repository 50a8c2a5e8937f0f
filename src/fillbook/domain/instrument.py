"""The terms of a contract, and the words that name one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Leg = Literal["net", "long", "short"]
ContractKind = Literal["linear", "inverse", "quanto", "spot", "option"]


@dataclass(frozen=True, slots=True, order=True)
class LegName:
    """A leg of an instrument on one account: what positions are held in."""

    category: str
    symbol: str
    leg: Leg


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What a venue says about a contract."""

    category: str
    symbol: str
    kind: ContractKind
    base: str
    quote: str
    settle: str
    multiplier: Decimal
    price_step: Decimal | None
    qty_step: Decimal | None
    qty_min: Decimal | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark price as the venue said it."""

    category: str
    symbol: str
    price: Decimal
