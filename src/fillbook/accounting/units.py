"""Quantities as integers at one scale, there and back, for the length of one call.

The same bounds come up again and again: where a line ends the next one begins, and matches are cut
at both. So each value is converted once.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache, partial

from fillbook.accounting.known import Known
from fillbook.accounting.leg import Fill, StretchState
from fillbook.domain.money import EXACT, decimals, scaled


class Units:
    """The two directions at a number of decimals. Exact, or an error."""

    __slots__ = ("as_decimal", "as_whole")

    def __init__(self, scale: int) -> None:
        one = 10**scale

        def unscaled(whole: int) -> Decimal:
            if whole % one == 0:
                return Decimal(whole // one)
            return Decimal(whole).scaleb(-scale, EXACT).normalize(EXACT)

        self.as_whole: Callable[[Decimal], int] = cache(partial(scaled, scale=scale))
        self.as_decimal: Callable[[int], Decimal] = cache(unscaled)


def units_of(stretch: StretchState, fills: Sequence[Fill], known: Known) -> Units:
    """The most decimals of any quantity: each one is then an integer, and so are all sums."""
    quantities: set[Decimal | None] = {fill.qty for fill in fills}
    quantities.update(fill.closed for fill in fills)
    quantities.update(_quantities_of(stretch))
    quantities.update(stated.qty for stated in known.openings)
    quantities.add(known.terms.qty_min)
    return Units(max((decimals(qty) for qty in quantities if qty is not None), default=0))


def _quantities_of(stretch: StretchState) -> Iterator[Decimal | None]:
    yield from (stretch.opening_qty, stretch.opening_low, stretch.opening_high)
    yield stretch.opening_moved
    for book in stretch.books.values():
        yield from (book.bought, book.sold, book.trip_start)
        for line in book.open_lines:
            yield from (line.start, line.end, line.share_start, line.execution_qty)
        for part in book.funding:
            yield from (part.start, part.end)
