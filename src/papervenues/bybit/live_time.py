"""Lets time pass for one trading account, event by event.

Events between two instants are funding and session settlements, deliveries, looks at the margin,
and what the market does to open orders. The earliest one happens, then the next is looked for
from there, since an event may change what comes after it.
"""

from papervenues.bybit import listings, live_danger, live_matching
from papervenues.bybit.fixed_times import (
    DELIVERY_RATE_E8,
    FUNDING_HIGH_E8,
    FUNDING_LOW_E8,
    FUNDING_MS,
    SETTLE_RATE_E8,
)
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.live_working import Working
from papervenues.bybit.vocabulary import DELIVERY, SETTLE
from papervenues.draws import Draws

LOOK_MS = 300_000


def pass_time(account: LiveAccount, *, until_ms: int) -> None:
    """Everything that happens up to an instant, that instant included."""
    while True:
        order, order_ms = _next_order(account, until_ms)
        clock_ms = _next_look(account, until_ms)
        if order is None and clock_ms is None:
            break
        if clock_ms is not None and (order is None or clock_ms <= order_ms):
            _move(account, clock_ms)
            _by_the_clock(account)
        elif order is not None:
            _move(account, order_ms)
            live_matching.act(account, order)
            _watch_margin(account)
    _move(account, until_ms)


def _next_order(account: LiveAccount, until_ms: int) -> tuple[Working | None, int]:
    found: Working | None = None
    found_ms = until_ms + 1
    for order in account.working.values():
        path = account.paths[order.symbol]
        at_ms = order.next_ms(path, after_ms=account.now_ms, until_ms=min(until_ms, found_ms))
        if at_ms is not None and at_ms < found_ms:
            found, found_ms = order, max(at_ms, account.now_ms)
    return found, found_ms


def _next_look(account: LiveAccount, until_ms: int) -> int | None:
    """The next instant at which funding, delivery or the margin is looked at."""
    if not account.exchange.open_legs():
        return None
    look = account.now_ms - account.now_ms % LOOK_MS + LOOK_MS
    return look if look <= until_ms else None


def _move(account: LiveAccount, time_ms: int) -> None:
    if time_ms <= account.now_ms:
        return
    for order in account.working.values():
        path = account.paths[order.symbol]
        order.follow(path, after_ms=account.now_ms, until_ms=time_ms)
    account.now_ms = time_ms


def _by_the_clock(account: LiveAccount) -> None:
    exchange, now_ms = account.exchange, account.now_ms
    for symbol in sorted({symbol for symbol, _ in exchange.open_legs()}):
        instrument = account.instruments[symbol]
        if instrument.is_over(now_ms):
            if instrument.delivery_ms == now_ms or instrument.delivery_ms > now_ms - LOOK_MS:
                _deliver(account, symbol)
        elif now_ms % FUNDING_MS == 0 and "Perpetual" in instrument.contract:
            draws = Draws("live funding", account.history.seed, instrument.symbol, now_ms)
            rate = draws.between(FUNDING_LOW_E8, FUNDING_HIGH_E8)
            exchange.fund(symbol, time_ms=now_ms, rate_e8=rate)
            if instrument.settle == "USDC":
                exchange.settle_session(symbol, time_ms=now_ms)
    _watch_margin(account)


def _deliver(account: LiveAccount, symbol: int) -> None:
    for order in [one for one in account.working.values() if one.symbol == symbol]:
        account.close(order, "CancelByDelivery")
    instrument, price = account.instruments[symbol], account.price(symbol)
    kind, rate_e8 = SETTLE, SETTLE_RATE_E8
    if instrument.category == "option":
        under = account.price(listings.underlying_of(instrument))
        price = listings.settlement_value(instrument, under)
        kind, rate_e8 = DELIVERY, DELIVERY_RATE_E8 if price else 0
    account.exchange.deliver(
        symbol, time_ms=account.now_ms, price=price, exec_type=kind, rate_e8=rate_e8
    )


def _watch_margin(account: LiveAccount) -> None:
    while live_danger.check(account):
        pass
