"""The strategies that trade on the paper account, and the client ids they write.

A style says where a bot trades, which way it leans and how it gets out. Its client ids carry
the true reason of each order, in the compact dialect `f1-<bot>-<rr>-<time><nn>` or, now and
then, in the older dialect `bot_id-reason-timestamp`. Both keep to the venue's 36 characters.
"""

from dataclasses import dataclass, field
from enum import Enum

from papervenues.draws import Draws

LINK_ID_MAX = 36
DASH_DIALECT_PERCENT = 6
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class Reason(Enum):
    """Why an order was sent: the two-character code and the word of the older dialect."""

    ENTRY = ("en", "entry")
    ADD = ("ad", "add")
    REDUCE = ("rd", "reduce")
    TAKE_PROFIT = ("tp", "take_profit")
    STOP_LOSS = ("sl", "stop_loss")
    TRAILING_STOP = ("ts", "trailing_stop")
    TRAILING_PROFIT = ("tt", "trailing_tp")
    TIME_EXIT = ("tm", "time_exit")
    SIGNAL = ("ex", "signal")
    EXIT = ("ex", "exit")
    REVERSAL = ("rv", "reversal")


GAINING_EXITS = (
    Reason.TAKE_PROFIT,
    Reason.TAKE_PROFIT,
    Reason.TAKE_PROFIT,
    Reason.TRAILING_STOP,
    Reason.TRAILING_PROFIT,
    Reason.TIME_EXIT,
    Reason.SIGNAL,
    Reason.EXIT,
)
LOSING_EXITS = (
    Reason.STOP_LOSS,
    Reason.STOP_LOSS,
    Reason.STOP_LOSS,
    Reason.TRAILING_STOP,
    Reason.TIME_EXIT,
    Reason.TIME_EXIT,
    Reason.SIGNAL,
    Reason.EXIT,
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a kind of bot behaves; percentages are whole numbers."""

    name: str
    symbols: tuple[str, ...]
    long_percent: int
    insight_percent: int  # how often an entry takes the side that will prove right
    maker_percent: int
    flip_percent: int
    adds_max: int
    notional_min: int
    notional_max: int


@dataclass(frozen=True, slots=True)
class Bot:
    """One named strategy instance."""

    name: str
    style: Style


STYLES = (
    Style(
        "shortseller", ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "1000PEPEUSDT"),
        long_percent=8, insight_percent=28, maker_percent=35, flip_percent=3,
        adds_max=3, notional_min=800, notional_max=9_000,
    ),
    Style(
        "lxalgo", ("BTCUSDT", "ETHUSDT", "XRPUSDT", "ADAUSDT", "LINKUSDT"),
        long_percent=55, insight_percent=66, maker_percent=45, flip_percent=14,
        adds_max=2, notional_min=500, notional_max=12_000,
    ),
    Style(
        "momentum", ("BTCUSDT", "SOLUSDT", "ETHUSDT", "XRPUSDT", "DOGEUSDT"),
        long_percent=70, insight_percent=56, maker_percent=15, flip_percent=8,
        adds_max=4, notional_min=1_000, notional_max=15_000,
    ),
    Style(
        "grid", ("BTCUSDT", "XRPUSDT", "ADAUSDT"),
        long_percent=50, insight_percent=12, maker_percent=92, flip_percent=2,
        adds_max=6, notional_min=200, notional_max=1_500,
    ),
    Style(
        "meanrev", ("ETHUSDT", "SOLUSDT", "LINKUSDT"),
        long_percent=50, insight_percent=10, maker_percent=60, flip_percent=5,
        adds_max=2, notional_min=500, notional_max=6_000,
    ),
    Style(
        "breakout", ("BTCUSDT", "DOGEUSDT", "1000PEPEUSDT"),
        long_percent=60, insight_percent=8, maker_percent=10, flip_percent=10,
        adds_max=3, notional_min=700, notional_max=8_000,
    ),
)  # fmt: skip


def bots_of(count: int) -> tuple[Bot, ...]:
    """The first bots by pattern: shortseller_001, lxalgo_001, momentum_001, grid_004, ..."""
    named = ("shortseller_001", "lxalgo_001", "momentum_001")
    return tuple(
        Bot(
            name=named[number] if number < len(named) else f"{style.name}_{number + 1:03d}",
            style=style,
        )
        for number, style in ((number, STYLES[number % len(STYLES)]) for number in range(count))
    )


def base36(number: int, *, width: int) -> str:
    """Lowercase base 36, padded with zeros."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _BASE36[rest] + digits
    return digits.rjust(width, "0")


@dataclass(slots=True)
class ClientIds:
    """Writes unique client ids for the orders of one account's bots."""

    draws: Draws
    _last_ms: dict[str, tuple[int, int]] = field(default_factory=dict)
    _dash_used: set[str] = field(default_factory=set)

    def write(self, bot: str, *, reason: Reason, time_ms: int) -> str:
        """The client id of an order sent at this instant."""
        if self.draws.percent(DASH_DIALECT_PERCENT):
            dashed = self._dashed(bot, reason=reason, time_ms=time_ms)
            if dashed is not None:
                return dashed
        last_ms, count = self._last_ms.get(bot, (0, 0))
        count = count + 1 if last_ms == time_ms else 0
        self._last_ms[bot] = (time_ms, count)
        stamp = base36(time_ms, width=8) + base36(count, width=2)
        return f"f1-{bot}-{reason.value[0]}-{stamp}"

    def _dashed(self, bot: str, *, reason: Reason, time_ms: int) -> str | None:
        # Long names leave room for seconds only, and some reasons for no stamp at all.
        for stamp in (time_ms, time_ms // 1000):
            text = f"{bot}-{reason.value[1]}-{stamp}"
            if len(text) <= LINK_ID_MAX and text not in self._dash_used:
                self._dash_used.add(text)
                return text
        return None
