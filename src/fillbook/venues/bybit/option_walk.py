"""How are executions of all options read as one history?

The venue lists executions of options for one base coin at a time and takes BTC when none is named.
So the coins are walked one after the other inside one window, and the cursor that is handed out
carries the coin before the venue's own cursor: ``ETH|132766%3A2``.
"""

from dataclasses import dataclass

from fillbook.errors import UsageError

BASE_COINS = ("BTC", "ETH", "SOL", "XRP", "MNT", "DOGE")
_BETWEEN = "|"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk over all options stands."""

    coin: str
    cursor: str | None  # the venue's own


def place_of(cursor: str | None) -> Place:
    """The place that a cursor names; the first coin's beginning without one."""
    if cursor is None:
        return Place(BASE_COINS[0], None)
    coin, between, rest = cursor.partition(_BETWEEN)
    if not between or coin not in BASE_COINS:
        raise UsageError("that cursor is not one of executions of options")
    return Place(coin, rest or None)


def next_cursor(place: Place, cursor: str | None) -> str | None:
    """The cursor after a page: the coin's next page, else the next coin; None at the end."""
    if cursor is not None:
        return f"{place.coin}{_BETWEEN}{cursor}"
    after = BASE_COINS[BASE_COINS.index(place.coin) + 1 :]
    return f"{after[0]}{_BETWEEN}" if after else None
