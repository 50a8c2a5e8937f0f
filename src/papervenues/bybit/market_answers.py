"""Public answers: time, tickers, instruments, candles, for all categories.

A `status` filter defaults to `Trading`, so that delisted symbols vanish unless they are asked
for as `Closed`. Options default to the base coin BTC. Spot has no cursor.
"""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from papervenues.bybit import candles, quotes
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.instrument_rows import instrument_row
from papervenues.bybit.listings import Market
from papervenues.bybit.query import CATEGORIES, category_of, limit_of, whole_number
from papervenues.market import Instrument, instrument_number

INSTRUMENTS_DEFAULT = 500
INSTRUMENTS_MAX = 1000
CANDLES_DEFAULT = 200
CANDLES_MAX = 1000
OPTION_BASE_DEFAULT = "BTC"
STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")


def server_time(now_ms: int) -> bytes:
    """`/v5/market/time`."""
    return b'{"timeSecond":"%d","timeNano":"%d"}' % (now_ms // 1000, now_ms * 1_000_000)


def tickers(query: Mapping[str, str], *, market: Market, now_ms: int) -> Listing:
    """`/v5/market/tickers`; what is over or not yet there has none."""
    category = category_of(query)
    if category == "option" and not (query.get("symbol") or query.get("baseCoin")):
        raise RefusalError(PARAMETERS, "params error: symbol or baseCoin is required")
    rows = [
        quotes.quote_row(market, number, now_ms=now_ms)
        for number, instrument in enumerate(market.instruments)
        if instrument.category == category
        and _is_asked(instrument, query)
        and status_of(instrument, now_ms) == "Trading"
    ]
    if query.get("symbol") and not rows:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    encoded = [msgspec.json.encode(row) for row in rows]
    return Listing(encoded, None, head={"category": category})


def instruments_info(
    query: Mapping[str, str], *, instruments: tuple[Instrument, ...], now_ms: int
) -> Listing:
    """`/v5/market/instruments-info`."""
    category = category_of(query)
    limit = limit_of(query, default=INSTRUMENTS_DEFAULT, maximum=INSTRUMENTS_MAX)
    status = query.get("status") or "Trading"
    if status not in STATUSES:
        raise RefusalError(PARAMETERS, "params error: status invalid")
    base = OPTION_BASE_DEFAULT if category == "option" and not query.get("symbol") else ""
    asked = [
        instrument
        for instrument in instruments
        if instrument.category == category
        and _is_asked(instrument, query, base_default=base)
        and (status == status_of(instrument, now_ms) or _named(instrument, query))
    ]
    paged = category != "spot"
    first = _after(asked, query.get("cursor", "")) if paged else 0
    page = asked[first : first + limit] if paged else asked
    more = paged and first + limit < len(asked)
    cursor = f"first={page[0].symbol}&last={page[-1].symbol}" if more else ""
    return Listing(
        [msgspec.json.encode(instrument_row(one, status_of(one, now_ms))) for one in page],
        quote(cursor, safe="") if paged else None,
        head={"category": category},
    )


def kline(query: Mapping[str, str], *, market: Market, now_ms: int) -> Listing:
    """`/v5/market/kline`: newest first, the candle that contains `start` included."""
    category = query.get("category") or "linear"
    if category not in CATEGORIES or category == "option":
        raise RefusalError(PARAMETERS, "params error: category invalid")
    symbol = query.get("symbol", "")
    number = instrument_number(market.instruments, category, symbol)
    if number is None:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    interval = query.get("interval", "")
    if interval not in candles.INTERVALS_MS:
        raise RefusalError(PARAMETERS, "params error: interval invalid")
    limit = limit_of(query, default=CANDLES_DEFAULT, maximum=CANDLES_MAX)
    start, end = whole_number(query, "start"), whole_number(query, "end")
    rows = candles.candles_of(
        market.instruments[number],
        market.paths[number],
        candles.Span(candles.INTERVALS_MS[interval], start, end, limit, now_ms),
    )
    encoded = [msgspec.json.encode(row) for row in rows]
    return Listing(encoded, None, head={"category": category, "symbol": symbol})


def status_of(instrument: Instrument, now_ms: int) -> str:
    """The instrument's status at an instant."""
    if instrument.is_over(now_ms):
        return "Closed"
    return "Trading" if now_ms >= instrument.launch_ms else "PreLaunch"


def _named(instrument: Instrument, query: Mapping[str, str]) -> bool:
    # Asked by name, what is over is shown whatever its status, unless one is asked for.
    return not query.get("status") and query.get("symbol") == instrument.symbol


def _is_asked(instrument: Instrument, query: Mapping[str, str], *, base_default: str = "") -> bool:
    symbol, base = query.get("symbol", ""), query.get("baseCoin", "") or base_default
    return symbol in ("", instrument.symbol) and base in ("", instrument.base)


def _after(asked: list[Instrument], cursor: str) -> int:
    if not cursor:
        return 0
    last = cursor.rpartition("&last=")[2]
    symbols = [instrument.symbol for instrument in asked]
    if last not in symbols:
        raise RefusalError(PARAMETERS, "params error: cursor invalid")
    return symbols.index(last) + 1
