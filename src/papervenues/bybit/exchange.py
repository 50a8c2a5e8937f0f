"""The true bookkeeping of one paper account: orders, fills, net positions, bots' holdings.

The account is in one-way mode. It has one net position a symbol, the sum of what its bots
hold, which is why it is seldom any bot's own position. Two rules keep that sum true:

- a bot's close never exceeds what the bot holds, unless the order is a deliberate flip;
- an order that the venue or a person made reduces the net position and never crosses zero.
  What it takes away is taken from the bots on the reduced side, oldest entry fill first.

Side is 1 for Buy and -1 for Sell; quantities of orders and fills are positive, holdings and
net positions are signed.
"""

from collections import deque
from dataclasses import dataclass, field

from papervenues.bybit.bots import Bot
from papervenues.bybit.history import (
    FUNDING,
    NO_BOT,
    NO_ORDER,
    TRADE,
    AccountHistory,
    Holding,
)
from papervenues.draws import Draws
from papervenues.market import INSTRUMENTS, PricePath

TAKER_RATE_E8 = 55_000
MAKER_RATE_E8 = 20_000
REBATE_RATE_E8 = -5_000
FIRST_SEQ = 4_688_002_127
SEQ_STEP_MAX = 900


@dataclass(slots=True, eq=False)
class Slot:
    """What one bot holds of one symbol."""

    bot_number: int
    bot: Bot
    symbol: int
    weight: int
    hold: int = 0
    cost: int = 0
    adds_left: int = 0
    lots: "deque[tuple[int, int]]" = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """An order as the venue received or made it."""

    symbol: int
    side: int
    qty: int
    price: int
    order_type: int
    create_type: int = 0
    stop_type: int = 0
    bot: int = NO_BOT
    link_id: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order, before the account's books give it closed size and fee."""

    order: int
    qty: int
    price: int
    leaves: int
    rate_e8: int
    is_maker: bool
    exec_type: int = TRADE


class Exchange:
    """Keeps the books of one account; every call is at or after the time of the last one."""

    def __init__(
        self,
        history: AccountHistory,
        *,
        paths: tuple[PricePath, ...],
        slots: tuple[Slot, ...],
        draws: Draws,
    ) -> None:
        self.history = history
        self.paths = paths
        self.net = [0] * len(INSTRUMENTS)
        self._slots_of = tuple(
            tuple(slot for slot in slots if slot.symbol == number)
            for number in range(len(INSTRUMENTS))
        )
        self._scale = [instrument.value_scale for instrument in INSTRUMENTS]
        self._seq = [FIRST_SEQ + draws.below(10**9) for _ in INSTRUMENTS]
        self._draws = draws
        self._lots_made = 0

    def order(self, terms: OrderTerms) -> int:
        """Accept an order; the answer is its number."""
        orders = self.history.orders
        orders.symbol.append(terms.symbol)
        orders.side.append(terms.side)
        orders.order_type.append(terms.order_type)
        orders.create_type.append(terms.create_type)
        orders.stop_type.append(terms.stop_type)
        orders.bot.append(terms.bot)
        orders.price.append(terms.price)
        orders.qty.append(terms.qty)
        orders.link_id.append(terms.link_id)
        return len(orders.qty) - 1

    def fill(self, fill: Fill, *, time_ms: int, slot: Slot | None) -> None:
        """Book one fill for a bot, or for nobody (then it only reduces the net position)."""
        symbol = self.history.orders.symbol[fill.order]
        side = self.history.orders.side[fill.order]
        net = self.net[symbol]
        closed = min(abs(net), fill.qty) if net * side < 0 else 0
        self.net[symbol] = net + side * fill.qty
        if slot is None:
            assert closed == fill.qty, "the venue never crosses zero"
            self._take_from_bots(symbol, side=side, qty=fill.qty)
        else:
            self._change_holding(slot, signed=side * fill.qty, price=fill.price)
        fee = _rounded(fill.qty * fill.price * fill.rate_e8, self._scale[symbol])
        self._append(symbol, fill, time_ms=time_ms, closed=closed, fee_e8=fee)

    def fund(self, symbol: int, *, time_ms: int, rate_e8: int) -> None:
        """Book the funding of one symbol's net position, if there is one."""
        net = self.net[symbol]
        if net == 0:
            return
        side = 1 if net > 0 else -1
        order = self.order(
            OrderTerms(symbol, side, qty=0, price=0, order_type=NO_ORDER, create_type=1)
        )
        price = self.paths[symbol].at(time_ms)
        fee = _rounded(net * price * rate_e8, self._scale[symbol])
        # The venue prints the rate with the sign of the payment and cut to six decimals.
        printed = abs(rate_e8) // 100 * 100 * (1 if fee >= 0 else -1)
        fill = Fill(order, abs(net), price, 0, printed, is_maker=False, exec_type=FUNDING)
        self._append(symbol, fill, time_ms=time_ms, closed=0, fee_e8=fee)

    def note_holdings(self, slots: tuple[Slot, ...]) -> None:
        """Write into the history what the bots hold at its end."""
        self.history.holdings_at_end.extend(
            Holding(slot.bot_number, slot.symbol, slot.hold) for slot in slots if slot.hold
        )

    def _append(self, symbol: int, fill: Fill, *, time_ms: int, closed: int, fee_e8: int) -> None:
        self._seq[symbol] += self._draws.between(1, SEQ_STEP_MAX)
        rows = self.history.executions
        rows.order.append(fill.order)
        rows.time_ms.append(time_ms)
        rows.seq.append(self._seq[symbol])
        rows.price.append(fill.price)
        rows.qty.append(fill.qty)
        rows.leaves.append(fill.leaves)
        rows.closed.append(closed)
        rows.fee_e8.append(fee_e8)
        rows.fee_rate_e8.append(fill.rate_e8)
        rows.mark.append(
            fill.price if fill.exec_type == FUNDING else self.paths[symbol].at(time_ms)
        )
        rows.exec_type.append(fill.exec_type)
        rows.is_maker.append(fill.is_maker)

    def _change_holding(self, slot: Slot, *, signed: int, price: int) -> None:
        if slot.hold * signed < 0:
            closing = min(abs(slot.hold), abs(signed))
            _shrink(slot, closing)
            signed += closing if signed < 0 else -closing
        if signed:
            slot.hold += signed
            slot.cost += abs(signed) * price
            slot.lots.append((self._lots_made, abs(signed)))
            self._lots_made += 1

    def _take_from_bots(self, symbol: int, *, side: int, qty: int) -> None:
        while qty:
            losers = [slot for slot in self._slots_of[symbol] if slot.hold * side < 0]
            slot = min(losers, key=lambda loser: loser.lots[0][0])
            taken = min(qty, slot.lots[0][1])
            _shrink(slot, taken)
            qty -= taken


def _shrink(slot: Slot, qty: int) -> None:
    """Take a quantity off a holding, oldest lots first; its cost shrinks in proportion."""
    held = abs(slot.hold)
    assert qty <= held, "a close never exceeds what the bot holds"
    slot.cost -= slot.cost * qty // held
    slot.hold += -qty if slot.hold > 0 else qty
    while qty:
        number, lot = slot.lots[0]
        if lot > qty:
            slot.lots[0] = (number, lot - qty)
            return
        slot.lots.popleft()
        qty -= lot


def _rounded(value_e8: int, scale: int) -> int:
    """Divide, and round half away from zero, as the venue prints its fees."""
    sign = -1 if value_e8 < 0 else 1
    return sign * ((abs(value_e8) * 2 + scale) // (2 * scale))
