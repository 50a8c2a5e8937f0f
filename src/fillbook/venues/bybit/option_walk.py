"""How are executions of all options read as one history?

The venue lists executions of options for one base coin at a time and takes BTC when none is named.
So the coins are walked one after the other inside one window, and the cursor that is handed out
carries the coin before the venue's own cursor: ``ETH|132766%3A2``.

Which coins have options the venue does not list anywhere. The ones that are known today are always
walked; others are learnt from symbols that were met elsewhere, such as in the account's log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fillbook.errors import UsageError

BASE_COINS = ("BTC", "ETH", "SOL", "XRP", "MNT", "DOGE")
COINS_MAX = 100
_BETWEEN = "|"
_BASE_COIN = re.compile("([A-Z0-9]{1,20})-")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk over all options stands."""

    coin: str
    cursor: str | None  # the venue's own


class BaseCoins:
    """The base coins whose options one connection walks. A coin that is learnt comes last."""

    __slots__ = ("all",)

    def __init__(self) -> None:
        self.all: tuple[str, ...] = BASE_COINS

    def learn(self, symbols: Iterable[str]) -> None:
        """Walk the base coins of these options too."""
        found = (_BASE_COIN.match(symbol) for symbol in symbols)
        new = {match[1] for match in found if match}.difference(self.all)
        self.all = (*self.all, *sorted(new))[:COINS_MAX]

    def place_of(self, cursor: str | None) -> Place:
        """The place that a cursor names; the first coin's beginning without one."""
        if cursor is None:
            return Place(self.all[0], None)
        coin, between, rest = cursor.partition(_BETWEEN)
        if not between or coin not in self.all:
            raise UsageError("that cursor is not one of executions of options")
        return Place(coin, rest or None)

    def next_cursor(self, place: Place, cursor: str | None) -> str | None:
        """The cursor after a page: the coin's next page, else the next coin; None at the end."""
        if cursor is not None:
            return f"{place.coin}{_BETWEEN}{cursor}"
        after = self.all[self.all.index(place.coin) + 1 :]
        return f"{after[0]}{_BETWEEN}" if after else None
