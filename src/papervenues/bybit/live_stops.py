"""Take profits, stop losses and trailing stops of positions, and of spot orders.

A stop of a position is an open order of its own: untriggered, reducing, closing at the market
(or, in the partial mode, at a limit). A full stop follows the size of the position; there is
one of each kind. When the position is flat they are cleared. A stop that came with an order
bears the order's client id as its parent. A spot order's pair cancel each other.
"""

from papervenues.bybit.exchange import OrderTerms
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.live_working import StopKind, Working
from papervenues.bybit.order_rules import StopTerms
from papervenues.bybit.vocabulary import (
    CREATE_TYPES,
    DEACTIVATED,
    LIMIT,
    MARKET,
    OCO_TRIGGERS,
    STOP_ORDER_TYPES,
    UNTRIGGERED,
)

_CREATE = {
    ("take_profit", False): ("CreateByTakeProfit", "TakeProfit"),
    ("take_profit", True): ("CreateByPartialTakeProfit", "PartialTakeProfit"),
    ("stop_loss", False): ("CreateByStopLoss", "StopLoss"),
    ("stop_loss", True): ("CreateByPartialStopLoss", "PartialStopLoss"),
    ("trailing", False): ("CreateByTrailingStop", "TrailingStop"),
    ("trailing", True): ("CreateByTrailingStop", "TrailingStop"),
}
CLEARED = "CancelByTpSlTsClear"
_OCO = {
    "take_profit": ("OcoTriggerByTp", "CancelByOCOSlCanceledByTpTriggered"),
    "stop_loss": ("OcoTriggerBySl", "CancelByOCOTpCanceledBySlTriggered"),
}


def set_stops(
    account: LiveAccount, symbol: int, leg: int, terms: StopTerms, *, parent: str = ""
) -> None:
    """Put stops on a position; a full one replaces the one of its kind."""
    held = account.exchange.held(symbol, leg)
    if held == 0:
        return
    qty = min(terms.qty or abs(held), abs(held)) if terms.is_partial else abs(held)
    wanted: list[tuple[StopKind, int, int]] = [
        ("take_profit", terms.take_profit, terms.take_limit),
        ("stop_loss", terms.stop_loss, terms.stop_limit),
        ("trailing", terms.trailing, 0),
    ]
    made = []
    for kind, level, limit in wanted:
        if not level:
            continue
        if not terms.is_partial:
            clear(account, symbol, leg, kind=kind)
        made.append(
            _add(account, symbol, leg, kind=kind, level=level, limit=limit, qty=qty,
                 is_partial=terms.is_partial, active=terms.active, parent=parent)
        )  # fmt: skip
    if terms.is_partial and len(made) > 1:
        made[0].sibling, made[1].sibling = made[1], made[0]


def clear(account: LiveAccount, symbol: int, leg: int, *, kind: str = "") -> bool:
    """Take stops off a position: the full one of a kind, or all; true when there was one."""
    found = [
        order
        for order in account.stops_of(symbol, leg)
        if not kind or (order.stop_kind == kind and not order.is_partial)
    ]
    for order in found:
        account.close(order, CLEARED, status=DEACTIVATED)
    return bool(found)


def after_fill(account: LiveAccount, order: Working, *, qty: int) -> None:
    """What follows from a fill: stops that came with the order, stops of a closed position."""
    if account.instruments[order.symbol].category == "spot":
        if order.left == 0 and order.stops.any:
            _spot_pair(account, order)
        return
    leg = order.position_idx
    held = account.exchange.held(order.symbol, leg)
    if held == 0 or (held * order.side > 0 and abs(held) <= qty):
        # Flat, or flipped: what guarded the old position is gone.
        if not order.stops_set:
            clear(account, order.symbol, leg)
    else:
        _follow_size(account, order.symbol, leg)
    ready = order.left == 0 if order.stops.is_partial else not order.stops_set
    if order.stops.any and ready and held * order.side > 0:
        order.stops_set = True
        set_stops(account, order.symbol, leg, order.stops, parent=order.link_id)


def drop_sibling(account: LiveAccount, order: Working) -> None:
    """One of a pair is triggered: the other one goes."""
    other, order.sibling = order.sibling, None
    if other is None:
        return
    other.sibling = None
    if order.oco_word:
        word, reason = _OCO[order.oco_word]
        for one in (order, other):
            account.history.orders.oco_trigger[one.number] = OCO_TRIGGERS.index(word)
        account.close(other, reason)
        return
    account.close(other, CLEARED, status=DEACTIVATED)


def _follow_size(account: LiveAccount, symbol: int, leg: int) -> None:
    held = account.exchange.held(symbol, leg)
    for order in account.stops_of(symbol, leg):
        if not order.is_partial and order.phase == "untriggered":
            order.left = abs(held)
            account.history.orders.qty[order.number] = abs(held)


def _add(
    account: LiveAccount, symbol: int, leg: int, *, kind: StopKind, level: int, limit: int,
    qty: int, is_partial: bool, active: int, parent: str,
) -> Working:  # fmt: skip
    held = account.exchange.held(symbol, leg)
    side = -1 if held > 0 else 1
    price = account.price(symbol)
    rising = (kind == "take_profit") == (held > 0)
    trigger = active if kind == "trailing" else level
    direction = (1 if held > 0 else -1) if kind == "trailing" else (1 if rising else -1)
    create, stop = _CREATE[kind, is_partial]
    number = account.open(
        OrderTerms(
            symbol, side, qty, limit, LIMIT if limit else MARKET,
            create_type=CREATE_TYPES.index(create), stop_type=STOP_ORDER_TYPES.index(stop),
            status=UNTRIGGERED, position_idx=leg, reduce_only=True, close_on_trigger=True,
            trigger_direction=2 if direction < 0 else 1, trigger_price=trigger,
            base_price=price, parent_link_id=parent,
        )
    )  # fmt: skip
    order = Working(
        number=number, symbol=symbol, side=side, left=qty, price=limit,
        is_market=not limit, time_in_force="GTC", position_idx=leg, phase="untriggered",
        due_ms=account.now_ms, reduce_only=True, stop_kind=kind, is_partial=is_partial,
    )  # fmt: skip
    if kind == "trailing":
        order.trailing, order.peak, order.active_price = level, price, active
        order.trigger_direction = direction
    else:
        order.trigger_price, order.trigger_direction = level, direction
    account.working[number] = order
    return order


def _spot_pair(account: LiveAccount, parent: Working) -> None:
    """Two spot orders that sell what was bought, of which one cancels the other."""
    terms, price = parent.stops, account.price(parent.symbol)
    instrument = account.instruments[parent.symbol]
    qty = account.history.orders.qty[parent.number]
    if parent.side > 0:
        # The fee was taken from what was bought.
        have = account.exchange.spot_held(parent.symbol) // instrument.hold_scale
        qty = min(qty, have) // instrument.qty_step * instrument.qty_step
    made = []
    for kind, level in (("take_profit", terms.take_profit), ("stop_loss", terms.stop_loss)):
        if not level or not qty:
            continue
        made.append(_spot_stop(account, parent, kind, level=level, qty=qty, price=price))
    if len(made) == 2:
        made[0].sibling, made[1].sibling = made[1], made[0]


def _spot_stop(
    account: LiveAccount, parent: Working, kind: str, *, level: int, qty: int, price: int
) -> Working:
    side, direction = -parent.side, 1 if level > price else -1
    number = account.open(
        OrderTerms(
            parent.symbol, side, qty, 0, MARKET, stop_type=STOP_ORDER_TYPES.index("OcoOrder"),
            status=UNTRIGGERED, trigger_price=level, base_price=price,
            parent_link_id=parent.link_id,
        )
    )  # fmt: skip
    order = Working(
        number=number, symbol=parent.symbol, side=side, left=qty, price=0, is_market=True,
        time_in_force="GTC", position_idx=0, phase="untriggered", due_ms=account.now_ms,
        trigger_price=level, trigger_direction=direction,
        oco_word=kind,
    )  # fmt: skip
    account.working[number] = order
    return order
