"""Spot orders with a trigger: take profit or stop loss of what was bought, or one of both.

They carry no client id, and spot rows have no create type. Which of the two an order was
follows from its trigger price against its base price, the price when it was placed; of an
order of the kind "one cancels the other" from what triggered it.
"""

from dataclasses import replace

from papervenues.bybit.history import NO_BOT
from papervenues.bybit.slots import Slot
from papervenues.bybit.terms import OrderTerms
from papervenues.bybit.values import E8
from papervenues.bybit.vocabulary import MARKET, OCO_TRIGGERS, STOP_ORDER_TYPES
from papervenues.draws import Draws

STOP_PERCENT, OCO_PERCENT = 35, 15
MNT_PERCENT = 12
MNT_KEPT_E8 = 1_000 * E8  # below this, fees are no longer paid in it
TPSL = STOP_ORDER_TYPES.index("tpslOrder")
TWO_WAY = STOP_ORDER_TYPES.index("BidirectionalTpslOrder")
OCO = STOP_ORDER_TYPES.index("OcoOrder")


def spot_stop(terms: OrderTerms, slot: Slot, *, price: int, draws: Draws) -> OrderTerms | None:
    """The sale as an order with a trigger, now and then; None when it stays a plain one."""
    chance = draws.below(100)
    if chance >= STOP_PERCENT + OCO_PERCENT:
        return None
    is_oco = chance >= STOP_PERCENT
    base = slot.cost // slot.hold
    if base == price:
        base -= 1
    gained = price > base
    kind = OCO if is_oco else TPSL if draws.percent(70) else TWO_WAY
    return replace(
        terms,
        price=0,
        order_type=MARKET,
        stop_type=kind,
        bot=NO_BOT,
        link_id="",
        market_unit=1,
        trigger_price=price,
        base_price=base,
        trigger_direction=1 if gained else 2,
        oco_trigger=OCO_TRIGGERS.index("OcoTriggerByTp" if gained else "OcoTriggerBySl") * is_oco,
    )


def mnt_pays(left_e8: int, *, draws: Draws) -> bool:
    """Whether an order's fees are paid in MNT."""
    return left_e8 > MNT_KEPT_E8 and draws.percent(MNT_PERCENT)
