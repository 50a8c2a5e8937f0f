"""An order and a fill before they are booked."""

from dataclasses import dataclass

from papervenues.bybit.history import NO_BOT, Orders
from papervenues.bybit.vocabulary import GTC, IOC, MARKET, NEW, NOT_CANCELLED, TRADE

# The venue's positionIdx: the one net position, or the legs of hedge mode.
NET, LONG, SHORT = range(3)


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """An order as the venue received or made it; prices of 0 mean none."""

    symbol: int
    side: int
    qty: int
    price: int
    order_type: int
    create_type: int = 0
    stop_type: int = 0
    bot: int = NO_BOT
    link_id: str = ""
    status: int = NEW
    position_idx: int = NET
    time_in_force: int = -1  # as the order type has it
    reduce_only: bool = False
    close_on_trigger: bool = False
    is_leverage: bool = False
    market_unit: int = 0
    trigger_direction: int = 0
    oco_trigger: int = 0
    trigger_price: int = 0
    base_price: int = 0
    take_profit: int = 0
    stop_loss: int = 0
    parent_link_id: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order, before the account's books give it closed size and fee.

    `fee_coin` is given when the account pays in another coin than the pair's own.
    """

    order: int
    qty: int
    price: int
    leaves: int
    rate_e8: int
    is_maker: bool
    exec_type: int = TRADE
    fee_coin: str = ""
    block_trade_id: str = ""


def append_order(orders: Orders, terms: OrderTerms, *, time_ms: int) -> int:
    """Write an order into the store; the answer is its number."""
    orders.symbol.append(terms.symbol)
    orders.side.append(terms.side)
    orders.order_type.append(terms.order_type)
    orders.create_type.append(terms.create_type)
    orders.stop_type.append(terms.stop_type)
    orders.bot.append(terms.bot)
    orders.price.append(terms.price)
    orders.qty.append(terms.qty)
    orders.link_id.append(terms.link_id)
    orders.time_ms.append(time_ms)
    orders.updated_ms.append(time_ms)
    orders.status.append(terms.status)
    orders.cancel_type.append(NOT_CANCELLED)
    in_force = IOC if terms.order_type == MARKET else GTC
    orders.time_in_force.append(in_force if terms.time_in_force < 0 else terms.time_in_force)
    orders.position_idx.append(terms.position_idx)
    orders.reduce_only.append(terms.reduce_only)
    orders.close_on_trigger.append(terms.close_on_trigger)
    orders.is_leverage.append(terms.is_leverage)
    orders.market_unit.append(terms.market_unit)
    orders.trigger_direction.append(terms.trigger_direction)
    orders.oco_trigger.append(terms.oco_trigger)
    orders.trigger_price.append(terms.trigger_price)
    orders.base_price.append(terms.base_price)
    orders.take_profit.append(terms.take_profit)
    orders.stop_loss.append(terms.stop_loss)
    orders.parent_link_id.append(terms.parent_link_id)
    return len(orders.qty) - 1
