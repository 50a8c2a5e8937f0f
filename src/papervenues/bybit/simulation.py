"""Plays an account's months: bots that trade, funding, the venue's own orders.

Events wait in a heap ordered by time. At one instant funding and deliveries come first, since
funding is paid on the position before any fill of that millisecond; then fills, then bots'
decisions, then the venue. The pace is steered: each decision looks at the executions that are
still wanted and the time that is left, so that the total comes out right whatever chance did
before.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from papervenues.bybit import activity, bursts, fixed_times, movements
from papervenues.bybit.bots import Bot, ClientIds, Reason, bots_of
from papervenues.bybit.decisions import Intent, Scene, decide, is_dust, leave
from papervenues.bybit.exchange import MAKER_RATE_E8, REBATE_RATE_E8, TAKER_RATE_E8, Exchange
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.history_faults import SPARSE_HELD_MS, HistoryFaults, sparse_times
from papervenues.bybit.listings import Market
from papervenues.bybit.pace import Pace
from papervenues.bybit.self_trades import may_meet, meet
from papervenues.bybit.settings import DAY_MS, HOUR_MS, Settings
from papervenues.bybit.slots import Slot
from papervenues.bybit.splitting import parts_of, pause_of
from papervenues.bybit.spot_stops import mnt_pays, spot_stop
from papervenues.bybit.terms import LONG, NET, SHORT, Fill, OrderTerms
from papervenues.bybit.venue_orders import VenueAction, VenueTurns
from papervenues.bybit.vocabulary import BY_REDUCE_ONLY, LIMIT, MARKET, STOP_ORDER_TYPES
from papervenues.draws import Draws
from papervenues.market import INSTRUMENTS, PricePath

FIRST_EVENT, FILL_EVENT, STEP_EVENT, VENUE_EVENT = range(4)
INSIGHT_MS = 2 * HOUR_MS  # how far insight reaches: about as long as a position is held
MAKER_DELAY_MS_MAX = 40_000
FLAT_RETRY_MS = 10 * 60_000
# From this instant the venue names the coin of fees on derivatives' rows.
FEE_COINS_FROM_MS = 1_758_153_600_000
NO_STOP_TYPE = STOP_ORDER_TYPES.index("")


class Planned(NamedTuple):
    """A fill that will happen, unless what it would close is gone by then.

    After the last fill of an order the slot `then`, if any, goes on.
    """

    fill: Fill
    slot: Slot | None
    closing: bool
    last: bool
    then: Slot | None


class Occasion(NamedTuple):
    """Something that is due at an instant."""

    act: Callable[[int], None]


def play(settings: Settings, *, account: int, market: Market) -> AccountHistory:
    """The whole history of one account."""
    bots = bots_of(settings.bots)
    history = AccountHistory(
        seed=settings.seed,
        user_id=settings.user_id(account),
        bots=tuple(bot.name for bot in bots),
        instruments=market.instruments,
        is_hedged=settings.hedge,
        fee_coins_from_ms=FEE_COINS_FROM_MS if settings.is_wide else 0,
    )
    history.cash.extend(movements.movements_of(settings, account=account))
    if settings.executions_of(account) and bots:
        _Simulation(settings, account=account, history=history, bots=bots, market=market).run()
    return history


class _Simulation:
    def __init__(
        self,
        settings: Settings,
        *,
        account: int,
        history: AccountHistory,
        bots: tuple[Bot, ...],
        market: Market,
    ) -> None:
        self.settings = settings
        self.end_ms = settings.end_ms
        self.paths: tuple[PricePath, ...] = market.paths
        self.instruments = market.instruments
        self.draws = Draws("account", settings.seed, account)
        self.more_draws = Draws("wide account", settings.seed, account)
        self.slots = activity.slots_of(settings, bots, market.instruments)
        self.exchange = Exchange(history, paths=market.paths, slots=self.slots, draws=self.draws)
        self.ids = ClientIds(self.draws)
        self.pace = Pace(
            wanted=settings.executions_of(account),
            start_ms=settings.start_ms,
            end_ms=settings.end_ms,
            weights=sum(slot.weight for slot in self.slots),
        )
        self.bursts = bursts.Plan.of(settings, account=account)
        self.faults = HistoryFaults.of(settings, account=account)
        self.turns = VenueTurns.of(settings, executions=settings.executions_of(account))
        self.mnt_left_e8 = movements.MNT_AT_START_E8 if settings.is_wide else 0
        self._clipped: set[int] = set()
        self._heap: list[tuple[int, int, int, Planned | Slot | Occasion]] = []
        self._ticket = count().__next__

    def run(self) -> None:
        start = self.settings.start_ms
        if self.faults.is_sparse:
            self._plan_sparsely()
            self._play()
            return
        self._push(fixed_times.first_funding_ms(start), FIRST_EVENT, Occasion(self._fund))
        for slot in self.slots:
            begins = activity.first_step_ms(self.instruments[slot.symbol], start_ms=start)
            self._next_step(slot, begins)
            self._plan_last_entry(slot)
        if self.turns.wanted:
            self._push(start + self._venue_gap(), VENUE_EVENT, Occasion(self._venue_acts))
        if self.settings.is_wide:
            for due in fixed_times.delivery_times(
                self.exchange, start_ms=start, end_ms=self.end_ms
            ):
                self._push(due, FIRST_EVENT, Occasion(self._deliver))
        self._play()
        self.faults.share_ids(self.exchange.history)

    def _play(self) -> None:
        while self._heap:
            now, _, _, subject = heapq.heappop(self._heap)
            if now >= self.end_ms:
                break
            if isinstance(subject, Planned):
                self._fill(subject, now)
            elif isinstance(subject, Slot):
                self._step(subject, now)
            else:
                subject.act(now)
        self.exchange.note_holdings()

    def _plan_sparsely(self) -> None:
        """A trade now and then, in and out again, by the first of the bots."""
        slot = self.slots[0]

        def enter(now: int) -> None:
            qty = self.instruments[slot.symbol].qty_step
            self._send(slot, Intent(qty, Reason.ENTRY, closing=False), now=now, goes_on=False)

        def get_out(now: int) -> None:
            price = self.paths[slot.symbol].at(now)
            intent = leave(slot, self.instruments[slot.symbol], price=price, draws=self.draws)
            if intent.signed:
                self._send(slot, intent, now=now, goes_on=False)

        start, end = self.settings.start_ms, self.end_ms
        for at in sparse_times(start_ms=start, end_ms=end, draws=self.draws):
            self._push(at, STEP_EVENT, Occasion(enter))
            self._push(at + SPARSE_HELD_MS, STEP_EVENT, Occasion(get_out))

    def _push(self, time_ms: int, kind: int, subject: Planned | Slot | Occasion) -> None:
        heapq.heappush(self._heap, (time_ms, kind, self._ticket(), subject))

    def _venue_gap(self) -> int:
        return 1 + self.draws.below(2 * self.settings.days * DAY_MS // (self.turns.wanted + 1))

    def _fund(self, now: int) -> None:
        rows = fixed_times.fund(self.exchange, now=now, draws=self.draws, more=self.more_draws)
        self.pace.spend(rows)
        self._push(now + fixed_times.FUNDING_MS, FIRST_EVENT, Occasion(self._fund))

    def _deliver(self, now: int) -> None:
        self.pace.spend(fixed_times.deliver_due(self.exchange, now=now))

    def _fill(self, planned: Planned, now: int) -> None:
        fill, slot = planned.fill, planned.slot
        qty = fill.qty
        if planned.closing:
            qty = min(qty, self.exchange.closable(fill.order, slot))
        if qty != fill.qty:
            self._clipped.add(fill.order)
        if qty:
            if qty != fill.qty:
                fill = Fill(
                    fill.order, qty, fill.price, fill.leaves + fill.qty - qty,
                    fill.rate_e8, fill.is_maker, fill.exec_type, fill.fee_coin,
                    fill.block_trade_id,
                )  # fmt: skip
            row = self.exchange.fill(fill, time_ms=now, slot=slot)
            if may_meet(self.exchange, slot, fill, closing=planned.closing):
                self.pace.spend(
                    meet(self.exchange, row, slots=self.slots, faults=self.faults, ids=self.ids)
                )
            if fill.fee_coin:
                self.mnt_left_e8 -= self.exchange.history.executions.fee_e8[row]
        else:
            self.pace.spend(-1)
        if planned.last and fill.order in self._clipped:
            self._clipped.discard(fill.order)
            self.exchange.close_order(fill.order, time_ms=now, cancel_type=BY_REDUCE_ONLY)
        if planned.then is not None:
            self._next_step(planned.then, now)

    def _next_step(self, slot: Slot, now: int) -> None:
        gap = self.pace.gap(now, slot.weight, holding=self._is_held(slot, now), draws=self.draws)
        if activity.may_order(self.instruments[slot.symbol], now + gap):
            self._push(now + gap, STEP_EVENT, slot)

    def _is_held(self, slot: Slot, now: int) -> bool:
        instrument = self.instruments[slot.symbol]
        if instrument.category != "spot":
            return slot.hold != 0
        return not is_dust(slot, instrument, price=self.paths[slot.symbol].at(now))

    def _plan_last_entry(self, slot: Slot) -> None:
        """What is delivered inside the history is held when that happens."""
        instrument = self.instruments[slot.symbol]
        if not 0 < instrument.delivery_ms < self.end_ms:
            return

        def enter(now: int) -> None:
            if slot.hold == 0:
                intent = self._decided(slot, now)
                assert intent is not None, "who is flat enters"
                self._send(slot, intent, now=now, goes_on=False)

        at = activity.last_entry_ms(instrument)
        if at > self.settings.start_ms:
            self._push(at, STEP_EVENT, Occasion(enter))

    def _step(self, slot: Slot, now: int) -> None:
        instrument = self.instruments[slot.symbol]
        if self.pace.exhausted(now):
            # Nothing new is begun, but a position is not left to pay funding for weeks.
            intent = None
            may_leave = self._is_held(slot, now) and not self.pace.in_tail(now)
            if may_leave and instrument.category != "option":
                price = self.paths[slot.symbol].at(now)
                intent = leave(slot, instrument, price=price, draws=self.draws)
        elif self._bursts(slot, now):
            intent = None
        else:
            intent = self._decided(slot, now)
        if intent is None:
            self._next_step(slot, now)
        else:
            self._send(slot, intent, now=now)

    def _decided(self, slot: Slot, now: int) -> Intent | None:
        path = self.paths[slot.symbol]
        # A bot without any insight would only lose its fees.
        ahead = path.at(min(now + INSIGHT_MS, self.end_ms))
        scene = Scene(path.at(now), ahead, self.pace.in_tail(now))
        hedged = self.exchange.is_hedged(slot.symbol)
        instrument = self.instruments[slot.symbol]
        return decide(slot, instrument, scene, hedged=hedged, draws=self.draws)

    def _bursts(self, slot: Slot, now: int) -> bool:
        """Whether the order became a burst, which is then booked."""
        instrument, room = self.instruments[slot.symbol], self.pace.room(now)
        if not self._may_burst(slot):
            return False
        exactly = 0
        if not self.bursts.strikes(instrument, now=now, room=room):
            exactly = self.faults.edge_count(instrument, now=now, room=room)
            if not exactly:
                return False
        rows = bursts.play(
            self.exchange,
            slot,
            now=now,
            price=self.paths[slot.symbol].at(now),
            ids=self.ids,
            draws=self.draws,
            exactly=exactly,
        )
        self.pace.spend(rows)
        return True

    def _may_burst(self, slot: Slot) -> bool:
        instrument = self.instruments[slot.symbol]
        if instrument.delivery_ms or instrument.category not in ("linear", "inverse"):
            return False
        return not (self.exchange.is_hedged(slot.symbol) and slot.hold)

    def _send(self, slot: Slot, intent: Intent, *, now: int, goes_on: bool = True) -> None:
        draws, instrument = self.draws, self.instruments[slot.symbol]
        price = self.paths[slot.symbol].at(now)
        terms, limit_price = self._terms(slot, intent, now=now, price=price)
        is_spot = instrument.category == "spot"
        owner: Slot | None = slot
        if is_spot and intent.closing:
            stop = spot_stop(terms, slot, price=price, draws=draws)
            terms, owner = (terms, slot) if stop is None else (stop, None)
        limit = terms.order_type == LIMIT
        fee_coin = "MNT" if is_spot and mnt_pays(self.mnt_left_e8, draws=draws) else ""
        order = self.exchange.order(terms, time_ms=now)
        parts = parts_of(terms.qty, step=instrument.qty_step, draws=draws)
        self.pace.spend(len(parts))
        patience = min(MAKER_DELAY_MS_MAX, 1 + self.pace.mean_gap(now, slot.weight) // 8)
        at, left = now, terms.qty
        for number, part in enumerate(parts):
            is_maker = limit and not draws.percent(5)
            at += pause_of(first=number == 0, limit=limit, patience=patience, draws=draws)
            left -= part
            slip = price * draws.below(40) // 100_000
            fill = Fill(
                order=order,
                qty=part,
                price=limit_price if limit else max(1, price + terms.side * slip),
                leaves=left,
                rate_e8=self._rate(slot.symbol, is_maker=is_maker, at=at),
                is_maker=is_maker,
                fee_coin=fee_coin or self.faults.fee_coin(instrument, now=at),
            )
            last = number == len(parts) - 1
            then = slot if last and goes_on else None
            self._push(at, FILL_EVENT, Planned(fill, owner, intent.closing, last, then))

    def _terms(self, slot: Slot, intent: Intent, *, now: int, price: int) -> tuple[OrderTerms, int]:
        """The order that an intent becomes, and the price at which it would rest."""
        side = 1 if intent.signed > 0 else -1
        limit = self.draws.percent(slot.style.maker_percent)
        # A market order carries the worst price that the venue would accept for it.
        limit_price = price - side * (price * self.draws.below(30) // 100_000)
        is_spot = self.instruments[slot.symbol].category == "spot"
        terms = OrderTerms(
            symbol=slot.symbol,
            side=side,
            qty=abs(intent.signed),
            price=limit_price if limit else price + side * (price * 3 // 100),
            order_type=LIMIT if limit else MARKET,
            stop_type=NO_STOP_TYPE if is_spot else 0,
            bot=slot.bot_number,
            link_id=self.ids.write(slot.name, reason=intent.reason, time_ms=now),
            position_idx=self._leg(slot.symbol, side, closing=intent.closing),
            reduce_only=intent.closing and not is_spot,
            market_unit=1 if is_spot and not limit else 0,
        )
        return terms, limit_price

    def _leg(self, symbol: int, side: int, *, closing: bool) -> int:
        if not self.exchange.is_hedged(symbol):
            return NET
        return LONG if (side > 0) != closing else SHORT

    def _rate(self, symbol: int, *, is_maker: bool, at: int) -> int:
        instrument = self.instruments[symbol]
        rebated = is_maker and instrument.category in ("linear", "inverse")
        if rebated and self.faults.strikes("maker_rebate", instrument, now=at):
            return REBATE_RATE_E8
        if symbol >= len(INSTRUMENTS):
            return instrument.maker_e8 if is_maker else instrument.taker_e8
        if not is_maker:
            return TAKER_RATE_E8
        return REBATE_RATE_E8 if self.draws.percent(15) else MAKER_RATE_E8

    def _venue_acts(self, now: int) -> None:
        turn = self.turns.next(self.exchange.open_legs(), self.instruments)
        if turn is None:
            self._push(now + FLAT_RETRY_MS, VENUE_EVENT, Occasion(self._venue_acts))
            return
        action, open_legs = turn
        symbol, leg = open_legs[self.draws.below(len(open_legs))]
        if activity.may_order(self.instruments[symbol], now):
            self._send_for_venue(symbol, leg, action, now=now)
            self.turns.done += 1
        if self.turns.done < self.turns.wanted:
            self._push(now + self._venue_gap(), VENUE_EVENT, Occasion(self._venue_acts))

    def _send_for_venue(self, symbol: int, leg: int, action: VenueAction, *, now: int) -> None:
        net, step = self.exchange.held(symbol, leg), self.instruments[symbol].qty_step
        side = -1 if net > 0 else 1
        share = self.draws.between(action.percent_min, action.percent_max)
        qty = max(step, abs(net) * share // 100 // step * step)
        price = self.paths[symbol].at(now)
        order = self.exchange.order(
            action.terms(symbol, side=side, qty=qty, price=price, leg=leg), time_ms=now
        )
        parts = parts_of(qty, step=step, draws=self.draws)
        self.pace.spend(len(parts))
        at, left = now, qty
        for number, part in enumerate(parts):
            at += 0 if self.draws.percent(50) else 1 + self.draws.below(15)
            left -= part
            fill = Fill(
                order, part, price + side * self.draws.below(1 + price // 2_000), left,
                action.rate_e8, is_maker=False, exec_type=action.exec_type,
                block_trade_id=action.block_trade_id(order),
            )  # fmt: skip
            last = number == len(parts) - 1
            planned = Planned(fill, None, closing=True, last=last, then=None)
            self._push(at, FILL_EVENT, planned)
