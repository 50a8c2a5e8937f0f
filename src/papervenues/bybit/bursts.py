"""Bursts of fills in one millisecond: the history fault `same_ms_burst`.

A burst is a bot's order that flips or opens its position in 101 to 300 fills, and often a
second one that goes back the other way, all in one millisecond. The venue's sequence numbers
of a burst are all equal, or shuffled, so that only closed sizes tell the order. All fills of
one order have one price: what closed sizes cannot tell apart makes no difference to figures.
"""

from dataclasses import dataclass

from papervenues.bybit.bots import ClientIds, Reason
from papervenues.bybit.exchange import TAKER_RATE_E8, Exchange
from papervenues.bybit.settings import Settings
from papervenues.bybit.slots import Slot
from papervenues.bybit.terms import LONG, NET, SHORT, Fill, OrderTerms
from papervenues.bybit.vocabulary import MARKET
from papervenues.draws import Draws, hits
from papervenues.faults import Fault
from papervenues.market import Instrument

FAULT_NAME = "same_ms_burst"
FILLS_MIN = 101
FILLS_MAX = 300


@dataclass(slots=True)
class Plan:
    """Which orders become bursts."""

    faults: tuple[Fault, ...]
    seed: int
    account: int
    asked: int = 0

    @classmethod
    def of(cls, settings: Settings, *, account: int) -> "Plan":
        """The plan of one account."""
        return cls(settings.faults.named(FAULT_NAME), settings.seed, account)

    def strikes(self, instrument: Instrument, *, now: int, room: int) -> bool:
        """Whether the order that this bot would send now becomes a burst."""
        if not self.faults or room < FILLS_MAX:
            return False
        self.asked += 1
        symbol = instrument.symbol
        return any(
            fault.covers(symbol=symbol, start_ms=now, end_ms=now)
            and hits(self.seed, FAULT_NAME, self.account, self.asked, share_ppm=fault.share_ppm)
            for fault in self.faults
        )


def play(
    exchange: Exchange,
    slot: Slot,
    *,
    now: int,
    price: int,
    ids: ClientIds,
    draws: Draws,
    exactly: int = 0,
) -> int:
    """Book a burst at this instant; the answer is its number of fills.

    A burst of exactly so many fills is one order, and its sequence numbers stay as they are.
    """
    if exactly:
        _burst_order(exchange, slot, fills=exactly, now=now, price=price, ids=ids, draws=draws)
        return exactly
    fills = draws.between(FILLS_MIN, FILLS_MAX)
    back = draws.between(fills // 4, fills // 2) if draws.percent(50) else 0
    first = len(exchange.history)
    _burst_order(exchange, slot, fills=fills - back, now=now, price=price, ids=ids, draws=draws)
    if back:
        _burst_order(exchange, slot, fills=back, now=now, price=price, ids=ids, draws=draws)
    _hide_order(exchange, first=first, equal=draws.percent(50), draws=draws)
    return fills


def _burst_order(
    exchange: Exchange,
    slot: Slot,
    *,
    fills: int,
    now: int,
    price: int,
    ids: ClientIds,
    draws: Draws,
) -> None:
    step = exchange.instruments[slot.symbol].qty_step
    hedged = exchange.is_hedged(slot.symbol)
    side = 1 if slot.hold < 0 or (slot.hold == 0 and draws.percent(50)) else -1
    fresh = step * fills * draws.between(1, 4)
    # In hedge mode nothing flips: the way back is a plain exit.
    closing = hedged and slot.hold != 0
    qty = abs(slot.hold) + (0 if closing else fresh)
    reason = Reason.EXIT if closing else Reason.REVERSAL if slot.hold else Reason.ENTRY
    leg = NET if not hedged else LONG if (side > 0) != closing else SHORT
    order = exchange.order(
        OrderTerms(
            symbol=slot.symbol,
            side=side,
            qty=qty,
            price=price + side * (price * 3 // 100),
            order_type=MARKET,
            bot=slot.bot_number,
            position_idx=leg,
            link_id=ids.write(slot.name, reason=reason, time_ms=now),
        ),
        time_ms=now,
    )
    for still in range(fills, 0, -1):
        steps = qty // step
        part = steps if still == 1 else min(1 + draws.below(2 * steps // still), steps - still + 1)
        qty -= part * step
        fill = Fill(order, part * step, price, qty, TAKER_RATE_E8, is_maker=False)
        exchange.fill(fill, time_ms=now, slot=slot)


def _hide_order(exchange: Exchange, *, first: int, equal: bool, draws: Draws) -> None:
    """Rewrite the burst's sequence numbers so that they no longer tell the order."""
    seq = exchange.history.executions.seq
    numbers = list(seq[first:])
    if equal:
        numbers = [numbers[-1]] * len(numbers)
    else:
        for high in range(len(numbers) - 1, 0, -1):
            low = draws.below(high + 1)
            numbers[high], numbers[low] = numbers[low], numbers[high]
    for offset, number in enumerate(numbers):
        seq[first + offset] = number
