"""Pro-rata shares that add up to the total, to the last digit.

A total is spread over the units [0, whole). The share of [start, end) is
``round(total * end / whole) - round(total * start / whole)``: neighbours telescope, so whatever the
cuts, the shares of all pieces sum to the total. Rounding is half-even at 18 decimals, or at the
total's own decimals when it needs more.
"""

from collections.abc import Sequence
from decimal import Decimal

from fillbook.domain.money import EXACT, decimals, plain, scaled, unscaled

DECIMALS_MIN = 18
_ONE = 10**DECIMALS_MIN


def share(total: Decimal, start: int, end: int, whole: int) -> Decimal:
    """The part of `total` that the units [start, end) of [0, whole) bear."""
    return Spread(total, whole).part(start, end)


class Spread:
    """A total over the units [0, whole), given out piece by piece.

    Pieces are mostly asked for in order: where one ends the next begins, and its bound is known.
    """

    __slots__ = ("_amount", "_reached", "_scale", "_upto", "total", "whole")

    def __init__(self, total: Decimal, whole: int) -> None:
        self.total, self.whole = total, whole
        self._amount, self._scale = as_integer(total)
        self._reached = self._upto = 0

    def part(self, start: int, end: int) -> Decimal:
        """What the units [start, end) bear."""
        whole = self.whole
        assert 0 <= start <= end <= whole
        if end - start == whole:
            return self.total
        before = self._upto if start == self._reached else upto(self._amount, start, whole)
        self._reached, self._upto = end, upto(self._amount, end, whole)
        return _decimal(self._upto - before, self._scale)


def _decimal(amount: int, scale: int) -> Decimal:
    """As `unscaled`, and quicker at the scale that nearly all shares have."""
    if scale != DECIMALS_MIN or amount % _ONE == 0:
        return unscaled(amount, scale)
    return Decimal(amount).scaleb(-DECIMALS_MIN, EXACT).normalize(EXACT)


def shares_of(total: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Split a total by signed weights that do not sum to zero; the parts add up to the total."""
    whole = sum(weights)
    assert whole != 0
    amount, scale = as_integer(total)
    parts, reached, before = [], 0, 0
    for weight in weights:
        reached += weight
        now = upto(amount, reached, whole)
        parts.append(unscaled(now - before, scale))
        before = now
    return parts


def as_integer(total: Decimal) -> tuple[int, int]:
    """A total as an integer, and at how many decimals: those at which its shares are rounded."""
    shifted = total.scaleb(DECIMALS_MIN, EXACT)
    amount = int(shifted)
    if amount == shifted:
        return amount, DECIMALS_MIN
    scale = decimals(plain(total))
    return scaled(total, scale), scale


def upto(amount: int, reached: int, whole: int) -> int:
    """amount * reached / whole, rounded half to even."""
    if reached == whole or not reached:
        return amount if reached else 0  # most shares begin or end at an edge
    if whole < 0:
        reached, whole = -reached, -whole
    quotient, rest = divmod(amount * reached, whole)
    if rest * 2 > whole or (rest * 2 == whole and quotient % 2):
        quotient += 1
    return quotient
