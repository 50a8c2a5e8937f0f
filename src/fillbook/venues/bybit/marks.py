"""What are the mark prices now? A contract without one is left out: none is not a price of 0.

The spot market has no mark price, there it is the last price. Options are asked for by base coin.
"""

from collections.abc import Iterable

import msgspec

from fillbook.domain import money
from fillbook.domain.instrument import Mark
from fillbook.venues.bybit.identity import CATEGORIES
from fillbook.venues.bybit.listings import read_listing
from fillbook.venues.bybit.session import Session

TICKERS_PATH = "/v5/market/tickers"


class _Ticker(msgspec.Struct):
    symbol: str
    markPrice: str = ""  # noqa: N815 - the venue's own spelling
    lastPrice: str = ""  # noqa: N815


_TICKER = msgspec.json.Decoder(_Ticker)


async def marks(session: Session, category: str, *, option_coins: Iterable[str]) -> list[Mark]:
    """The mark prices of a category; a scope that is none has no prices."""
    if category not in CATEGORIES:
        return []
    found: list[Mark] = []
    for words in _words(category, option_coins):
        for row in await read_listing(session, TICKERS_PATH, (("category", category), *words)):
            mark = read_mark(category, bytes(row))
            if mark is not None:
                found.append(mark)
    return found


def _words(category: str, option_coins: Iterable[str]) -> list[tuple[tuple[str, str], ...]]:
    if category != "option":
        return [()]
    return [(("baseCoin", coin),) for coin in option_coins]


def read_mark(category: str, body: bytes) -> Mark | None:
    """The price in one row; None when it names none."""
    try:
        ticker = _TICKER.decode(body)
        price = money.amount(ticker.lastPrice if category == "spot" else ticker.markPrice)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not ticker.symbol or price is None or price <= 0:
        return None
    return Mark(category, ticker.symbol, price)
