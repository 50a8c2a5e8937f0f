"""How an order meets the market.

The market is the seeded path of prices. At each instant the best offer holds a certain depth;
what an order wants beyond it costs a little more, level by level. An order that arrives takes what
its kind allows; the rest of a GTC limit order rests until the price crosses it, and is then
filled at its own price, sometimes in two steps. A triggered order arrives at that instant.
"""

from papervenues.bybit import live_stops
from papervenues.bybit.exchange import Fill
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.live_working import Working
from papervenues.bybit.vocabulary import (
    CANCELLED,
    NEW,
    PARTIALLY_FILLED_CANCELED,
    TRIGGERED,
)

DEPTH_QUOTE = 200_000  # what one level holds, in whole units of the quote currency
LEVELS_MAX = 40
LEVEL_STEP_PPM = 200
MARKET_REACH_PPM = 30_000  # how far a market order may go from the best price
SPLIT_PERCENT = 40
PARTIAL_PERCENT = 25
REST_DELAY_MS_MAX = 5_000
MILLION = 1_000_000


def act(account: LiveAccount, order: Working) -> None:
    """Do what the market does to an order at the account's present time."""
    if order.number not in account.working:
        return
    if order.phase == "untriggered":
        _trigger(account, order)
    elif order.phase == "resting":
        _fill_resting(account, order)
        return
    if order.number in account.working:
        _arrive(account, order)


def _trigger(account: LiveAccount, order: Working) -> None:
    if order.sibling is not None:
        live_stops.drop_sibling(account, order)
    if order.stop_kind and not order.is_partial:
        order.left = account.closable(order)
        account.history.orders.qty[order.number] = order.left
    account.mark(order.number, TRIGGERED)
    order.phase, order.trigger_price, order.trailing = "arriving", 0, 0


def _arrive(account: LiveAccount, order: Working) -> None:
    price = account.price(order.symbol)
    if order.quote_left_e8:
        _count_quote(account, order, price=price)
    if _reduced_away(account, order):
        return
    crosses = order.is_market or (price - order.price) * order.side <= 0
    if order.time_in_force in ("PostOnly", "RPI") and crosses:
        account.close(order, "UNKNOWN")
        return
    levels = _levels(account, order, price=price) if crosses else []
    if order.time_in_force == "FOK" and sum(qty for qty, _ in levels) < order.left:
        levels = []
    taker = account.instruments[order.symbol].taker_e8
    for qty, at_price in levels:
        _book(account, order, qty=qty, price=at_price, rate_e8=taker, is_maker=False)
    if order.number not in account.working:
        return
    if order.is_market or order.time_in_force in ("IOC", "FOK"):
        _cancel_rest(account, order)
        return
    if not levels:
        account.mark(order.number, NEW)
    order.phase, order.due_ms = "resting", account.now_ms + 1


def _count_quote(account: LiveAccount, order: Working, *, price: int) -> None:
    """A market order in the quote coin buys what that buys now."""
    instrument = account.instruments[order.symbol]
    worth = order.quote_left_e8 * instrument.value_scale // (price * 10**8)
    order.left = worth // instrument.qty_step * instrument.qty_step
    order.quote_left_e8 = 0
    if not order.left:
        account.close(order, "UNKNOWN")


def _reduced_away(account: LiveAccount, order: Working) -> bool:
    """Shrink a reducing order to the position; true when nothing of it is left."""
    if not (order.reduce_only or order.stop_kind):
        return order.number not in account.working
    order.left = min(order.left, account.closable(order))
    if order.left == 0:
        account.close(order, "CancelByReduceOnly")
    return order.left == 0


def _levels(account: LiveAccount, order: Working, *, price: int) -> list[tuple[int, int]]:
    """What an order takes at once: quantities and prices, best first."""
    instrument = account.instruments[order.symbol]
    step, side = instrument.qty_step, order.side
    depth = max(step, _depth(account, order.symbol, price) // step * step)
    worst = price + side * (price * MARKET_REACH_PPM // MILLION)
    limit = worst if order.is_market else order.price
    taken: list[tuple[int, int]] = []
    left = order.left
    for level in range(LEVELS_MAX):
        at_price = price + side * (price * level * LEVEL_STEP_PPM // MILLION)
        at_price = max(instrument.tick, at_price // instrument.tick * instrument.tick)
        if left == 0 or (at_price - limit) * side > 0:
            break
        part = min(left, depth)
        taken += [(qty, at_price) for qty in _split(account, part, step=step)]
        left -= part
    return taken


def _depth(account: LiveAccount, symbol: int, price: int) -> int:
    instrument = account.instruments[symbol]
    if instrument.is_inverse:
        return int(DEPTH_QUOTE * 10**instrument.qty_decimals)
    return int(DEPTH_QUOTE * instrument.value_scale // max(1, price))


def _split(account: LiveAccount, qty: int, *, step: int) -> list[int]:
    """One fill, or two of different sizes."""
    steps = qty // step
    if steps < 2 or not account.draws.percent(SPLIT_PERCENT):
        return [qty]
    first = account.draws.between(1, steps - 1) * step
    return [first, qty - first]


def _fill_resting(account: LiveAccount, order: Working) -> None:
    if _reduced_away(account, order):
        return
    step = account.instruments[order.symbol].qty_step
    qty = order.left
    if qty // step > 1 and account.draws.percent(PARTIAL_PERCENT):
        qty = account.draws.between(1, qty // step - 1) * step
        order.due_ms = account.now_ms + account.draws.between(1, REST_DELAY_MS_MAX)
    maker = account.instruments[order.symbol].maker_e8
    for part in _split(account, qty, step=step):
        _book(account, order, qty=part, price=order.price, rate_e8=maker, is_maker=True)


def _book(
    account: LiveAccount, order: Working, *, qty: int, price: int, rate_e8: int, is_maker: bool
) -> None:
    order.left -= qty
    leaves = max(0, order.left)
    fill = Fill(order.number, qty, price, leaves, rate_e8, is_maker)
    account.exchange.fill(fill, time_ms=account.now_ms)
    account.note(order.number)
    if order.left == 0:
        account.working.pop(order.number, None)
    live_stops.after_fill(account, order, qty=qty)


def _cancel_rest(account: LiveAccount, order: Working) -> None:
    filled = order.left < account.history.orders.qty[order.number] and not order.quote_left_e8
    is_spot = account.instruments[order.symbol].category == "spot"
    status = PARTIALLY_FILLED_CANCELED if is_spot and filled else CANCELLED
    account.close(order, "UNKNOWN", status=status)
