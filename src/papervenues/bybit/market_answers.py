"""Public answers: time, tickers, instruments."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from papervenues.bybit.envelope import PARAMETERS, RefusalError
from papervenues.bybit.query import category_of, limit_of
from papervenues.bybit.rows import plain
from papervenues.bybit.settings import DAY_MS, HOUR_MS
from papervenues.market import INSTRUMENTS, Instrument, PricePath

INSTRUMENTS_DEFAULT = 500
INSTRUMENTS_MAX = 1000
FUNDING_MS = 8 * HOUR_MS
STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")


def server_time(now_ms: int) -> bytes:
    """`/v5/market/time`."""
    return b'{"timeSecond":"%d","timeNano":"%d"}' % (now_ms // 1000, now_ms * 1_000_000)


def tickers(query: Mapping[str, str], *, paths: tuple[PricePath, ...], now_ms: int) -> bytes:
    """`/v5/market/tickers`."""
    category = category_of(query)
    rows = [
        _ticker(instrument, path, now_ms=now_ms)
        for instrument, path in zip(INSTRUMENTS, paths, strict=True)
        if category == "linear" and _is_asked(instrument, query)
    ]
    if category == "linear" and query.get("symbol") and not rows:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    return msgspec.json.encode({"category": category, "list": rows})


def instruments_info(query: Mapping[str, str]) -> bytes:
    """`/v5/market/instruments-info`; spot has no cursor."""
    category = category_of(query)
    limit = limit_of(query, default=INSTRUMENTS_DEFAULT, maximum=INSTRUMENTS_MAX)
    if category == "spot":
        return msgspec.json.encode({"category": category, "list": []})
    status = query.get("status") or "Trading"
    if status not in STATUSES:
        raise RefusalError(PARAMETERS, "params error: status invalid")
    asked = [
        instrument
        for instrument in INSTRUMENTS
        if category == "linear" and status == "Trading" and _is_asked(instrument, query)
    ]
    first = _after(asked, query.get("cursor", ""))
    page = asked[first : first + limit]
    more = first + limit < len(asked)
    cursor = f"first={page[0].symbol}&last={page[-1].symbol}" if more else ""
    return msgspec.json.encode(
        {
            "category": category,
            "list": [_instrument(instrument) for instrument in page],
            "nextPageCursor": quote(cursor, safe=""),
        }
    )


def _is_asked(instrument: Instrument, query: Mapping[str, str]) -> bool:
    symbol, base = query.get("symbol", ""), query.get("baseCoin", "")
    return symbol in ("", instrument.symbol) and base in ("", instrument.base)


def _after(asked: list[Instrument], cursor: str) -> int:
    if not cursor:
        return 0
    last = cursor.rpartition("&last=")[2]
    symbols = [instrument.symbol for instrument in asked]
    if last not in symbols:
        raise RefusalError(PARAMETERS, "params error: cursor invalid")
    return symbols.index(last) + 1


def _instrument(instrument: Instrument) -> dict[str, object]:
    tick = plain(1, instrument.price_decimals)
    step = plain(instrument.qty_step, instrument.qty_decimals)
    return {
        "symbol": instrument.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": instrument.base,
        "quoteCoin": "USDT",
        "launchTime": str(instrument.launch_ms),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": tick,
            "maxPrice": plain(instrument.first_price * 20, instrument.price_decimals),
            "tickSize": tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": plain(instrument.qty_max, instrument.qty_decimals),
            "minOrderQty": step,
            "qtyStep": step,
            "maxMktOrderQty": plain(instrument.qty_max // 2, instrument.qty_decimals),
            "minNotionalValue": "5",
            "postOnlyMaxOrderQty": plain(instrument.qty_max, instrument.qty_decimals),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": "USDT",
        "copyTrading": "both",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "displayName": "",
        "symbolType": "",
    }


def _ticker(instrument: Instrument, path: PricePath, *, now_ms: int) -> dict[str, str]:
    def text(price: int) -> str:
        return plain(price, instrument.price_decimals)

    last = path.at(now_ms)
    return {
        "symbol": instrument.symbol,
        "lastPrice": text(last),
        "indexPrice": text(last),
        "markPrice": text(last),
        "prevPrice24h": text(path.at(now_ms - DAY_MS)),
        "price24hPcnt": "0",
        "highPrice24h": text(max(last, path.at(now_ms - DAY_MS))),
        "lowPrice24h": text(min(last, path.at(now_ms - DAY_MS))),
        "prevPrice1h": text(path.at(now_ms - HOUR_MS)),
        "openInterest": "0",
        "openInterestValue": "0",
        "turnover24h": "0",
        "volume24h": "0",
        "fundingRate": "0.0001",
        "nextFundingTime": str((now_ms // FUNDING_MS + 1) * FUNDING_MS),
        "fundingIntervalHour": "8",
        "fundingCap": "0.005",
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "ask1Size": "1",
        "bid1Price": text(last - 1),
        "ask1Price": text(last + 1),
        "bid1Size": "1",
        "basis": "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }
