"""Codes and texts with which the venue refuses an order."""

from papervenues.bybit.envelope import PARAMETERS, RefusalError

ORDER_MISSING = 110001
PRICE_OUT_OF_RANGE = 110003
BALANCE_SHORT = 110007
ORDER_FINISHED = 110008
REDUCE_ONLY = 110017
MODE_UNCHANGED = 110025
MODE_WITH_POSITION = 110024
MODE_WITH_ORDERS = 110028
LEVERAGE_UNCHANGED = 110043
LINK_REPEATED = 110072
RISE_EXPECTED = 110092
FALL_EXPECTED = 110093
VALUE_TOO_SMALL = 110094
STOPS_UNCHANGED = 34040
NOT_TRADING = 10027
SPOT_BALANCE_SHORT = 170131
SPOT_VALUE_TOO_SMALL = 170140
SPOT_LINK_REPEATED = 170141
SPOT_ORDER_MISSING = 170213


def wrong(text: str) -> RefusalError:
    """A refusal because of a parameter."""
    return RefusalError(PARAMETERS, f"params error: {text}")


def refused(code: int, text: str) -> RefusalError:
    """A refusal with a code of its own."""
    return RefusalError(code, text)


def missing_order(category: str) -> RefusalError:
    """No open order with that id."""
    if category == "spot":
        return RefusalError(SPOT_ORDER_MISSING, "Order does not exist.")
    return RefusalError(ORDER_MISSING, "order not exists or too late to cancel")


def repeated_link(category: str) -> RefusalError:
    """The client id was used before."""
    if category == "spot":
        return RefusalError(SPOT_LINK_REPEATED, "Duplicate clientOrderId.")
    return RefusalError(LINK_REPEATED, "OrderLinkedID is duplicate")


def short_of_balance(category: str) -> RefusalError:
    """Too little money."""
    if category == "spot":
        return RefusalError(SPOT_BALANCE_SHORT, "Insufficient balance.")
    return RefusalError(BALANCE_SHORT, "ab not enough for new order")


def value_too_small(category: str) -> RefusalError:
    """The order is worth too little."""
    if category == "spot":
        return RefusalError(SPOT_VALUE_TOO_SMALL, "Order value exceeded lower limit.")
    return RefusalError(VALUE_TOO_SMALL, "Order does not meet minimum order value 5USDT")


def nothing_to_reduce() -> RefusalError:
    """A reducing order without a position to reduce."""
    return RefusalError(REDUCE_ONLY, "current position is zero, cannot fix reduce-only order qty")


def wrong_side_of_trigger(*, rising: bool) -> RefusalError:
    """A trigger price that the market has passed already."""
    if rising:
        return RefusalError(RISE_EXPECTED, "expect Rising, but trigger_price <= current")
    return RefusalError(FALL_EXPECTED, "expect Falling, but trigger_price >= current")


def unchanged_stops() -> RefusalError:
    """Stops that are set already."""
    return RefusalError(STOPS_UNCHANGED, "not modified")
