"""The true bookkeeping of one paper account: orders, fills, positions, bots' holdings.

A symbol is in one-way mode, with one net position (index 0), or in hedge mode, with a long leg
(index 1) and a short one (index 2). A position is the sum of what the bots hold of it, which
is why it is seldom any bot's own. Three rules keep that sum true:

- a bot's close never exceeds what the bot holds, unless the order is a deliberate flip;
- an order without a bot is taken from the bots on the reduced side, oldest entry fill first;
- what is left of it then opens a holding of nobody (the venue's own orders leave nothing).

Spot pairs have no position, but holdings in the base coin, of which a fee may take its part.

Quantities of orders and fills are positive, holdings and positions are signed. Everything is
written to the history, from which `resume` rebuilds the books so that live orders go on.
"""

from collections.abc import Sequence

from papervenues.bybit.bots import bots_of
from papervenues.bybit.coins import coin_changes
from papervenues.bybit.history import NO_BOT, AccountHistory, Holding, RowExtra
from papervenues.bybit.listings import underlying_of
from papervenues.bybit.replay import lots_of, position_sizes
from papervenues.bybit.slots import Slot
from papervenues.bybit.terms import LONG, NET, SHORT, Fill, OrderTerms, append_order
from papervenues.bybit.values import (
    coin_number,
    fee_coin_of,
    fee_e8_of,
    option_fee_e8,
    plain,
    rounded,
)
from papervenues.bybit.vocabulary import (
    CANCELLED,
    CREATE_TYPES,
    FILLED,
    FUNDING,
    MARKET,
    NO_ORDER,
    NO_STATUS,
    PARTIALLY_FILLED,
    SESSION,
)
from papervenues.draws import Draws
from papervenues.market import INSTRUMENTS, Instrument, PricePath, instrument_number

__all__ = ["Exchange", "Fill", "OrderTerms"]

TAKER_RATE_E8 = 55_000
MAKER_RATE_E8 = 20_000
REBATE_RATE_E8 = -5_000
FIRST_SEQ = 4_688_002_127
SEQ_STEP_MAX = 900
_NO_CREATE_TYPE = CREATE_TYPES.index("")
_BY_SETTLE = CREATE_TYPES.index("CreateBySettle")


class Exchange:
    """Keeps the books of one account; every call is at or after the time of the last one."""

    def __init__(
        self,
        history: AccountHistory,
        *,
        paths: Sequence[PricePath],
        slots: tuple[Slot, ...],
        draws: Draws,
    ) -> None:
        self.history = history
        self.paths = paths
        self.instruments = history.instruments
        self._legs = [[0, 0, 0] for _ in self.instruments]
        self._slots_of: list[list[Slot]] = [[] for _ in self.instruments]
        for slot in slots:
            self._slots_of[slot.symbol].append(slot)
        self._hedged = [
            history.is_hedged and instrument.category == "linear" for instrument in self.instruments
        ]
        # The first eight draws are those of the linear perpetuals, whatever else is listed.
        self._seq = [FIRST_SEQ + draws.below(10**9) for _ in INSTRUMENTS]
        more = Draws("first seq", history.seed, history.user_id)
        self._seq += [FIRST_SEQ + more.below(10**9) for _ in self.instruments[len(INSTRUMENTS) :]]
        self._draws = draws
        self._lots_made = 0
        self._coins: dict[str, int] = {}
        self._coins_read = (0, 0)
        self._mnt = instrument_number(self.instruments, "spot", "MNTUSDT")

    @classmethod
    def resume(cls, history: AccountHistory, paths: Sequence[PricePath]) -> "Exchange":
        """The books as they stand at the end of a history, ready for more."""
        draws = Draws("live", history.seed, history.user_id, len(history))
        exchange = cls(history, paths=paths, slots=(), draws=draws)
        bots = bots_of(len(history.bots))
        for (symbol, _), lots in lots_of(history, rows=len(history)).items():
            for bot, signed in lots:
                slot = exchange._slot_of(bot, symbol, signed=signed)
                if slot is None:
                    slot = Slot(bot, None if bot == NO_BOT else bots[bot], symbol, weight=1)
                    exchange._slots_of[symbol].append(slot)
                exchange._change(slot, signed, price=0)
        for (symbol, leg), size in position_sizes(history, rows=len(history)).items():
            exchange._legs[symbol][leg] = size
            exchange._hedged[symbol] = exchange._hedged[symbol] or leg != NET
        for row in range(len(history)):
            symbol = history.symbol_of(row)
            exchange._seq[symbol] = max(exchange._seq[symbol], history.executions.seq[row])
        return exchange

    def held(self, symbol: int, leg: int = NET) -> int:
        """The signed position of one leg (index 0 in one-way mode), in units."""
        return self._legs[symbol][leg]

    net_of = held

    def is_hedged(self, symbol: int) -> bool:
        """Whether the symbol is in hedge mode."""
        return self._hedged[symbol]

    def switch_mode(self, symbol: int, *, hedged: bool) -> None:
        """Put a flat symbol into hedge or one-way mode."""
        assert not any(self._legs[symbol]), "the mode is switched when flat"
        self._hedged[symbol] = hedged

    def closable(self, order: int, slot: Slot | None) -> int:
        """How much an order may still close: of a bot's holding, or of all that is held."""
        orders = self.history.orders
        symbol = orders.symbol[order]
        instrument = self.instruments[symbol]
        if slot is not None:
            held = slot.hold
        elif instrument.category == "spot":
            held = self.spot_held(symbol)
        else:
            held = self.held(symbol, orders.position_idx[order])
        return max(0, -held * orders.side[order]) // instrument.hold_scale

    def open_legs(self) -> list[tuple[int, int]]:
        """Every position that is not zero, as (symbol, leg)."""
        return [
            (symbol, leg)
            for symbol, legs in enumerate(self._legs)
            for leg, size in enumerate(legs)
            if size
        ]

    def held_by_nobody(self, symbol: int) -> int:
        """What orders without a bot opened, in units of a holding."""
        return sum(slot.hold for slot in self._slots_of[symbol] if slot.is_nobody)

    def spot_held(self, symbol: int) -> int:
        """What all together hold of a spot pair by trading it, in 10^-8 of the base coin."""
        return sum(slot.hold for slot in self._slots_of[symbol])

    @property
    def coins(self) -> dict[str, int]:
        """What each coin of the unified wallet got, in 10^-8.

        Movements, spot trades, premiums, fees and funding; profits of contracts are not in it.
        """
        self._coins_read = coin_changes(self.history, self._coins, read=self._coins_read)
        return self._coins

    def order(self, terms: OrderTerms, *, time_ms: int) -> int:
        """Accept an order; the answer is its number."""
        return append_order(self.history.orders, terms, time_ms=time_ms)

    def close_order(
        self, order: int, *, time_ms: int, cancel_type: int, status: int = CANCELLED
    ) -> None:
        """End an order with something of it unfilled."""
        orders = self.history.orders
        orders.status[order] = status
        orders.cancel_type[order] = cancel_type
        orders.updated_ms[order] = time_ms

    def fill(self, fill: Fill, *, time_ms: int, slot: Slot | None = None) -> int:
        """Book one fill for a bot, or for an order without one; the answer is its row."""
        orders = self.history.orders
        symbol, side = orders.symbol[fill.order], orders.side[fill.order]
        instrument = self.instruments[symbol]
        coin = fill.fee_coin or fee_coin_of(instrument, side=side, is_maker=fill.is_maker)
        fee = self._fee(instrument, fill, coin=coin, time_ms=time_ms)
        closed = 0
        signed = side * fill.qty * instrument.hold_scale
        if instrument.category == "spot":
            # A fee in the base coin is taken from what was bought, a rebate added.
            signed -= fee if coin == instrument.base else 0
        else:
            closed = self._move(symbol, orders.position_idx[fill.order], side * fill.qty)
        if slot is None:
            leg = orders.position_idx[fill.order]
            self._change_for_nobody(symbol, signed, leg=leg, price=fill.price)
        else:
            self._change(slot, signed, price=fill.price)
        if orders.status[fill.order] != NO_STATUS:
            orders.status[fill.order] = PARTIALLY_FILLED if fill.leaves else FILLED
            orders.updated_ms[fill.order] = time_ms
        return self._append(symbol, fill, time_ms=time_ms, closed=closed, fee_e8=fee, coin=coin)

    def fund(self, symbol: int, *, time_ms: int, rate_e8: int) -> int:
        """Book the funding of every open leg of a symbol; the answer is how many rows."""
        rows = 0
        price = self.paths[symbol].at(time_ms)
        instrument = self.instruments[symbol]
        for leg, size in enumerate(self._legs[symbol]):
            if size == 0:
                continue
            fee = fee_e8_of(
                instrument, qty=size, price=price, rate_e8=rate_e8, coin=instrument.settle
            )
            # The venue prints the rate with the sign of the payment and cut to six decimals.
            printed = abs(rate_e8) // 100 * 100 * (1 if fee >= 0 else -1)
            self._pay(symbol, leg, FUNDING, time_ms=time_ms, fee_e8=fee, rate_e8=printed)
            rows += 1
        return rows

    def settle_session(self, symbol: int, *, time_ms: int) -> int:
        """Book the session settlement of every open leg; the answer is how many rows.

        The row carries size and mark price. Average prices stay, session averages move.
        """
        rows = 0
        for leg, size in enumerate(self._legs[symbol]):
            if size:
                self._pay(symbol, leg, SESSION, time_ms=time_ms, fee_e8=0, rate_e8=0)
                rows += 1
        return rows

    def deliver(
        self, symbol: int, *, time_ms: int, price: int, exec_type: int, rate_e8: int = 0
    ) -> int:
        """Close every leg of a symbol without an order; the answer is how many rows."""
        rows = 0
        for leg, size in enumerate(self._legs[symbol]):
            if size == 0:
                continue
            side = -1 if size > 0 else 1
            order = self.order(
                OrderTerms(
                    symbol, side, qty=abs(size), price=price, order_type=MARKET,
                    create_type=_BY_SETTLE, status=NO_STATUS, position_idx=leg,
                ),
                time_ms=time_ms,
            )  # fmt: skip
            fill = Fill(order, abs(size), price, 0, rate_e8, is_maker=False, exec_type=exec_type)
            self.fill(fill, time_ms=time_ms)
            rows += 1
        return rows

    def note_holdings(self) -> None:
        """Write into the history what the bots hold at its end."""
        self.history.holdings_at_end.extend(
            Holding(slot.bot_number, slot.symbol, slot.hold, self._leg_of(slot))
            for slots in self._slots_of
            for slot in slots
            if slot.hold
        )

    def _leg_of(self, slot: Slot) -> int:
        if not self._hedged[slot.symbol]:
            return NET
        return LONG if slot.hold > 0 else SHORT

    def _pay(
        self, symbol: int, leg: int, exec_type: int, *, time_ms: int, fee_e8: int, rate_e8: int
    ) -> None:
        size = self._legs[symbol][leg]
        order = self.order(
            OrderTerms(
                symbol, 1 if size > 0 else -1, qty=0, price=0, order_type=NO_ORDER,
                create_type=_NO_CREATE_TYPE, status=NO_STATUS, position_idx=leg,
            ),
            time_ms=time_ms,
        )  # fmt: skip
        price = self.paths[symbol].at(time_ms)
        fill = Fill(order, abs(size), price, 0, rate_e8, is_maker=False, exec_type=exec_type)
        coin = self.instruments[symbol].settle
        self._append(symbol, fill, time_ms=time_ms, closed=0, fee_e8=fee_e8, coin=coin)

    def _move(self, symbol: int, leg: int, signed: int) -> int:
        """Change a position; the answer is how much of it was closed."""
        size = self._legs[symbol][leg]
        after = size + signed
        assert leg == NET or after == 0 or (after > 0) == (leg == LONG), "a leg never crosses zero"
        self._legs[symbol][leg] = after
        return min(abs(size), abs(signed)) if size * signed < 0 else 0

    def _fee(self, instrument: Instrument, fill: Fill, *, coin: str, time_ms: int) -> int:
        if instrument.category == "option":
            under = underlying_of(instrument)
            return option_fee_e8(
                instrument, qty=fill.qty, price=fill.price, rate_e8=fill.rate_e8,
                under=self.paths[under].at(time_ms),
                under_decimals=self.instruments[under].price_decimals,
            )  # fmt: skip
        fee = fee_e8_of(instrument, qty=fill.qty, price=fill.price, rate_e8=fill.rate_e8, coin=coin)
        if coin == "MNT" and self._mnt is not None and instrument.base != "MNT":
            scale = 10 ** self.instruments[self._mnt].price_decimals
            return rounded(fee * scale, self.paths[self._mnt].at(time_ms))
        return fee

    def _append(
        self, symbol: int, fill: Fill, *, time_ms: int, closed: int, fee_e8: int, coin: str
    ) -> int:
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
        rows.fee_coin.append(coin_number(coin))
        rows.mark.append(
            fill.price if fill.exec_type == FUNDING else self.paths[symbol].at(time_ms)
        )
        rows.exec_type.append(fill.exec_type)
        rows.is_maker.append(fill.is_maker)
        row = len(rows.order) - 1
        instrument = self.instruments[symbol]
        if instrument.category == "option" or fill.block_trade_id:
            self.history.extras[row] = self._extra(instrument, fill, time_ms=time_ms)
        return row

    def _extra(self, instrument: Instrument, fill: Fill, *, time_ms: int) -> RowExtra:
        under = underlying_of(instrument) if instrument.category == "option" else None
        if under is None:
            return RowExtra(block_trade_id=fill.block_trade_id)
        decimals = self.instruments[under].price_decimals
        return RowExtra(plain(self.paths[under].at(time_ms), decimals), fill.block_trade_id)

    def _slot_of(self, bot: int, symbol: int, *, signed: int) -> Slot | None:
        for slot in self._slots_of[symbol]:
            if slot.bot_number == bot and (
                not self._hedged[symbol] or slot.hold == 0 or (slot.hold > 0) == (signed > 0)
            ):
                return slot
        return None

    def _change(self, slot: Slot, signed: int, *, price: int) -> None:
        if slot.change(signed, price=price, lot_number=self._lots_made):
            self._lots_made += 1

    def _change_for_nobody(self, symbol: int, signed: int, *, leg: int, price: int) -> None:
        side = 1 if signed > 0 else -1
        left = abs(signed)
        may_close = leg == NET or (side > 0) == (leg == SHORT)
        while left and may_close:
            losers = [slot for slot in self._slots_of[symbol] if slot.hold * side < 0]
            if not losers:
                break
            slot = min(losers, key=lambda loser: loser.lots[0][0])
            taken = min(left, slot.lots[0][1])
            slot.shrink(taken)
            left -= taken
        if left:
            nobody = self._slot_of(NO_BOT, symbol, signed=signed)
            if nobody is None:
                nobody = Slot(NO_BOT, None, symbol, weight=1)
                self._slots_of[symbol].append(nobody)
            self._change(nobody, side * left, price=price)
