"""Takes requests of a trading client: new orders, amendments, cancellations, stops, modes.

What is wrong is refused at once with the venue's code. What is accepted is acknowledged before
anything happens: the order arrives at the market a moment later, when time passes.
"""

from dataclasses import replace

from papervenues.bybit import live_margin, live_stops, order_codes
from papervenues.bybit.exchange import OrderTerms
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.live_working import Working
from papervenues.bybit.order_codes import wrong
from papervenues.bybit.order_rules import OrderRequest, StopTerms
from papervenues.bybit.vocabulary import (
    CREATE_TYPES,
    LIMIT,
    MARKET,
    NEW,
    STOP_ORDER_TYPES,
    TIMES_IN_FORCE,
    UNTRIGGERED,
)

BY_USER = "CancelByUser"
MARKET_REACH_PERCENT = 3
MIN_VALUE_E8 = 5 * 10**8
HEDGE_LEGS = {1: 1, 2: -1}


def take(account: LiveAccount, asked: OrderRequest) -> Working:
    """Accept an order, or refuse it."""
    instrument = account.instruments[asked.symbol]
    if asked.link_id and asked.link_id in account.links:
        raise order_codes.repeated_link(asked.category)
    if instrument.is_over(account.now_ms) or instrument.launch_ms > account.now_ms:
        raise wrong("symbol is not trading")
    price = account.price(asked.symbol)
    _check_mode(account, asked)
    asked = _sized(account, asked)
    _check_stops(asked.stops, side=asked.side, price=asked.price or price)
    _check_trigger(asked, price=price)
    if not _reduces(asked):
        _check_money(account, asked, price=price)
    return _accept(account, asked, price=price)


def cancel(account: LiveAccount, order: Working) -> None:
    """Cancel an open order."""
    if order.sibling is not None:
        order.sibling.sibling = None
    account.close(order, BY_USER)


def amend(
    account: LiveAccount,
    order: Working,
    *,
    qty: int,
    price: int,
    trigger_price: int,
    stops: StopTerms,
) -> None:
    """Change an open order; 0 leaves a part as it is."""
    orders = account.history.orders
    number = order.number
    filled = orders.qty[number] - order.left
    if qty and (qty <= filled or qty % account.instruments[order.symbol].qty_step):
        raise wrong("qty invalid")
    changes = (
        (qty or orders.qty[number], price or order.price, trigger_price or order.trigger_price),
        (orders.qty[number], order.price, order.trigger_price),
    )
    if changes[0] == changes[1] and not stops.any:
        raise wrong("The order remains unchanged as the parameters entered match the existing ones")
    if qty:
        orders.qty[number], order.left = qty, qty - filled
    if price and not order.is_market:
        orders.price[number] = order.price = price
        if order.phase == "resting":
            # A better price may take at once what it had to wait for.
            order.phase, order.due_ms = "arriving", account.now_ms
    if trigger_price and order.phase == "untriggered":
        orders.trigger_price[number] = order.trigger_price = trigger_price
    if stops.any:
        order.stops = stops
        orders.take_profit[number], orders.stop_loss[number] = stops.take_profit, stops.stop_loss
    account.mark(number, orders.status[number])


def set_position_stops(
    account: LiveAccount, symbol: int, leg: int, terms: StopTerms, *, cleared: frozenset[str]
) -> None:
    """Put stops on a position, or take them off."""
    held = account.exchange.held(symbol, leg)
    if held == 0:
        raise wrong("can not set tp/sl/ts for zero position")
    price = account.price(symbol)
    _check_stops(terms, side=1 if held > 0 else -1, price=price)
    if terms.active and (terms.active - price) * (1 if held > 0 else -1) <= 0:
        raise wrong("activePrice must be beyond the current price")
    removed = [live_stops.clear(account, symbol, leg, kind=kind) for kind in sorted(cleared)]
    unchanged = not terms.any and not any(removed)
    same = _same_stops(account, symbol, leg, terms)
    if unchanged or same:
        raise order_codes.unchanged_stops()
    live_stops.set_stops(account, symbol, leg, terms)


def _same_stops(account: LiveAccount, symbol: int, leg: int, terms: StopTerms) -> bool:
    if terms.is_partial or not terms.any:
        return False
    levels: dict[str, int] = {
        order.stop_kind: order.trailing or order.trigger_price
        for order in account.stops_of(symbol, leg)
        if not order.is_partial
    }
    wanted = {
        "take_profit": terms.take_profit,
        "stop_loss": terms.stop_loss,
        "trailing": terms.trailing,
    }
    return all(levels.get(kind) == level for kind, level in wanted.items() if level)


def _check_mode(account: LiveAccount, asked: OrderRequest) -> None:
    hedged = account.exchange.is_hedged(asked.symbol)
    if hedged != (asked.position_idx != 0):
        raise wrong("position idx not match position mode")


def _reduces(asked: OrderRequest) -> bool:
    if asked.reduce_only or asked.close_on_trigger:
        return True
    return asked.position_idx != 0 and HEDGE_LEGS[asked.position_idx] != asked.side


def _sized(account: LiveAccount, asked: OrderRequest) -> OrderRequest:
    """Check a reducing order against the position; a quantity of 0 closes it."""
    if not _reduces(asked) or asked.category == "spot":
        return asked
    held = account.exchange.held(asked.symbol, asked.position_idx)
    closable = max(0, -held * asked.side)
    if closable == 0 and not asked.trigger_price:
        raise order_codes.nothing_to_reduce()
    qty = min(asked.qty or closable, account.instruments[asked.symbol].qty_max)
    if not asked.trigger_price and not asked.close_on_trigger and asked.reduce_only:
        qty = min(qty, closable)
    if asked.position_idx and qty > closable:
        raise order_codes.nothing_to_reduce()
    return replace(asked, qty=qty, reduce_only=True)


def _check_stops(stops: StopTerms, *, side: int, price: int) -> None:
    if stops.take_profit and (stops.take_profit - price) * side <= 0:
        raise wrong("TakeProfit is on the wrong side of base_price")
    if stops.stop_loss and (stops.stop_loss - price) * side >= 0:
        raise wrong("StopLoss is on the wrong side of base_price")


def _check_trigger(asked: OrderRequest, *, price: int) -> None:
    if not asked.trigger_price or not asked.trigger_direction:
        return
    if (asked.trigger_price - price) * asked.trigger_direction <= 0:
        raise order_codes.wrong_side_of_trigger(rising=asked.trigger_direction > 0)


def _check_money(account: LiveAccount, asked: OrderRequest, *, price: int) -> None:
    instrument = account.instruments[asked.symbol]
    at_price = asked.price or asked.trigger_price or price
    if asked.quote_qty:
        value = asked.quote_qty * 10**8 // instrument.value_scale
    else:
        value = live_margin.value_in_dollars(account, instrument, asked.qty, price=at_price)
    if value < MIN_VALUE_E8 and asked.category in ("linear", "spot"):
        raise order_codes.value_too_small(asked.category)
    if asked.category == "spot":
        if not _has_coins(account, asked, value_e8=value):
            raise order_codes.short_of_balance(asked.category)
        return
    held = account.exchange.held(asked.symbol, asked.position_idx)
    opening = asked.qty - abs(held) if held * asked.side < 0 else asked.qty
    value = live_margin.value_in_dollars(account, instrument, max(0, opening), price=at_price)
    needed = value if asked.category == "option" else value // account.leverage_of(asked.symbol)
    if needed > live_margin.standing(account).free_e8:
        raise order_codes.short_of_balance(asked.category)


def _has_coins(account: LiveAccount, asked: OrderRequest, *, value_e8: int) -> bool:
    instrument = account.instruments[asked.symbol]
    coin = instrument.quote if asked.side > 0 else instrument.base
    needed = value_e8 if asked.side > 0 else asked.qty * instrument.hold_scale
    return live_margin.balance_e8(account, coin) >= needed


def _accept(account: LiveAccount, asked: OrderRequest, *, price: int) -> Working:
    waits = bool(asked.trigger_price)
    instrument = account.instruments[asked.symbol]
    direction = asked.trigger_direction
    if waits and not direction:
        direction = 1 if asked.trigger_price > price else -1
    quote_e8 = asked.quote_qty * 10**8 // instrument.value_scale
    reach = price * MARKET_REACH_PERCENT // 100
    limit = price + asked.side * reach if asked.is_market else asked.price
    in_force = TIMES_IN_FORCE.index(asked.time_in_force)
    number = account.open(
        OrderTerms(
            asked.symbol, asked.side, quote_e8 or asked.qty, limit,
            MARKET if asked.is_market else LIMIT,
            create_type=CREATE_TYPES.index("CreateByStopOrder" if waits else "CreateByUser"),
            stop_type=STOP_ORDER_TYPES.index(_stop_type(asked)), link_id=asked.link_id,
            status=UNTRIGGERED if waits else NEW, position_idx=asked.position_idx,
            time_in_force=in_force, reduce_only=asked.reduce_only,
            close_on_trigger=asked.close_on_trigger, is_leverage=asked.is_leverage,
            market_unit=2 if quote_e8 else 0,
            trigger_direction=(2 if direction < 0 else 1) if waits else 0,
            trigger_price=asked.trigger_price, base_price=price,
            take_profit=asked.stops.take_profit, stop_loss=asked.stops.stop_loss,
        )
    )  # fmt: skip
    order = Working(
        number=number, symbol=asked.symbol, side=asked.side, left=asked.qty, price=asked.price,
        is_market=asked.is_market, time_in_force=asked.time_in_force,
        position_idx=asked.position_idx, phase="untriggered" if waits else "arriving",
        due_ms=account.now_ms, link_id=asked.link_id, quote_left_e8=quote_e8,
        reduce_only=asked.reduce_only, trigger_price=asked.trigger_price,
        trigger_direction=direction, stops=asked.stops,
    )  # fmt: skip
    account.working[number] = order
    return order


def _stop_type(asked: OrderRequest) -> str:
    if not asked.trigger_price:
        return "UNKNOWN"
    return "tpslOrder" if asked.order_filter == "tpslOrder" else "Stop"
