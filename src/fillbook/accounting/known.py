"""What is known beside the executions of a leg: terms, statements, orders and prices.

Everything here is handed in; nothing is looked up. A leg laid twice from the same executions and
the same `Known` comes out the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from re import Pattern
from uuid import UUID

from fillbook.accounting.valuation import Prices
from fillbook.domain.order import Order
from fillbook.domain.statement import Assign, Intent, OpeningBalance, Price, Terms


@dataclass(frozen=True, slots=True)
class Known:
    """What laying a leg rests on beside its executions and payments."""

    terms: Terms
    tag_pattern: Pattern[str] | None = None
    openings: Sequence[OpeningBalance] = ()  # of this leg, in the order stated
    prices: Sequence[Price] = ()  # of all coins, in the order stated
    assigned: Mapping[UUID, Assign] = field(default_factory=dict)  # by execution key
    intents: Mapping[str, Intent] = field(default_factory=dict)  # by client id
    orders: Mapping[UUID, Order] = field(default_factory=dict)  # by order key

    def __post_init__(self) -> None:
        """Lay the prices out once, however they were handed in."""
        object.__setattr__(self, "prices", Prices.of(self.prices))
