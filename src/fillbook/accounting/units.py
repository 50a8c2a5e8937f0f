"""Quantities as integers at one scale, there and back, for the length of one call.

The same bounds come up again and again: where a line ends the next one begins, and matches are cut
at both. So each value is converted once.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial

from fillbook.domain.money import scaled, unscaled


class Units:
    """The two directions at a number of decimals. Exact, or an error."""

    __slots__ = ("as_decimal", "as_whole")

    def __init__(self, scale: int) -> None:
        self.as_whole: Callable[[Decimal], int] = cache(partial(scaled, scale=scale))
        self.as_decimal: Callable[[int], Decimal] = cache(partial(unscaled, scale=scale))
