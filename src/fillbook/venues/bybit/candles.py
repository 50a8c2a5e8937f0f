"""What did a price do in a stretch of time? Candles, oldest first, each once.

The venue answers the newest rows of what it is asked for, so a stretch is asked for in pieces that
fit into one answer. The last candle may still be under way. Options have no candles.
"""

from datetime import timedelta

import msgspec

from fillbook.domain.observed import Candle
from fillbook.domain.window import Window, milliseconds
from fillbook.errors import UsageError, VenueUnavailable
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread
from fillbook.venues.bybit.session import Question, Session, is_word

CANDLES_PATH = "/v5/market/kline"
ROWS_PER_PAGE = 1_000
PAGES_MAX = 200
CATEGORIES = ("linear", "inverse", "spot")
INTERVALS = {
    **{timedelta(minutes=n): str(n) for n in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    timedelta(days=1): "D",
}

_Row = list[str]


class _Listing(msgspec.Struct):
    list: list[_Row]
    symbol: str | None = None


async def candles(
    session: Session, category: str, symbol: str, *, interval: timedelta, window: Window
) -> list[Candle]:
    """The candles that begin in a window."""
    is_symbol = symbol and is_word(symbol)
    if category not in CATEGORIES or interval not in INTERVALS or not is_symbol:
        raise UsageError(f"Bybit has no candles of {interval} for {category} {symbol}")
    if window.length > interval * ROWS_PER_PAGE * PAGES_MAX:
        raise UsageError(f"that is more than {PAGES_MAX} pages of candles: ask for less")
    found: dict[str, Candle] = {}
    at = window.starts_at
    while at < window.ends_at:
        piece = Window(at, min(window.ends_at, at + interval * (ROWS_PER_PAGE - 1)))
        question = _question(category, symbol, interval, piece)
        for row in await session.ask(question, lambda result: _read(result, symbol)):
            candle = _candle(category, symbol, row)
            if window.starts_at <= candle.starts_at < window.ends_at:
                found[row[0]] = candle
        at = piece.ends_at
    return sorted(found.values(), key=lambda candle: candle.starts_at)


def _question(category: str, symbol: str, interval: timedelta, piece: Window) -> Question:
    words = (
        ("category", category),
        ("symbol", symbol),
        ("interval", INTERVALS[interval]),
        ("start", str(milliseconds(piece.starts_at))),
        ("end", str(milliseconds(piece.ends_at))),
        ("limit", str(ROWS_PER_PAGE)),
    )
    return Question(CANDLES_PATH, words, signed=False)


def _read(result: msgspec.Raw, symbol: str) -> list[_Row]:
    try:
        listing = msgspec.json.decode(result, type=_Listing)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        listing = None
    if listing is None or listing.symbol not in (None, "", symbol):
        raise VenueUnavailable("Bybit's answer carries no such candles; try again later")
    return listing.list


def _candle(category: str, symbol: str, row: _Row) -> Candle:
    try:
        start, *told = row
        open_, high, low, close, volume, turnover = (
            fields.needed_not_negative(one, "a candle's figure") for one in told
        )
        return Candle(
            category=category,
            symbol=symbol,
            starts_at=fields.needed_time(start, "a candle's start"),
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            turnover=turnover,
        )
    except (Unread, ValueError):
        raise VenueUnavailable("Bybit's candles cannot be read; try again later") from None
