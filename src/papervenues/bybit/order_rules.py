"""What a request for a new order must look like, and what it asks for.

`understood` reads the body of `/v5/order/create` by the venue's rules. It knows nothing of
positions or balances: what depends on them is checked when the order is taken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from papervenues.bybit.numbers_given import flag_of, number_of, text_of, word_of
from papervenues.bybit.order_codes import wrong
from papervenues.bybit.query import category_of
from papervenues.market import Instrument, instrument_number

Body = Mapping[str, object]
LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "PostOnly", "RPI")
ORDER_FILTERS = ("Order", "tpslOrder", "StopOrder")
SIDES = {"Buy": 1, "Sell": -1}


@dataclass(frozen=True, slots=True)
class StopTerms:
    """Take profit, stop loss and trailing stop of an order or of a position; 0 is none."""

    take_profit: int = 0
    stop_loss: int = 0
    is_partial: bool = False
    take_limit: int = 0
    stop_limit: int = 0
    trailing: int = 0
    active: int = 0
    qty: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.take_profit or self.stop_loss or self.trailing)


NO_STOPS = StopTerms()


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it was asked for: scaled integers, 0 where nothing was given."""

    symbol: int
    category: str
    side: int
    is_market: bool
    qty: int
    quote_qty: int
    price: int
    time_in_force: str
    position_idx: int
    link_id: str
    reduce_only: bool
    close_on_trigger: bool
    trigger_price: int
    trigger_direction: int
    order_filter: str
    is_leverage: bool
    stops: StopTerms


def symbol_of(body: Body, instruments: Sequence[Instrument]) -> int:
    """The instrument's number."""
    category = category_of({"category": text_of(body, "category")})
    number = instrument_number(tuple(instruments), category, text_of(body, "symbol"))
    if number is None:
        raise wrong("symbol invalid")
    return number


def understood(body: Body, instruments: Sequence[Instrument]) -> OrderRequest:
    """The order that a body asks for, or a refusal."""
    symbol = symbol_of(body, instruments)
    instrument = instruments[symbol]
    category, decimals = instrument.category, instrument.price_decimals
    is_market = word_of(body, "orderType", known=("Market", "Limit")) == "Market"
    side = SIDES[word_of(body, "side", known=tuple(SIDES))]
    in_quote = _counts_quote(body, category=category, is_market=is_market, side=side)
    qty = 0 if in_quote else number_of(body, "qty", decimals=instrument.qty_decimals)
    quote_qty = number_of(body, "qty", decimals=instrument.value_decimals) if in_quote else 0
    request = OrderRequest(
        symbol=symbol,
        category=category,
        side=side,
        is_market=is_market,
        qty=qty,
        quote_qty=quote_qty,
        price=0 if is_market else number_of(body, "price", decimals=decimals),
        time_in_force=_time_in_force(body, is_market=is_market),
        position_idx=_position_idx(body),
        link_id=link_id_of(body, required=category == "option"),
        reduce_only=flag_of(body, "reduceOnly"),
        close_on_trigger=flag_of(body, "closeOnTrigger"),
        trigger_price=number_of(body, "triggerPrice", decimals=decimals),
        trigger_direction={"": 0, "0": 0, "1": 1, "2": -1}[
            word_of(body, "triggerDirection", known=("", "0", "1", "2"))
        ],
        order_filter=word_of(body, "orderFilter", known=ORDER_FILTERS, default="Order"),
        is_leverage=text_of(body, "isLeverage") == "1",
        stops=stops_of(body, instrument),
    )
    _check(request, instrument)
    return request


def stops_of(body: Body, instrument: Instrument) -> StopTerms:
    """Take profit and stop loss as they stand in a body."""
    decimals = instrument.price_decimals
    mode = word_of(body, "tpslMode", known=("", "Full", "Partial"))
    sizes = {
        number_of(body, name, decimals=instrument.qty_decimals) for name in ("tpSize", "slSize")
    } - {0}
    if len(sizes) > 1:
        raise wrong("tpSize and slSize must be equal")
    return StopTerms(
        take_profit=number_of(body, "takeProfit", decimals=decimals),
        stop_loss=number_of(body, "stopLoss", decimals=decimals),
        is_partial=mode == "Partial",
        take_limit=_stop_limit(body, "tp", mode=mode, decimals=decimals),
        stop_limit=_stop_limit(body, "sl", mode=mode, decimals=decimals),
        trailing=number_of(body, "trailingStop", decimals=decimals),
        active=number_of(body, "activePrice", decimals=decimals),
        qty=sizes.pop() if sizes else 0,
    )


def link_id_of(body: Body, *, required: bool) -> str:
    """The client's id: letters, digits, dash and underscore, at most 36 of them."""
    link_id = text_of(body, "orderLinkId")
    if required and not link_id:
        raise wrong("orderLinkId is required")
    if link_id and LINK_ID.fullmatch(link_id) is None:
        raise wrong("orderLinkId invalid")
    return link_id


def _stop_limit(body: Body, kind: str, *, mode: str, decimals: int) -> int:
    if word_of(body, f"{kind}OrderType", known=("Market", "Limit"), default="Market") == "Market":
        return 0
    if mode != "Partial":
        raise wrong(f"{kind}OrderType Limit needs tpslMode Partial")
    limit = number_of(body, f"{kind}LimitPrice", decimals=decimals)
    if not limit:
        raise wrong(f"{kind}LimitPrice is required")
    return limit


def _counts_quote(body: Body, *, category: str, is_market: bool, side: int) -> bool:
    """A spot market Buy counts in the quote coin, unless it says otherwise."""
    unit = word_of(body, "marketUnit", known=("", "baseCoin", "quoteCoin"))
    if category != "spot" or not is_market:
        return False
    return unit == "quoteCoin" or (side > 0 and not unit)


def _time_in_force(body: Body, *, is_market: bool) -> str:
    given = word_of(body, "timeInForce", known=TIMES_IN_FORCE, default="GTC")
    # A market order never rests, whatever was asked for.
    return "IOC" if is_market else given


def _position_idx(body: Body) -> int:
    return int(word_of(body, "positionIdx", known=("0", "1", "2"), default="0"))


def _check(request: OrderRequest, instrument: Instrument) -> None:
    closes_all = request.reduce_only and request.close_on_trigger
    if not (request.qty or request.quote_qty or (closes_all and not request.qty)):
        raise wrong("qty invalid")
    if request.qty % instrument.qty_step or request.qty > instrument.qty_max:
        raise wrong("qty invalid")
    if not (request.is_market or request.price):
        raise wrong("price is required")
    if request.category == "spot" and (request.reduce_only or request.position_idx):
        raise wrong("reduceOnly and positionIdx are not for spot")
    if request.trigger_price and request.category == "option":
        raise wrong("options have no conditional orders")
    derivative = request.category in ("linear", "inverse")
    if request.trigger_price and derivative and not request.trigger_direction:
        raise wrong("triggerDirection is required")
    if request.category == "spot" and request.order_filter != "Order" and not request.trigger_price:
        raise wrong("triggerPrice is required")
    if request.stops.is_partial and not derivative:
        raise wrong("tpslMode is not for this category")
