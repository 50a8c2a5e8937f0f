"""Rows of `/v5/market/instruments-info`, in the shape of each category."""

from papervenues.bybit.values import plain
from papervenues.market import Instrument

Row = dict[str, object]
COIN_DECIMALS = 8


def instrument_row(instrument: Instrument, status: str) -> Row:
    """One instrument as the venue describes it."""
    if instrument.category == "spot":
        return _spot(instrument, status)
    row = _dated(instrument, status)
    return row | (_option(instrument) if instrument.category == "option" else _contract(instrument))


def _dated(instrument: Instrument, status: str) -> Row:
    tick = plain(instrument.tick, instrument.price_decimals)
    return {
        "symbol": instrument.symbol,
        "status": status,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "settleCoin": instrument.settle,
        "launchTime": str(instrument.launch_ms),
        "deliveryTime": str(instrument.delivery_ms),
        "deliveryFeeRate": _delivery_rate(instrument),
        "priceFilter": {
            "minPrice": tick,
            "maxPrice": plain(instrument.first_price * 20, instrument.price_decimals),
            "tickSize": tick,
        },
        "displayName": "",
    }


def _delivery_rate(instrument: Instrument) -> str:
    if instrument.category == "option":
        return "0.00015"
    return "0.00005" if instrument.contract.endswith("Futures") else ""


def _contract(instrument: Instrument) -> Row:
    step = plain(instrument.qty_step, instrument.qty_decimals)
    qty_max = plain(instrument.qty_max, instrument.qty_decimals)
    perpetual = instrument.contract.endswith("Perpetual")
    return {
        "contractType": instrument.contract,
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
        "lotSizeFilter": {
            "maxOrderQty": qty_max,
            "minOrderQty": step,
            "qtyStep": step,
            "maxMktOrderQty": plain(instrument.qty_max // 2, instrument.qty_decimals),
            "minNotionalValue": "" if instrument.is_inverse else "5",
            "postOnlyMaxOrderQty": qty_max,
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480 if perpetual else 0,
        "copyTrading": "both" if instrument.settle == "USDT" and perpetual else "none",
        "upperFundingRate": "0.005" if perpetual else "",
        "lowerFundingRate": "-0.005" if perpetual else "",
        "isPreListing": False,
        "preListingInfo": None,
        "symbolType": "",
    }


def _option(instrument: Instrument) -> Row:
    step = plain(instrument.qty_step, instrument.qty_decimals)
    return {
        "optionsType": instrument.option_type,
        "lotSizeFilter": {
            "maxOrderQty": plain(instrument.qty_max, instrument.qty_decimals),
            "minOrderQty": step,
            "qtyStep": step,
        },
    }


def _spot(instrument: Instrument, status: str) -> Row:
    step = plain(instrument.qty_step, instrument.qty_decimals)
    qty_max = plain(instrument.qty_max, instrument.qty_decimals)
    tick = plain(instrument.tick, instrument.price_decimals)
    quote_decimals = min(COIN_DECIMALS, instrument.value_decimals)
    return {
        "symbol": instrument.symbol,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "innovation": "0",
        "status": status,
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": step,
            "quotePrecision": plain(1, quote_decimals),
            "minOrderQty": step,
            "maxOrderQty": qty_max,
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": qty_max,
            "maxMarketOrderQty": qty_max,
        },
        "priceFilter": {"tickSize": tick},
        "riskParameters": {"priceLimitRatioX": "0.03", "priceLimitRatioY": "0.09"},
        "xstockMultiplier": "1",
    }
