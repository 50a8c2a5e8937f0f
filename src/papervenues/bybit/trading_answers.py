"""The endpoints that trade: orders, stops of positions, leverage and position mode."""

import msgspec

from papervenues.bybit import live_taking, live_trading, order_codes
from papervenues.bybit.asked import Asked, Route
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.live_working import Working
from papervenues.bybit.numbers_given import number_of, text_of, word_of
from papervenues.bybit.order_codes import wrong
from papervenues.bybit.order_rules import LINK_ID, stops_of, symbol_of, understood
from papervenues.bybit.query import category_of
from papervenues.market import Instrument

LEVERAGE_MAX = 100
MODES = {"0": False, "3": True}


def create(asked: Asked) -> bytes:
    """`/v5/order/create`."""
    account = _account(asked)
    order = live_taking.take(account, understood(asked.body, account.instruments))
    return _names(account, order)


def cancel(asked: Asked) -> bytes:
    """`/v5/order/cancel`."""
    account = _account(asked)
    order = _named(account, asked)
    live_taking.cancel(account, order)
    return _names(account, order)


def amend(asked: Asked) -> bytes:
    """`/v5/order/amend`."""
    account = _account(asked)
    order = _named(account, asked)
    instrument = account.instruments[order.symbol]
    live_taking.amend(
        account,
        order,
        qty=number_of(asked.body, "qty", decimals=instrument.qty_decimals),
        price=number_of(asked.body, "price", decimals=instrument.price_decimals),
        trigger_price=number_of(asked.body, "triggerPrice", decimals=instrument.price_decimals),
        stops=stops_of(asked.body, instrument),
    )
    return _names(account, order)


def cancel_all(asked: Asked) -> bytes:
    """`/v5/order/cancel-all`."""
    account = _account(asked)
    category = category_of({"category": text_of(asked.body, "category")})
    filters = [text_of(asked.body, name) for name in ("symbol", "baseCoin", "settleCoin")]
    if category == "linear" and not any(filters):
        raise wrong("symbol, baseCoin or settleCoin is required")
    symbol, base, settle = filters
    struck = []
    for order in list(account.working.values()):
        instrument = account.instruments[order.symbol]
        if (
            instrument.category == category
            and symbol in ("", instrument.symbol)
            and base in ("", instrument.base)
            and settle in ("", instrument.settle)
        ):
            live_taking.cancel(account, order)
            struck.append(order)
    listed = [_names_of(account, order) for order in struck]
    return msgspec.json.encode({"list": listed, "success": "1"})


def trading_stop(asked: Asked) -> bytes:
    """`/v5/position/trading-stop`: a price of 0 takes a stop off."""
    account = _account(asked)
    symbol, instrument = _derivative(account, asked)
    leg = int(word_of(asked.body, "positionIdx", known=("0", "1", "2"), default="0"))
    if account.exchange.is_hedged(symbol) != (leg != 0):
        raise wrong("position idx not match position mode")
    fields = {"takeProfit": "take_profit", "stopLoss": "stop_loss", "trailingStop": "trailing"}
    terms = stops_of(asked.body, instrument)
    cleared = frozenset(
        kind
        for name, kind in fields.items()
        if text_of(asked.body, name) and not getattr(terms, kind)
    )
    live_taking.set_position_stops(account, symbol, leg, terms, cleared=cleared)
    return b"{}"


def set_leverage(asked: Asked) -> bytes:
    """`/v5/position/set-leverage`."""
    account = _account(asked)
    symbol, _ = _derivative(account, asked)
    sides = {number_of(asked.body, f"{side}Leverage", decimals=2) for side in ("buy", "sell")}
    wanted = sides.pop() // 100
    if sides or not 1 <= wanted <= LEVERAGE_MAX:
        raise wrong("buyLeverage and sellLeverage must be equal, from 1 to 100")
    if account.leverage_of(symbol) == wanted:
        raise order_codes.refused(order_codes.LEVERAGE_UNCHANGED, "leverage not modified")
    account.set_leverage(symbol, wanted)
    return b"{}"


def switch_mode(asked: Asked) -> bytes:
    """`/v5/position/switch-mode`: 0 is one-way, 3 is hedge; only when flat."""
    account = _account(asked)
    hedged = MODES[word_of(asked.body, "mode", known=tuple(MODES))]
    coin = text_of(asked.body, "coin")
    if category_of({"category": text_of(asked.body, "category")}) != "linear":
        raise wrong("only linear contracts have a position mode")
    if text_of(asked.body, "symbol") or not coin:
        symbols = [symbol_of(asked.body, account.instruments)]
    else:
        symbols = [
            number
            for number, one in enumerate(account.instruments)
            if one.category == "linear" and one.settle == coin
        ]
    if all(account.exchange.is_hedged(symbol) == hedged for symbol in symbols):
        raise order_codes.refused(order_codes.MODE_UNCHANGED, "Position mode is not modified")
    for symbol in symbols:
        _check_flat(account, symbol)
    for symbol in symbols:
        account.exchange.switch_mode(symbol, hedged=hedged)
        asked.venue.is_hedged[asked.signer.account, symbol] = hedged
    return b"{}"


def _check_flat(account: LiveAccount, symbol: int) -> None:
    if any(account.exchange.held(symbol, leg) for leg in (0, 1, 2)):
        text = "You have an existing position, so position mode cannot be switched"
        raise order_codes.refused(order_codes.MODE_WITH_POSITION, text)
    if any(order.symbol == symbol for order in account.working.values()):
        text = "You have an existing order, so position mode cannot be switched"
        raise order_codes.refused(order_codes.MODE_WITH_ORDERS, text)


def _account(asked: Asked) -> LiveAccount:
    trading = live_trading.of(asked.venue)
    return trading.account(asked.signer.account, now_ms=asked.now_ms)


def _derivative(account: LiveAccount, asked: Asked) -> tuple[int, Instrument]:
    symbol = symbol_of(asked.body, account.instruments)
    instrument = account.instruments[symbol]
    if instrument.category not in ("linear", "inverse"):
        raise wrong("category only supports linear or inverse")
    return symbol, instrument


def _named(account: LiveAccount, asked: Asked) -> Working:
    """The open order that a request names; its id wins over the client's."""
    symbol = symbol_of(asked.body, account.instruments)
    order_id, link_id = text_of(asked.body, "orderId"), text_of(asked.body, "orderLinkId")
    if not (order_id or link_id):
        raise wrong("orderId or orderLinkId is required")
    if link_id and LINK_ID.fullmatch(link_id) is None:
        raise wrong("orderLinkId invalid")
    order = account.find(order_id, link_id)
    if order is None or order.symbol != symbol:
        raise order_codes.missing_order(account.instruments[symbol].category)
    return order


def _names(account: LiveAccount, order: Working) -> bytes:
    return msgspec.json.encode(_names_of(account, order))


def _names_of(account: LiveAccount, order: Working) -> dict[str, str]:
    return {"orderId": account.encoder.order_id(order.number), "orderLinkId": order.link_id}


TRADING_ROUTES: dict[tuple[str, str], Route] = {
    ("POST", f"/v5/{path}"): Route(answer, trading=True)
    for path, answer in {
        "order/create": create,
        "order/cancel": cancel,
        "order/amend": amend,
        "order/cancel-all": cancel_all,
        "position/trading-stop": trading_stop,
        "position/set-leverage": set_leverage,
        "position/switch-mode": switch_mode,
    }.items()
}
