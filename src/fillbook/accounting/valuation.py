"""What a coin was worth in a currency at an instant, as far as somebody stated it.

A price holds over a half-open interval. Of several that cover an instant, the one stated last
counts. The same interval stated again is stated anew; without a price it is taken back, and what
was stated before shows again. Nothing is carried forward, interpolated or turned round: without a
price there is no value.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush
from typing import overload

from fillbook.domain.money import EXACT
from fillbook.domain.statement import Price

_Interval = tuple[datetime, datetime]
_Stated = tuple[int, datetime, datetime, Decimal]  # place in the order stated, bounds, price


class Prices(Sequence[Price]):
    """Prices in the order stated, laid out so that looking one up is a search in a sorted list."""

    __slots__ = ("_laid", "_stated")

    def __init__(self, stated: Iterable[Price] = ()) -> None:
        self._stated = tuple(stated)
        self._laid = {pair: _laid(counting) for pair, counting in _counting(self._stated).items()}

    @classmethod
    def of(cls, stated: Sequence[Price]) -> "Prices":
        """The same prices laid out, unless they are already."""
        return stated if isinstance(stated, Prices) else cls(stated)

    @overload
    def __getitem__(self, index: int) -> Price: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Price]: ...
    def __getitem__(self, index: int | slice) -> Price | Sequence[Price]:
        return self._stated[index]

    def __len__(self) -> int:
        return len(self._stated)

    def price_of(self, coin: str, currency: str, at: datetime) -> Decimal | None:
        """What one coin was worth, or None when nobody said it."""
        laid = self._laid.get((coin, currency))
        if laid is None:
            return None
        starts, prices = laid
        place = bisect_right(starts, at) - 1
        return prices[place] if place >= 0 else None


def value_of(prices: Sequence[Price], coin: str, currency: str, at: datetime) -> Decimal | None:
    """What one coin was worth in a currency at an instant; None when nobody said it."""
    return Prices.of(prices).price_of(coin, currency, at) if prices else None


def valued(
    amount: Decimal | None, coin: str, *, currency: str, prices: Sequence[Price], at: datetime
) -> Decimal | None:
    """An amount of a coin in a currency, exactly; nothing of any coin is worth nothing."""
    if amount is None or coin == currency or not amount:
        return amount
    price = value_of(prices, coin, currency, at)
    return None if price is None else EXACT.multiply(amount, price)


def _counting(stated: Iterable[Price]) -> dict[tuple[str, str], list[_Stated]]:
    """The prices of each pair that were not taken back, each in the place where it stands."""
    last: dict[tuple[str, str], dict[_Interval, tuple[int, Decimal]]] = {}
    for place, said in enumerate(stated):
        intervals = last.setdefault((said.coin, said.currency), {})
        interval = (said.starts_at, said.ends_at)
        if said.price is None:
            intervals.pop(interval, None)
        else:
            intervals[interval] = (place, said.price)
    return {
        pair: [(place, *interval, price) for interval, (place, price) in intervals.items()]
        for pair, intervals in last.items()
    }


def _laid(stated: Sequence[_Stated]) -> tuple[list[datetime], list[Decimal | None]]:
    """Where the price changes, and what it is from there on."""
    starts: list[datetime] = []
    prices: list[Decimal | None] = []
    for at, price in _changes(stated):
        starts.append(at)
        prices.append(price)
    return starts, prices


def _changes(stated: Sequence[_Stated]) -> Iterator[tuple[datetime, Decimal | None]]:
    """Walk the bounds in order of time; the last stated price that is open leads."""
    bounds = sorted({at for _, starts_at, ends_at, _ in stated for at in (starts_at, ends_at)})
    waiting = sorted(stated, key=_starts_at, reverse=True)
    opened: list[tuple[int, datetime, Decimal]] = []  # the last stated one first
    for at in bounds:
        while waiting and _starts_at(waiting[-1]) == at:
            place, _, ends_at, price = waiting.pop()
            heappush(opened, (-place, ends_at, price))
        while opened and opened[0][1] <= at:
            heappop(opened)
        yield at, opened[0][2] if opened else None


def _starts_at(stated: _Stated) -> datetime:
    return stated[1]
