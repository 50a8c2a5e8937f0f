"""What happens at fixed times, whatever the bots do: funding, sessions, deliveries.

The eight linear perpetuals of every history are funded by draws of the account's own stream;
all else has a stream of its own, so that a wider market changes nothing for them.
"""

from papervenues.bybit.exchange import Exchange
from papervenues.bybit.listings import settlement_value, underlying_of
from papervenues.bybit.settings import HOUR_MS
from papervenues.bybit.vocabulary import DELIVERY, SETTLE
from papervenues.draws import Draws
from papervenues.market import INSTRUMENTS

FUNDING_MS = 8 * HOUR_MS
FUNDING_LOW_E8, FUNDING_HIGH_E8 = -9_000, 16_000
SETTLE_RATE_E8 = 5_000
DELIVERY_RATE_E8 = 15_000


def first_funding_ms(start_ms: int) -> int:
    """The first funding instant after the start."""
    return start_ms + FUNDING_MS - start_ms % FUNDING_MS


def fund(exchange: Exchange, *, now: int, draws: Draws, more: Draws) -> int:
    """Fund all perpetuals, and settle the session of USDC ones; the answer is how many rows."""
    rows = 0
    for symbol, instrument in enumerate(exchange.instruments):
        source = draws if symbol < len(INSTRUMENTS) else more
        if not instrument.contract.endswith("Perpetual"):
            continue
        rate_e8 = source.between(FUNDING_LOW_E8, FUNDING_HIGH_E8)
        rows += exchange.fund(symbol, time_ms=now, rate_e8=rate_e8)
        if instrument.settle == "USDC":
            rows += exchange.settle_session(symbol, time_ms=now)
    return rows


def deliver_due(exchange: Exchange, *, now: int) -> int:
    """Close whatever is over at this instant; the answer is how many rows."""
    rows = 0
    for symbol, instrument in enumerate(exchange.instruments):
        if not instrument.is_over(now):
            continue
        price, exec_type, rate_e8 = exchange.paths[symbol].at(now), SETTLE, SETTLE_RATE_E8
        if instrument.category == "option":
            under = exchange.paths[underlying_of(instrument)].at(now)
            price, exec_type = settlement_value(instrument, under), DELIVERY
            rate_e8 = DELIVERY_RATE_E8 if price else 0
        rows += exchange.deliver(
            symbol, time_ms=now, price=price, exec_type=exec_type, rate_e8=rate_e8
        )
    return rows


def delivery_times(exchange: Exchange, *, start_ms: int, end_ms: int) -> list[int]:
    """When something is delivered inside the history."""
    return sorted(
        {one.delivery_ms for one in exchange.instruments if start_ms < one.delivery_ms < end_ms}
    )
