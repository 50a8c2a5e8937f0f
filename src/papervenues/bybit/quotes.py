"""Rows of `/v5/market/tickers`, in the shape of each category."""

from papervenues.bybit.listings import Market, underlying_of
from papervenues.bybit.settings import DAY_MS, HOUR_MS
from papervenues.bybit.values import plain
from papervenues.market import Instrument, PricePath

FUNDING_MS = 8 * HOUR_MS
Row = dict[str, str]


def quote_row(market: Market, number: int, *, now_ms: int) -> Row:
    """The ticker of one instrument."""
    instrument, path = market.instruments[number], market.paths[number]
    row = _prices(instrument, path, now_ms=now_ms)
    if instrument.category == "spot":
        return row | {"usdIndexPrice": row["lastPrice"]}
    if instrument.category == "option":
        under = underlying_of(instrument)
        price = plain(market.paths[under].at(now_ms), market.instruments[under].price_decimals)
        return row | _option(row["lastPrice"], price)
    return row | _contract(instrument, path, now_ms=now_ms)


def _prices(instrument: Instrument, path: PricePath, *, now_ms: int) -> Row:
    def text(price: int) -> str:
        return plain(max(0, price), instrument.price_decimals)

    last, before = path.at(now_ms), path.at(now_ms - DAY_MS)
    tick = instrument.tick
    return {
        "symbol": instrument.symbol,
        "lastPrice": text(last),
        "prevPrice24h": text(before),
        "price24hPcnt": _change(last, before),
        "highPrice24h": text(max(last, before)),
        "lowPrice24h": text(min(last, before)),
        "turnover24h": "0",
        "volume24h": "0",
        "bid1Price": text(last - tick),
        "bid1Size": "1",
        "ask1Price": text(last + tick),
        "ask1Size": "1",
    }


def _change(last: int, before: int) -> str:
    return plain((last - before) * 10_000 // before, 4) if before else "0"


def _option(last: str, under: str) -> Row:
    return {
        "markPrice": last,
        "indexPrice": under,
        "underlyingPrice": under,
        "bid1Iv": "0",
        "ask1Iv": "0",
        "markIv": "0.5512",
        "openInterest": "0",
        "totalVolume": "0",
        "totalTurnover": "0",
        "delta": "0",
        "gamma": "0",
        "vega": "0",
        "theta": "0",
        "predictedDeliveryPrice": "0",
        "change24h": "0",
    }


def _contract(instrument: Instrument, path: PricePath, *, now_ms: int) -> Row:
    last = plain(path.at(now_ms), instrument.price_decimals)
    perpetual = instrument.contract.endswith("Perpetual")
    return {
        "indexPrice": last,
        "markPrice": last,
        "prevPrice1h": plain(path.at(now_ms - HOUR_MS), instrument.price_decimals),
        "openInterest": "0",
        "openInterestValue": "0",
        "fundingRate": "0.0001" if perpetual else "",
        "nextFundingTime": str((now_ms // FUNDING_MS + 1) * FUNDING_MS) if perpetual else "0",
        "fundingIntervalHour": "8" if perpetual else "",
        "fundingCap": "0.005" if perpetual else "",
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": str(instrument.delivery_ms),
        "basis": "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }
