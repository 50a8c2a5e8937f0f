"""Which instruments a run lists, in all categories, and what their prices follow.

The first eight are the linear USDT perpetuals, whose prices walk by themselves. All others
follow one of those, so that one coin has one price everywhere: a spot pair, an inverse or a
USDC contract at a fixed distance, an option by its intrinsic value and a time value that
melts towards its expiry. Dates depend on the start and the end of history only:

- a dated future and options that expire on a Friday at 08:00 UTC inside the history, when it
  is long enough, and others that expire after its end;
- a perpetual that is delisted inside the history.
"""

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isqrt

from papervenues.bybit.settings import DAY_MS, HOUR_MS
from papervenues.market import GRID_MS, INSTRUMENTS, SYMBOLS, Instrument, PricePath, price_paths

WEEK_MS = 7 * DAY_MS
# 1970-01-02 was a Friday; contracts are delivered at eight.
FIRST_FRIDAY_MS = DAY_MS + 8 * HOUR_MS
OPTION_LIFE_MS = 21 * DAY_MS
EXPIRIES_INSIDE_MAX = 4
AFTER_START_MS = 2 * DAY_MS
BEFORE_END_MS = 12 * HOUR_MS
TIME_VALUE_PERCENT = 4  # of the price, at the money, a whole life before expiry
TIME_VALUE_REACH_PERCENT = 20  # how far from the strike there is any
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
OPTION_MAKER_E8, OPTION_TAKER_E8 = 20_000, 30_000
SPOT_RATE_E8 = 100_000
SPOT_REBATE_E8 = -5_000
_LAUNCH_MS = 1_640_995_200_000


@dataclass(frozen=True, slots=True)
class Market:
    """The instruments of a run and their prices, in the same order."""

    instruments: tuple[Instrument, ...]
    paths: tuple[PricePath, ...]


def market_of(*, seed: int, start_ms: int, end_ms: int) -> Market:
    """Everything that is listed, with the price of each over the whole history."""
    walked = price_paths(seed=seed, start_ms=start_ms, end_ms=end_ms)
    instruments = instruments_of(start_ms=start_ms, end_ms=end_ms)
    followed = tuple(
        _premiums(one, walked) if one.category == "option" else _followed(one, walked)
        for one in instruments[len(INSTRUMENTS) :]
    )
    return Market(instruments, walked + followed)


def instruments_of(*, start_ms: int, end_ms: int) -> tuple[Instrument, ...]:
    """All instruments of a run; the first eight are always the same."""
    return (
        *INSTRUMENTS,
        *_more_linear(start_ms, end_ms),
        _inverse("BTC", 2, 9_431_200, 2_600),
        _inverse("ETH", 2, 318_742, 3_400),
        _spot("BTC", 2, 6, 9_431_200),
        _spot("ETH", 2, 5, 318_742),
        _spot("SOL", 2, 3, 17_836),
        _spot("DOGE", 5, 1, 21_874, maker_e8=SPOT_REBATE_E8),
        _spot("MNT", 4, 2, 10_400),
        *_options(start_ms, end_ms),
    )


def underlying_of(instrument: Instrument) -> int:
    """The number of the perpetual that an instrument follows."""
    if instrument.base in _FOLLOWS:
        return _FOLLOWS[instrument.base]
    return SYMBOLS.index(f"{instrument.base}USDT")


# Coins without a walk of their own keep in step with another one.
_FOLLOWS = {
    "FTM": SYMBOLS.index("ADAUSDT"),
    "SHIB1000": SYMBOLS.index("DOGEUSDT"),
    "MNT": SYMBOLS.index("XRPUSDT"),
}


def _more_linear(start_ms: int, end_ms: int) -> tuple[Instrument, ...]:
    inside = _fridays(start_ms, end_ms)
    near = inside[-1] if inside else _friday_after(end_ms)
    later = _friday_after(end_ms) + 2 * WEEK_MS
    gone = (start_ms + (end_ms - start_ms) * 6 // 10) // HOUR_MS * HOUR_MS
    return (
        Instrument(
            "BTCPERP", "BTC", 1, 3, 1, 943_220, 2_600, 8, _LAUNCH_MS, 500_000,
            quote="USDC", settle="USDC",
        ),
        _dated("BTC", 1, 3, first_price=946_900, swing=2_600, delivery_ms=near),
        _dated("ETH", 2, 2, first_price=320_130, swing=3_400, delivery_ms=later),
        Instrument(
            "FTMUSDT", "FTM", 4, 0, 1, 6_984, 4_400, 5, _LAUNCH_MS, 3_000_000, delivery_ms=gone,
        ),
        Instrument("SHIB1000USDT", "SHIB1000", 6, 0, 10, 12_160, 5_200, 4, _LAUNCH_MS, 10**8),
    )  # fmt: skip


def _dated(
    base: str, price_decimals: int, qty_decimals: int, *, first_price: int, swing: int,
    delivery_ms: int,
) -> Instrument:  # fmt: skip
    return Instrument(
        f"{base}USDT-{_date(delivery_ms, width=2)}", base, price_decimals, qty_decimals, 1,
        first_price, swing, 6, delivery_ms - 26 * WEEK_MS, 100_000,
        contract="LinearFutures", delivery_ms=delivery_ms,
    )  # fmt: skip


def _inverse(base: str, price_decimals: int, first_price: int, swing: int) -> Instrument:
    return Instrument(
        f"{base}USD", base, price_decimals, 0, 1, first_price, swing, 12, 1_542_000_000_000,
        25_000_000, category="inverse", contract="InversePerpetual", quote="USD", settle=base,
    )  # fmt: skip


def _spot(
    base: str, price_decimals: int, qty_decimals: int, first_price: int, *,
    maker_e8: int = SPOT_RATE_E8,
) -> Instrument:  # fmt: skip
    return Instrument(
        f"{base}USDT", base, price_decimals, qty_decimals, 1, first_price, 4_000, 10, _LAUNCH_MS,
        10**9, category="spot", contract="Spot", settle="", maker_e8=maker_e8,
        taker_e8=SPOT_RATE_E8,
    )  # fmt: skip


def _options(start_ms: int, end_ms: int) -> tuple[Instrument, ...]:
    inside = _fridays(start_ms, end_ms)
    step = max(1, len(inside) // EXPIRIES_INSIDE_MAX)
    expiries = (*inside[::-step][:EXPIRIES_INSIDE_MAX][::-1], _friday_after(end_ms) + WEEK_MS)
    return tuple(
        option
        for expiry in expiries
        for option in (
            _option("BTC", 95_000, "Call", expiry),
            _option("BTC", 94_000, "Put", expiry),
            _option("ETH", 3_200, "Call", expiry),
            _option("ETH", 3_150, "Put", expiry),
        )
    )


def _option(base: str, strike: int, option_type: str, expiry: int) -> Instrument:
    decimals, qty_decimals, tick = (0, 2, 5) if base == "BTC" else (1, 1, 1)
    under = INSTRUMENTS[SYMBOLS.index(f"{base}USDT")]
    return Instrument(
        f"{base}-{_date(expiry, width=1)}-{strike}-{option_type[0]}-USDT", base, decimals,
        qty_decimals, 1, 3_000 if base == "BTC" else 1_000, 20_000, 4, expiry - OPTION_LIFE_MS,
        50_000, category="option", contract="Option", delivery_ms=expiry,
        strike=strike * 10**under.price_decimals, option_type=option_type, tick=tick,
        maker_e8=OPTION_MAKER_E8, taker_e8=OPTION_TAKER_E8,
    )  # fmt: skip


def _fridays(start_ms: int, end_ms: int) -> list[int]:
    """The Fridays that lie well inside the history."""
    first = _friday_after(start_ms + AFTER_START_MS)
    return list(range(first, end_ms - BEFORE_END_MS + 1, WEEK_MS))


def _friday_after(time_ms: int) -> int:
    return time_ms + WEEK_MS - (time_ms - FIRST_FRIDAY_MS) % WEEK_MS


def _date(time_ms: int, *, width: int) -> str:
    day = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{day.day:0{width}d}{MONTHS[day.month - 1]}{day.year % 100:02d}"


def _followed(instrument: Instrument, walked: tuple[PricePath, ...]) -> PricePath:
    number = underlying_of(instrument)
    first, divisor = instrument.first_price, INSTRUMENTS[number].first_price
    path = walked[number]
    return PricePath(path.start_ms, array("q", [p * first // divisor for p in path.points]))


def _premiums(option: Instrument, walked: tuple[PricePath, ...]) -> PricePath:
    number = underlying_of(option)
    path = walked[number]
    first = max(0, (option.launch_ms - path.start_ms) // GRID_MS)
    last = min(len(path.points) - 1, (option.delivery_ms - path.start_ms) // GRID_MS)
    start = path.start_ms + first * GRID_MS
    points = [
        premium(option, path.points[place], left_ms=option.delivery_ms - path.start_ms
                - place * GRID_MS)
        for place in range(first, max(first, last) + 1)
    ]  # fmt: skip
    return PricePath(start, array("q", points))


def premium(option: Instrument, under: int, *, left_ms: int) -> int:
    """What an option is worth so long before its expiry, in its ticks."""
    gap = abs(under - option.strike)
    near = max(0, TIME_VALUE_REACH_PERCENT * under - 100 * gap)
    share = isqrt(max(0, left_ms) * 10**8 // OPTION_LIFE_MS)  # 10^4 for a whole life
    extra = under * TIME_VALUE_PERCENT * near * share
    value = _intrinsic(option, under) + extra // (100 * TIME_VALUE_REACH_PERCENT * under * 10**4)
    return max(option.tick, _in_ticks(option, value))


def settlement_value(option: Instrument, under: int) -> int:
    """What an option pays at its expiry, a unit: its intrinsic value in price units."""
    return _scaled(option, _intrinsic(option, under))


def _intrinsic(option: Instrument, under: int) -> int:
    gain = under - option.strike
    return max(0, gain if option.option_type == "Call" else -gain)


def _in_ticks(option: Instrument, value: int) -> int:
    return _scaled(option, value) // option.tick * option.tick


def _scaled(option: Instrument, value: int) -> int:
    """A price of the underlying's decimals in the option's own, rounded down."""
    under = INSTRUMENTS[underlying_of(option)]
    return int(value * 10**option.price_decimals // 10**under.price_decimals)
