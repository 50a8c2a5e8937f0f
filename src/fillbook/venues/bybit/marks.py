"""What are the mark prices now? A contract without one is left out: none is not a price of 0."""

import msgspec

from fillbook.domain import money
from fillbook.domain.instrument import Mark
from fillbook.venues.bybit.listings import read_listing
from fillbook.venues.bybit.session import Session

TICKERS_PATH = "/v5/market/tickers"


class _Ticker(msgspec.Struct):
    symbol: str
    markPrice: str = ""  # noqa: N815 - the venue's own spelling


_TICKER = msgspec.json.Decoder(_Ticker)


async def marks(session: Session, category: str) -> list[Mark]:
    """The mark prices of a category."""
    rows = await read_listing(session, TICKERS_PATH, (("category", category),))
    read = (_mark(category, bytes(row)) for row in rows)
    return [mark for mark in read if mark is not None]


def _mark(category: str, body: bytes) -> Mark | None:
    try:
        ticker = _TICKER.decode(body)
        price = money.amount(ticker.markPrice)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not ticker.symbol or price is None or price <= 0:
        return None
    return Mark(category, ticker.symbol, price)
