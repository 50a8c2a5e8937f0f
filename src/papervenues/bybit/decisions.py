"""What a bot decides when it wakes up: a signed quantity, and why.

Contracts may be entered either way, added to, reduced, left or flipped; in hedge mode a flip is
an exit instead. Spot pairs are bought and sold again, never sold short. Options are bought or
written and mostly kept until they expire.
"""

from typing import NamedTuple

from papervenues.bybit.bots import GAINING_EXITS, LOSING_EXITS, Reason
from papervenues.bybit.slots import Slot
from papervenues.draws import Draws
from papervenues.market import Instrument

OPTION_EXIT_PERCENT = 30
OPTION_STEPS_MAX = 20
# Less than this much of a spot pair, in its quote coin, is dust and not worth an order.
DUST = 10


class Intent(NamedTuple):
    """What a bot decided: a signed quantity and the reason; a closing one may not cross zero."""

    signed: int
    reason: Reason
    closing: bool


class Scene(NamedTuple):
    """What a bot sees: the price now and a while later, and whether the end is near."""

    price: int
    ahead: int
    tail: bool


def decide(
    slot: Slot, instrument: Instrument, scene: Scene, *, hedged: bool, draws: Draws
) -> Intent | None:
    """The bot's next order, or None when it waits."""
    if instrument.category == "spot":
        return _decide_spot(slot, instrument, scene, draws=draws)
    if instrument.category == "option":
        return _decide_option(slot, instrument, scene, draws=draws)
    return _decide_contract(slot, instrument, scene, hedged=hedged, draws=draws)


def leave(slot: Slot, instrument: Instrument, *, price: int, draws: Draws) -> Intent:
    """Out of everything that is held."""
    exits = GAINING_EXITS if gains(slot, price) else LOSING_EXITS
    qty = abs(slot.hold) // instrument.hold_scale
    signed = -qty if slot.hold > 0 else qty
    return Intent(signed, exits[draws.below(len(exits))], closing=True)


def gains(slot: Slot, price: int) -> bool:
    """Whether the holding is worth more than it cost."""
    return price * slot.hold > (slot.cost if slot.hold > 0 else -slot.cost)


def is_dust(slot: Slot, instrument: Instrument, *, price: int) -> bool:
    """Whether a spot holding is too small to be sold."""
    units = slot.hold // instrument.hold_scale
    return units * price < DUST * instrument.value_scale


def _decide_contract(
    slot: Slot, instrument: Instrument, scene: Scene, *, hedged: bool, draws: Draws
) -> Intent:
    style, hold, price = slot.style, slot.hold, scene.price
    direction = 1 if hold > 0 else -1
    if hold == 0:
        slot.adds_left = draws.below(style.adds_max + 1)
        side = 1 if draws.percent(style.long_percent) else -1
        if draws.percent(style.insight_percent) and scene.ahead != price:
            side = 1 if scene.ahead > price else -1
        qty = side * _fresh_qty(slot, instrument, price=price, draws=draws)
        return Intent(qty, Reason.ENTRY, closing=False)
    if slot.adds_left and (scene.tail or draws.percent(40)):
        slot.adds_left -= 1
        qty = direction * _fresh_qty(slot, instrument, price=price, draws=draws)
        return Intent(qty, Reason.ADD, closing=False)
    if not hedged and draws.percent(style.flip_percent):
        slot.adds_left = draws.below(style.adds_max + 1)
        qty = -hold - direction * _fresh_qty(slot, instrument, price=price, draws=draws)
        return Intent(qty, Reason.REVERSAL, closing=False)
    part = _part(slot, instrument, scene, draws=draws)
    return part or leave(slot, instrument, price=price, draws=draws)


def _part(slot: Slot, instrument: Instrument, scene: Scene, *, draws: Draws) -> Intent | None:
    """Out of a part of what is held, now and then."""
    gaining = gains(slot, scene.price)
    step = instrument.qty_step
    held = abs(slot.hold) // instrument.hold_scale
    part = held * draws.between(20, 65) // 100 // step * step
    if part and (scene.tail or draws.percent(30)):
        reason = Reason.TAKE_PROFIT if gaining and draws.percent(60) else Reason.REDUCE
        return Intent(-part if slot.hold > 0 else part, reason, closing=True)
    return None


def _decide_spot(slot: Slot, instrument: Instrument, scene: Scene, *, draws: Draws) -> Intent:
    price = scene.price
    fresh = _fresh_qty(slot, instrument, price=price, draws=draws)
    if is_dust(slot, instrument, price=price):
        slot.adds_left = draws.below(slot.style.adds_max + 1)
        return Intent(fresh, Reason.ENTRY, closing=False)
    if slot.adds_left and (scene.tail or draws.percent(40)):
        slot.adds_left -= 1
        return Intent(fresh, Reason.ADD, closing=False)
    part = _part(slot, instrument, scene, draws=draws)
    return part or leave(slot, instrument, price=price, draws=draws)


def _decide_option(
    slot: Slot, instrument: Instrument, scene: Scene, *, draws: Draws
) -> Intent | None:
    if slot.hold:
        if not draws.percent(OPTION_EXIT_PERCENT):
            return None
        return leave(slot, instrument, price=scene.price, draws=draws)
    side = 1 if draws.percent(60) else -1
    qty = instrument.qty_step * draws.between(1, OPTION_STEPS_MAX)
    return Intent(side * qty, Reason.ENTRY, closing=False)


def _fresh_qty(slot: Slot, instrument: Instrument, *, price: int, draws: Draws) -> int:
    notional = draws.between(slot.style.notional_min, slot.style.notional_max)
    step = instrument.qty_step
    if instrument.is_inverse:
        return notional * int(10**instrument.qty_decimals) // step * step
    return max(step, notional * instrument.value_scale // price // step * step)
