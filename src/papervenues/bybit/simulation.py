"""Plays an account's months: bots that trade, funding, the venue's own orders.

Events wait in a heap ordered by time. At one instant funding comes first, since it is paid on
the position before any fill of that millisecond; then fills, then bots' decisions, then the
venue. The pace is steered: each decision looks at the executions that are still wanted and
the time that is left, so that the total comes out right whatever chance did before.
"""

import heapq
from itertools import count
from typing import NamedTuple

from papervenues.bybit import bursts
from papervenues.bybit.bots import GAINING_EXITS, LOSING_EXITS, Bot, ClientIds, Reason, bots_of
from papervenues.bybit.exchange import (
    MAKER_RATE_E8,
    REBATE_RATE_E8,
    TAKER_RATE_E8,
    Exchange,
    Fill,
    OrderTerms,
    Slot,
)
from papervenues.bybit.history import LIMIT, MARKET, AccountHistory, CashEvent
from papervenues.bybit.pace import Pace
from papervenues.bybit.settings import DAY_MS, HOUR_MS, Settings
from papervenues.bybit.venue_orders import VENUE_ACTIONS, VenueAction, venue_orders_wanted
from papervenues.draws import Draws
from papervenues.market import INSTRUMENTS, SYMBOLS, PricePath

FUNDING_MS = 8 * HOUR_MS
FIRST_DEPOSIT_E8 = 1_000_000 * 10**8
FIRST_EVENT, FILL_EVENT, STEP_EVENT, VENUE_EVENT = range(4)
INSIGHT_MS = 2 * HOUR_MS  # how far insight reaches: about as long as a position is held
MAKER_DELAY_MS_MAX = 40_000
FLAT_RETRY_MS = 10 * 60_000
# How many fills an order gets, each as likely as it is often written here.
FILLS_AN_ORDER = (1,) * 40 + (2,) * 20 + (3,) * 14 + (4,) * 9 + (5,) * 6 + (6,) * 5 + (7, 8) * 3


class Planned(NamedTuple):
    """A fill that will happen, unless what it would close is gone by then."""

    fill: Fill
    slot: Slot | None
    closing: bool
    last: bool


class Intent(NamedTuple):
    """What a bot decided: a signed quantity and the reason; a closing one may not cross zero."""

    signed: int
    reason: Reason
    closing: bool


def play(settings: Settings, *, account: int, paths: tuple[PricePath, ...]) -> AccountHistory:
    """The whole history of one account."""
    bots = bots_of(settings.bots)
    history = AccountHistory(
        seed=settings.seed,
        user_id=settings.user_id(account),
        bots=tuple(bot.name for bot in bots),
    )
    history.cash.append(CashEvent(settings.start_ms, "TRANSFER_IN", FIRST_DEPOSIT_E8))
    if settings.executions_of(account) and bots:
        _Simulation(settings, account=account, history=history, bots=bots, paths=paths).run()
    return history


class _Simulation:
    def __init__(
        self,
        settings: Settings,
        *,
        account: int,
        history: AccountHistory,
        bots: tuple[Bot, ...],
        paths: tuple[PricePath, ...],
    ) -> None:
        self.settings = settings
        self.end_ms = settings.end_ms
        self.paths = paths
        self.draws = Draws("account", settings.seed, account)
        self.slots = _slots(bots)
        self.exchange = Exchange(history, paths=paths, slots=self.slots, draws=self.draws)
        self.ids = ClientIds(self.draws)
        self.pace = Pace(
            wanted=settings.executions_of(account),
            start_ms=settings.start_ms,
            end_ms=settings.end_ms,
            weights=sum(slot.weight for slot in self.slots),
        )
        self.bursts = bursts.Plan.of(settings, account=account)
        self.venue_wanted = venue_orders_wanted(settings.executions_of(account))
        self.venue_done = 0
        self._heap: list[tuple[int, int, int, Planned | Slot | None]] = []
        self._ticket = count().__next__

    def run(self) -> None:
        start = self.settings.start_ms
        self._push(start + FUNDING_MS - start % FUNDING_MS, FIRST_EVENT, None)
        for slot in self.slots:
            self._next_step(slot, start)
        if self.venue_wanted:
            self._push(start + self._venue_gap(), VENUE_EVENT, None)
        while self._heap:
            now, kind, _, subject = heapq.heappop(self._heap)
            if now >= self.end_ms:
                break
            if isinstance(subject, Planned):
                self._fill(subject, now)
            elif isinstance(subject, Slot):
                self._step(subject, now)
            elif kind == FIRST_EVENT:
                self._fund(now)
            else:
                self._venue_acts(now)
        self.exchange.note_holdings(self.slots)

    def _push(self, time_ms: int, kind: int, subject: Planned | Slot | None) -> None:
        heapq.heappush(self._heap, (time_ms, kind, self._ticket(), subject))

    def _venue_gap(self) -> int:
        return 1 + self.draws.below(2 * self.settings.days * DAY_MS // (self.venue_wanted + 1))

    def _fund(self, now: int) -> None:
        for symbol in range(len(INSTRUMENTS)):
            rate_e8 = self.draws.between(-9_000, 16_000)
            if self.exchange.net[symbol]:
                self.exchange.fund(symbol, time_ms=now, rate_e8=rate_e8)
                self.pace.spend(1)
        self._push(now + FUNDING_MS, FIRST_EVENT, None)

    def _fill(self, planned: Planned, now: int) -> None:
        fill, slot = planned.fill, planned.slot
        qty = fill.qty
        if planned.closing:
            qty = min(qty, self._closable(fill.order, slot))
        if qty:
            if qty != fill.qty:
                fill = Fill(
                    fill.order, qty, fill.price, fill.leaves + fill.qty - qty,
                    fill.rate_e8, fill.is_maker, fill.exec_type,
                )  # fmt: skip
            self.exchange.fill(fill, time_ms=now, slot=slot)
        else:
            self.pace.spend(-1)
        if planned.last and slot is not None:
            self._next_step(slot, now)

    def _closable(self, order: int, slot: Slot | None) -> int:
        """How much an order may still close: of the bot's holding, or of the net position."""
        orders = self.exchange.history.orders
        held = self.exchange.net[orders.symbol[order]] if slot is None else slot.hold
        return max(0, -held * orders.side[order])

    def _next_step(self, slot: Slot, now: int) -> None:
        gap = self.pace.gap(now, slot.weight, holding=slot.hold != 0, draws=self.draws)
        self._push(now + gap, STEP_EVENT, slot)

    def _step(self, slot: Slot, now: int) -> None:
        price = self.paths[slot.symbol].at(now)
        if self.pace.exhausted(now):
            # Nothing new is begun, but a position is not left to pay funding for weeks.
            if slot.hold and not self.pace.in_tail(now):
                self._send(slot, self._exit(slot, price=price), now=now, price=price)
            else:
                self._next_step(slot, now)
            return
        if self.bursts.strikes(slot, now=now, room=self.pace.room(now)):
            self.pace.spend(
                bursts.play(
                    self.exchange, slot, now=now, price=price, ids=self.ids, draws=self.draws,
                )
            )  # fmt: skip
            self._next_step(slot, now)
            return
        tail = self.pace.in_tail(now)
        intent = self._decide(slot, price=price, ahead=self._ahead(slot, now), tail=tail)
        self._send(slot, intent, now=now, price=price)

    def _ahead(self, slot: Slot, now: int) -> int:
        """The price a while later. A bot without any insight would only lose its fees."""
        return self.paths[slot.symbol].at(min(now + INSIGHT_MS, self.end_ms))

    def _decide(self, slot: Slot, *, price: int, ahead: int, tail: bool) -> Intent:
        draws, style, hold = self.draws, slot.bot.style, slot.hold
        direction = 1 if hold > 0 else -1
        if hold == 0:
            slot.adds_left = draws.below(style.adds_max + 1)
            side = 1 if draws.percent(style.long_percent) else -1
            if draws.percent(style.insight_percent) and ahead != price:
                side = 1 if ahead > price else -1
            return Intent(side * self._fresh_qty(slot, price), Reason.ENTRY, closing=False)
        if slot.adds_left and (tail or draws.percent(40)):
            slot.adds_left -= 1
            qty = direction * self._fresh_qty(slot, price)
            return Intent(qty, Reason.ADD, closing=False)
        if draws.percent(style.flip_percent):
            slot.adds_left = draws.below(style.adds_max + 1)
            qty = -hold - direction * self._fresh_qty(slot, price)
            return Intent(qty, Reason.REVERSAL, closing=False)
        gaining = _gains(slot, price)
        step = INSTRUMENTS[slot.symbol].qty_step
        part = abs(hold) * draws.between(20, 65) // 100 // step * step
        if part and (tail or draws.percent(30)):
            reason = Reason.TAKE_PROFIT if gaining and draws.percent(60) else Reason.REDUCE
            return Intent(-direction * part, reason, closing=True)
        return self._exit(slot, price=price)

    def _exit(self, slot: Slot, *, price: int) -> Intent:
        exits = GAINING_EXITS if _gains(slot, price) else LOSING_EXITS
        return Intent(-slot.hold, exits[self.draws.below(len(exits))], closing=True)

    def _fresh_qty(self, slot: Slot, price: int) -> int:
        style, instrument = slot.bot.style, INSTRUMENTS[slot.symbol]
        notional = self.draws.between(style.notional_min, style.notional_max)
        step = instrument.qty_step
        return max(step, notional * instrument.value_scale // price // step * step)

    def _send(self, slot: Slot, intent: Intent, *, now: int, price: int) -> None:
        draws = self.draws
        side, qty = (1, intent.signed) if intent.signed > 0 else (-1, -intent.signed)
        limit = draws.percent(slot.bot.style.maker_percent)
        # A market order carries the worst price that the venue would accept for it.
        limit_price = price - side * (price * draws.below(30) // 100_000)
        order = self.exchange.order(
            OrderTerms(
                symbol=slot.symbol,
                side=side,
                qty=qty,
                price=limit_price if limit else price + side * (price * 3 // 100),
                order_type=LIMIT if limit else MARKET,
                bot=slot.bot_number,
                link_id=self.ids.write(slot.bot.name, reason=intent.reason, time_ms=now),
            )
        )
        parts = self._parts(qty, INSTRUMENTS[slot.symbol].qty_step)
        self.pace.spend(len(parts))
        patience = min(MAKER_DELAY_MS_MAX, 1 + self.pace.mean_gap(now, slot.weight) // 8)
        at, left = now, qty
        for number, part in enumerate(parts):
            is_maker = limit and not draws.percent(5)
            at += self._delay(first=number == 0, limit=limit, patience=patience)
            left -= part
            slip = price * draws.below(40) // 100_000
            fill = Fill(
                order=order,
                qty=part,
                price=limit_price if limit else price + side * slip,
                leaves=left,
                rate_e8=self._rate(is_maker=is_maker),
                is_maker=is_maker,
            )
            last = number == len(parts) - 1
            self._push(at, FILL_EVENT, Planned(fill, slot, intent.closing, last))

    def _delay(self, *, first: bool, limit: bool, patience: int) -> int:
        if limit:
            same = not first and self.draws.percent(30)
            return 0 if same else 1 + self.draws.below(patience)
        if first:
            return 1 + self.draws.below(60)
        return 0 if self.draws.percent(65) else 1 + self.draws.below(25)

    def _rate(self, *, is_maker: bool) -> int:
        if not is_maker:
            return TAKER_RATE_E8
        return REBATE_RATE_E8 if self.draws.percent(15) else MAKER_RATE_E8

    def _parts(self, qty: int, step: int) -> list[int]:
        steps = qty // step
        wanted = min(FILLS_AN_ORDER[self.draws.below(len(FILLS_AN_ORDER))], steps)
        parts = []
        for still in range(wanted, 1, -1):
            part = min(1 + self.draws.below(2 * steps // still), steps - still + 1)
            parts.append(part * step)
            steps -= part
        parts.append(steps * step)
        return parts

    def _venue_acts(self, now: int) -> None:
        open_symbols = [number for number, net in enumerate(self.exchange.net) if net]
        if not open_symbols:
            self._push(now + FLAT_RETRY_MS, VENUE_EVENT, None)
            return
        symbol = open_symbols[self.draws.below(len(open_symbols))]
        action = VENUE_ACTIONS[self.venue_done % len(VENUE_ACTIONS)]
        self._send_for_venue(symbol, action, now=now)
        self.venue_done += 1
        if self.venue_done < self.venue_wanted:
            self._push(now + self._venue_gap(), VENUE_EVENT, None)

    def _send_for_venue(self, symbol: int, action: VenueAction, *, now: int) -> None:
        net, step = self.exchange.net[symbol], INSTRUMENTS[symbol].qty_step
        side = -1 if net > 0 else 1
        share = self.draws.between(action.percent_min, action.percent_max)
        qty = max(step, abs(net) * share // 100 // step * step)
        price = self.paths[symbol].at(now)
        order = self.exchange.order(action.terms(symbol, side=side, qty=qty, price=price))
        parts = self._parts(qty, step)
        self.pace.spend(len(parts))
        at, left = now, qty
        for part in parts:
            at += 0 if self.draws.percent(50) else 1 + self.draws.below(15)
            left -= part
            fill = Fill(
                order, part, price + side * self.draws.below(1 + price // 2_000), left,
                action.rate_e8, is_maker=False, exec_type=action.exec_type,
            )  # fmt: skip
            self._push(at, FILL_EVENT, Planned(fill, None, closing=True, last=False))


def _gains(slot: Slot, price: int) -> bool:
    return price * slot.hold > (slot.cost if slot.hold > 0 else -slot.cost)


def _slots(bots: tuple[Bot, ...]) -> tuple[Slot, ...]:
    return tuple(
        Slot(number, bot, symbol, INSTRUMENTS[symbol].weight)
        for number, bot in enumerate(bots)
        for symbol in (SYMBOLS.index(name) for name in bot.style.symbols)
    )
