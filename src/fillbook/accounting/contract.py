"""What does a contract make of prices and quantities, and which side may a leg hold?

* Linear, quanto and option contracts: (exit - entry) x quantity x multiplier, exact, in the coin
  that settles. Spot is the same in the quote coin.
* Inverse contracts settle in the base coin: what a long earns is the value of its entry units less
  the value of its exit units, a short the reverse. The value is what the venue printed for the
  whole execution. Without a printed one it is quantity x multiplier / price: the only quotient in
  the books, and so the only figure besides shares that is rounded.
* A leg named long or short never flips, nor does a spot inventory: it holds one side only.
"""

from dataclasses import dataclass
from decimal import Decimal

from fillbook.accounting.allocation import DECIMALS_MIN, upto
from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT, decimals, scaled, unscaled
from fillbook.domain.statement import Terms

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Contract:
    """The terms of one leg, as far as laying rests on them."""

    name: LegName
    holds: int  # 1: longs only, -1: shorts only, 0: either
    is_inverse: bool
    is_spot: bool
    multiplier: Decimal
    qty_min: Decimal | None

    def value(self, printed: Decimal | None, qty: Decimal, price: Decimal | None) -> Decimal | None:
        """An execution's value in the settling coin; inverse only."""
        if not self.is_inverse:
            return None
        if printed is not None or price is None:
            return printed
        return inverse_value(qty, self.multiplier, price)

    def gross(self, bought: Decimal | None, sold: Decimal | None, qty: Decimal) -> Decimal | None:
        """What units earn that were bought and sold at these prices. Not for inverse contracts."""
        if bought is None or sold is None:
            return None
        earned = EXACT.multiply(EXACT.subtract(sold, bought), qty)
        return earned if self.multiplier == _ONE else EXACT.multiply(earned, self.multiplier)

    @staticmethod
    def gross_of_values(bought: Decimal | None, sold: Decimal | None) -> Decimal | None:
        """The same for an inverse contract, by what the units were worth in the settling coin."""
        return None if bought is None or sold is None else EXACT.subtract(bought, sold)


def of_leg(name: LegName, terms: Terms) -> Contract:
    """The terms as they apply to a leg."""
    sides = {"net": 0, "long": 1, "short": -1}
    return Contract(
        name=name,
        holds=1 if terms.kind == "spot" else sides[name.leg],
        is_inverse=terms.kind == "inverse",
        is_spot=terms.kind == "spot",
        multiplier=terms.multiplier,
        qty_min=terms.qty_min,
    )


def inverse_value(qty: Decimal, multiplier: Decimal, price: Decimal) -> Decimal | None:
    """qty x multiplier / price, rounded half-even at 18 decimals; None at a price of zero."""
    if price == 0:
        return None
    amount = EXACT.multiply(qty, multiplier)
    above, below = decimals(price), decimals(amount)
    whole = scaled(amount, below) * 10**DECIMALS_MIN
    return unscaled(upto(whole, 10**above, scaled(price, above) * 10**below), DECIMALS_MIN)
