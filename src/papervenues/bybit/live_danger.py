"""Liquidation and auto-deleveraging: orders that the venue makes against the account.

When the equity no longer covers the maintenance margin, all open orders are cancelled and the
largest position is reduced, a part at a time. After a few steps, or when the equity is gone,
what is left is taken over at the bankruptcy price. Both are executions of type `BustTrade`; an
operator can ask for either, and for auto-deleveraging, at any time.
"""

from dataclasses import dataclass

from papervenues.bybit import live_margin, live_stops
from papervenues.bybit.exchange import TAKER_RATE_E8, Fill, OrderTerms
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.vocabulary import (
    ADL_TRADE,
    BUST_TRADE,
    CREATE_TYPES,
    MARKET,
    STOP_ORDER_TYPES,
)

LADDER_STEPS_MAX = 3
LADDER_PERCENT = 40
ALL_PERCENT = 100
SLIP_PPM = 800
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Forced:
    """One kind of forced order."""

    exec_type: int
    create_type: str
    reason: str
    rate_e8: int = TAKER_RATE_E8


LADDER = Forced(BUST_TRADE, "CreateByLiq", "CancelAllBeforeLiq")
TAKE_OVER = Forced(BUST_TRADE, "CreateByTakeOver_PassThrough", "CancelAllBeforeLiq")
ADL = Forced(ADL_TRADE, "CreateByAdl_PassThrough", "CancelAllBeforeAdl", rate_e8=0)
FORCED = {"liquidate": LADDER, "take_over": TAKE_OVER, "adl": ADL}


def check(account: LiveAccount) -> bool:
    """Liquidate one step when margin is short; true when something was done."""
    if not account.exchange.open_legs():
        account.danger_steps = 0
        return False
    now = live_margin.standing(account)
    if now.maintenance_e8 == 0 or now.equity_e8 > now.maintenance_e8:
        account.danger_steps = 0
        return False
    account.danger_steps += 1
    symbol, leg = _largest(account)
    over = account.danger_steps > LADDER_STEPS_MAX or now.equity_e8 <= 0
    kind, percent = (TAKE_OVER, ALL_PERCENT) if over else (LADDER, LADDER_PERCENT)
    force(account, symbol, leg, kind=kind, percent=percent)
    return True


def force(account: LiveAccount, symbol: int, leg: int, *, kind: Forced, percent: int) -> bool:
    """Reduce a position by a forced order; false when there is none."""
    held = account.exchange.held(symbol, leg)
    if held == 0:
        return False
    for order in list(account.working.values()):
        if order.symbol == symbol and not order.stop_kind:
            account.close(order, kind.reason)
    step = account.instruments[symbol].qty_step
    qty = max(step, abs(held) * percent // 100 // step * step)
    side = -1 if held > 0 else 1
    price = account.price(symbol)
    at_price = max(1, price + side * (price * SLIP_PPM // MILLION))
    if kind is ADL:
        at_price = price
    number = account.open(
        OrderTerms(
            symbol, side, qty, at_price, MARKET, create_type=CREATE_TYPES.index(kind.create_type),
            stop_type=STOP_ORDER_TYPES.index("UNKNOWN"), position_idx=leg, reduce_only=True,
        )
    )  # fmt: skip
    first = qty // step // 2 * step
    parts = [first, qty - first] if first else [qty]
    for place, part in enumerate(parts):
        leaves = sum(parts[place + 1 :])
        fill = Fill(
            number, part, at_price, leaves, kind.rate_e8, is_maker=False, exec_type=kind.exec_type
        )
        account.exchange.fill(fill, time_ms=account.now_ms)
    account.note(number)
    if account.exchange.held(symbol, leg) == 0:
        live_stops.clear(account, symbol, leg)
    return True


def _largest(account: LiveAccount) -> tuple[int, int]:
    def worth(place: tuple[int, int]) -> int:
        symbol, leg = place
        return live_margin.value_in_dollars(
            account,
            account.instruments[symbol],
            abs(account.exchange.held(symbol, leg)),
            price=account.price(symbol),
        )

    return max(account.exchange.open_legs(), key=worth)
