"""Instruments and their price paths.

`INSTRUMENTS` are the eight linear USDT perpetuals that every history has first; what else a run
lists is in `bybit/listings.py`. A symbol may exist in two categories.

Prices are integers in ticks (a tick is ten to the minus `price_decimals`), quantities are
integers in units (ten to the minus `qty_decimals`) and multiples of `qty_step`. A path is a
random walk on a grid of five minutes that is pulled back towards its starting price, so that
it stays plausible over years. Between two points of the grid the price is interpolated.
"""

from array import array
from dataclasses import dataclass

from papervenues.draws import Draws

GRID_MS = 300_000
PULL_DIVISOR = 4_000
SWING_SCALE = 1_000_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """Something that is traded: by default a linear USDT perpetual."""

    symbol: str
    base: str
    price_decimals: int
    qty_decimals: int
    qty_step: int
    first_price: int
    swing: int
    weight: int
    launch_ms: int
    qty_max: int
    category: str = "linear"
    contract: str = "LinearPerpetual"
    quote: str = "USDT"
    settle: str = "USDT"
    delivery_ms: int = 0  # 0: never
    strike: int = 0  # in ticks of the underlying's price
    option_type: str = ""
    tick: int = 1
    maker_e8: int = 20_000
    taker_e8: int = 55_000

    @property
    def value_decimals(self) -> int:
        """Decimals of a quantity times a price."""
        return self.price_decimals + self.qty_decimals

    @property
    def value_scale(self) -> int:
        """Units of value in one USDT."""
        return int(10**self.value_decimals)

    @property
    def is_inverse(self) -> bool:
        """Whether quantities are in the quote currency and values in the base coin."""
        return self.category == "inverse"

    @property
    def hold_scale(self) -> int:
        """What one unit of an order's quantity is in units of a holding.

        Spot is held in units of 10^-8, since fees may be taken in the base coin.
        """
        return int(10 ** (8 - self.qty_decimals)) if self.category == "spot" else 1

    def is_over(self, now_ms: int) -> bool:
        """Whether it has been delivered or delisted."""
        return 0 < self.delivery_ms <= now_ms


INSTRUMENTS = (
    Instrument("BTCUSDT", "BTC", 1, 3, 1, 943_120, 2_600, 30, 1_585_526_400_000, 1_190_000),
    Instrument("ETHUSDT", "ETH", 2, 2, 1, 318_742, 3_400, 22, 1_603_843_200_000, 724_000),
    Instrument("SOLUSDT", "SOL", 2, 1, 1, 17_836, 4_600, 16, 1_634_256_000_000, 798_800),
    Instrument("XRPUSDT", "XRP", 4, 0, 1, 23_415, 4_000, 11, 1_620_777_600_000, 6_200_000),
    Instrument("DOGEUSDT", "DOGE", 5, 0, 1, 21_874, 5_200, 10, 1_620_864_000_000, 40_000_000),
    Instrument("1000PEPEUSDT", "1000PEPE", 7, 0, 100, 96_410, 6_400, 6, 1_683_504_000_000, 10**9),
    Instrument("ADAUSDT", "ADA", 4, 0, 1, 7_268, 4_400, 3, 1_614_211_200_000, 9_000_000),
    Instrument("LINKUSDT", "LINK", 3, 1, 1, 16_935, 4_200, 2, 1_614_211_200_000, 2_300_000),
)
SYMBOLS = tuple(instrument.symbol for instrument in INSTRUMENTS)


def instrument_number(
    instruments: tuple[Instrument, ...], category: str, symbol: str
) -> int | None:
    """The place of an instrument among those of a run, or None."""
    for number, instrument in enumerate(instruments):
        if instrument.symbol == symbol and instrument.category == category:
            return number
    return None


@dataclass(frozen=True, slots=True)
class PricePath:
    """The price of one instrument over the whole history, in ticks."""

    start_ms: int
    points: "array[int]"

    def at(self, time_ms: int) -> int:
        """The price at an instant; before and after the path, its first and last price."""
        index, rest = divmod(time_ms - self.start_ms, GRID_MS)
        if index < 0:
            return self.points[0]
        if index >= len(self.points) - 1:
            return self.points[-1]
        here = self.points[index]
        return here + (self.points[index + 1] - here) * rest // GRID_MS


def price_paths(*, seed: int, start_ms: int, end_ms: int) -> tuple[PricePath, ...]:
    """One path for each instrument, in the order of `INSTRUMENTS`."""
    steps = (end_ms - start_ms) // GRID_MS + 2
    return tuple(
        PricePath(start_ms, _walk(instrument, steps=steps, seed=seed)) for instrument in INSTRUMENTS
    )


def _walk(instrument: Instrument, *, steps: int, seed: int) -> "array[int]":
    below = Draws("price", seed, instrument.symbol).below
    swing, anchor, price = instrument.swing, instrument.first_price, instrument.first_price
    floor = anchor // 4
    points = array("q", [price])
    for _ in range(steps):
        move = below(swing) + below(swing) - swing + 1
        # A small extra step of one tick keeps low prices from freezing under integer division.
        drift = price * move // SWING_SCALE + (anchor - price) // PULL_DIVISOR + below(3) - 1
        price = max(floor, price + drift)
        points.append(price)
    return points
