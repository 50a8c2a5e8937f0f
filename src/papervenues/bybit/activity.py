"""Who trades what: the slots of an account's bots, and when each may be used.

By default each bot trades the linear perpetuals of its style. In a wide history the further
instruments are shared out in turn: two bots for one that stays, a single bot for one that is
delivered, so that nothing is held by anybody once it is over.
"""

from papervenues.bybit.bots import Bot
from papervenues.bybit.settings import HOUR_MS, MINUTE_MS, Settings
from papervenues.bybit.slots import Slot
from papervenues.market import INSTRUMENTS, SYMBOLS, Instrument

# Before the last entry nothing new is ordered, so that fills are over by then.
LAST_ORDER_MS = 15 * MINUTE_MS
# So long before its end a bot takes a last position in it, which it keeps.
LAST_ENTRY_MS = 20 * HOUR_MS
EXECUTIONS_AN_OPTION = 60
NOT_TRADED = frozenset({"MNTUSDT"})


def slots_of(
    settings: Settings, bots: tuple[Bot, ...], instruments: tuple[Instrument, ...]
) -> tuple[Slot, ...]:
    """All slots of one account."""
    slots: list[Slot] = []
    if "linear" in settings.categories:
        slots += [
            Slot(number, bot, symbol, INSTRUMENTS[symbol].weight)
            for number, bot in enumerate(bots)
            for symbol in (SYMBOLS.index(name) for name in bot.style.symbols)
        ]
    if settings.is_wide:
        slots += _wide(settings, bots, instruments)
    return tuple(slots)


def first_step_ms(instrument: Instrument, *, start_ms: int) -> int:
    """The first instant at which an instrument may be ordered."""
    return max(start_ms, instrument.launch_ms)


def may_order(instrument: Instrument, now: int) -> bool:
    """Whether it is not too late for an ordinary order."""
    return instrument.delivery_ms == 0 or now < last_entry_ms(instrument) - LAST_ORDER_MS


def last_entry_ms(instrument: Instrument) -> int:
    """When the position is taken that is kept until the delivery."""
    return instrument.delivery_ms - LAST_ENTRY_MS


def _wide(
    settings: Settings, bots: tuple[Bot, ...], instruments: tuple[Instrument, ...]
) -> list[Slot]:
    slots: list[Slot] = []
    options_left = settings.executions // settings.accounts // EXECUTIONS_AN_OPTION
    for symbol, instrument in enumerate(instruments):
        if symbol < len(INSTRUMENTS) or instrument.category not in settings.categories:
            continue
        if instrument.symbol in NOT_TRADED or instrument.launch_ms >= settings.end_ms:
            continue
        if 0 < instrument.delivery_ms <= settings.start_ms:
            continue
        if instrument.category == "option":
            options_left -= 1
            if options_left < 0:
                continue
        sharers = 1 if instrument.delivery_ms else min(2, len(bots))
        for place in range(sharers):
            number = (symbol + place) % len(bots)
            slots.append(Slot(number, bots[number], symbol, instrument.weight))
    return slots
