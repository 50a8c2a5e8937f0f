"""Bots that trade all day at the paper exchange: orders at the market, at a limit, with stops."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final

from papervenues.bybit import live_danger, live_taking
from papervenues.bybit.bots import Bot, ClientIds, Reason, bots_of
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.values import plain
from papervenues.draws import Draws
from papervenues.market import Instrument
from tests.simulation.day_account import DayAccount

BOTS: Final = 3
FILLS_AN_ORDER: Final = 1.45
BURST_PERCENT, BURST_ORDERS_MAX = 6, 7
NOTIONAL = (60, 2_500)
HELD_MAX: Final = 12_000  # of one symbol; beyond, an order reduces
RESTING_MAX: Final = 12
NOT_TRADED: Final = frozenset(("MNTUSDT", "1000PEPEUSDT"))
LONG, SHORT = 1, 2


@dataclass(slots=True)
class Trader:
    """The bots of one account."""

    account: DayAccount
    orders: int = 0
    refused: int = 0
    chance: random.Random = field(init=False)
    ids: ClientIds = field(init=False)
    bots: tuple[Bot, ...] = bots_of(BOTS)

    def __post_init__(self) -> None:
        """Its own luck."""
        name = ("trader", self.account.plan.seed, self.account.number)
        self.chance = random.Random(str(name))
        self.ids = ClientIds(Draws(*name))

    async def trade(self) -> None:
        """Place orders until cancelled, as many as bring about the fills that are wanted."""
        plan = self.account.plan
        orders = plan.fills / plan.accounts / FILLS_AN_ORDER
        acts = orders / (1 + BURST_PERCENT / 100 * BURST_ORDERS_MAX / 2)
        while True:
            await asyncio.sleep(self.chance.expovariate(acts / plan.seconds))
            burst = self.chance.randint(1, 100) <= BURST_PERCENT
            for _ in range(self.chance.randint(2, BURST_ORDERS_MAX) if burst else 1):
                self._act()

    def liquidate(self, how: str) -> bool:
        """Let the exchange reduce the first position; whether there is one."""
        live = self.account.trading
        for symbol, leg in live.exchange.open_legs():
            kind = live_danger.FORCED[how or "liquidate"]
            if live_danger.force(live, symbol, leg, kind=kind, percent=40):
                return True
        return False

    def _act(self) -> None:
        live = self.account.trading
        resting = [one for one in live.working.values() if not one.stop_kind]
        if len(resting) > RESTING_MAX:
            live_taking.cancel(live, self.chance.choice(resting))
            return
        symbol = self.chance.choice(self._symbols(live))
        words = self._order(live, symbol, live.instruments[symbol])
        self.orders += 1
        if self.account.exchange.order(**words) != "OK":
            self.refused += 1

    def _symbols(self, live: LiveAccount) -> list[int]:
        return [
            number
            for number, one in enumerate(live.instruments)
            if one.category in self.account.kind.categories
            and one.quote == "USDT"
            and not one.delivery_ms
            and one.symbol not in NOT_TRADED
        ]

    def _order(self, live: LiveAccount, symbol: int, instrument: Instrument) -> dict[str, object]:
        chance, price = self.chance, live.price(symbol)
        is_spot = instrument.category == "spot"
        side, leg, reduces = (
            (chance.choice((1, -1)), 0, False) if is_spot else self._side(live, symbol)
        )
        at_limit = chance.random() < 0.35
        step = instrument.tick * max(1, price * chance.randint(1, 12) // 10_000)
        limit = (price - side * step) // instrument.tick * instrument.tick
        words: dict[str, object] = {
            "category": instrument.category,
            "symbol": instrument.symbol,
            "side": "Buy" if side > 0 else "Sell",
            "orderType": "Limit" if at_limit else "Market",
            "qty": plain(self._qty(instrument, price), instrument.qty_decimals),
            "orderLinkId": self._link(reduces=reduces),
        }
        if at_limit:
            words["price"] = plain(limit, instrument.price_decimals)
        if is_spot:
            return words | {"marketUnit": "baseCoin"}
        words |= {"positionIdx": leg, "reduceOnly": reduces}
        if not reduces and not leg and chance.random() < 0.12:
            words["takeProfit"] = plain(price + side * (price // 250), instrument.price_decimals)
            words["stopLoss"] = plain(price - side * (price // 250), instrument.price_decimals)
        return words

    def _side(self, live: LiveAccount, symbol: int) -> tuple[int, int, bool]:
        """Which way, on which leg, and whether it only reduces."""
        side = self.chance.choice((1, -1))
        if not self.account.kind.hedge:
            held = live.exchange.held(symbol)
            if self._worth(live, symbol, held) > HELD_MAX:
                return (-1 if held > 0 else 1), 0, True
            return side, 0, False
        leg = self.chance.choice((LONG, SHORT))
        opens = 1 if leg == LONG else -1
        worth = self._worth(live, symbol, live.exchange.held(symbol, leg))
        if worth and (worth > HELD_MAX or self.chance.random() < 0.45):
            return -opens, leg, True
        return opens, leg, False

    def _worth(self, live: LiveAccount, symbol: int, qty: int) -> int:
        scale: int = live.instruments[symbol].value_scale
        return abs(qty) * live.price(symbol) // scale

    def _qty(self, instrument: Instrument, price: int) -> int:
        low, high = NOTIONAL
        wanted = round(low * (high / low) ** self.chance.random())
        qty: int = wanted * instrument.value_scale // price
        return max(instrument.qty_step, qty // instrument.qty_step * instrument.qty_step)

    def _link(self, *, reduces: bool) -> str:
        reason = Reason.EXIT if reduces else self.chance.choice((Reason.ENTRY, Reason.ADD))
        bot = self.chance.choice(self.bots)
        return self.ids.write(bot.name, reason=reason, time_ms=self.account.clock())
