"""Candles of a price path: open, high, low, close of each interval, as texts.

Prices between two points of a path's grid lie on a straight line, so that a candle's extremes
are at its ends or on the grid. Volume and turnover are made up.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from papervenues.bybit.settings import DAY_MS, MINUTE_MS
from papervenues.bybit.values import plain
from papervenues.market import GRID_MS, Instrument, PricePath

MONTH_MS = 31 * DAY_MS
INTERVALS_MS = {
    **{str(minutes): minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": DAY_MS,
    "W": 7 * DAY_MS,
    "M": MONTH_MS,
}
# Weeks begin on Monday; 1970-01-05 was one.
FIRST_MONDAY_MS = 4 * DAY_MS
GRID_POINTS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """Which candles are asked for; bounds are inclusive and may be open."""

    step_ms: int
    start_ms: int | None
    end_ms: int | None
    limit: int
    now_ms: int


def candles_of(instrument: Instrument, path: PricePath, span: Span) -> list[list[str]]:
    """The newest candles of the span, newest first; none begins after now."""
    last = span.now_ms if span.end_ms is None else min(span.end_ms, span.now_ms)
    oldest = max(path.start_ms, instrument.launch_ms)
    if span.start_ms is not None:
        oldest = max(oldest, span.start_ms)
        if span.end_ms is None:
            reach = _begin(span.start_ms, span.step_ms) + span.step_ms * (span.limit - 1)
            last = min(span.now_ms, reach)
    if instrument.delivery_ms:
        last = min(last, instrument.delivery_ms - 1)
    rows: list[list[str]] = []
    begin = _begin(last, span.step_ms)
    while len(rows) < span.limit and begin >= _begin(oldest, span.step_ms) and last >= oldest:
        rows.append(_candle(instrument, path, begin, end=min(_end(begin, span.step_ms), last + 1)))
        begin = _begin(begin - 1, span.step_ms)
    return rows


def _begin(time_ms: int, step_ms: int) -> int:
    if step_ms == MONTH_MS:
        day = datetime.fromtimestamp(time_ms // 1000, UTC)
        return time_ms - time_ms % DAY_MS - (day.day - 1) * DAY_MS
    if step_ms == 7 * DAY_MS:
        return time_ms - (time_ms - FIRST_MONDAY_MS) % step_ms
    return time_ms - time_ms % step_ms


def _end(begin: int, step_ms: int) -> int:
    return _begin(begin + step_ms, step_ms)


def _candle(instrument: Instrument, path: PricePath, begin: int, *, end: int) -> list[str]:
    first = path.start_ms + ((begin - path.start_ms) // GRID_MS + 1) * GRID_MS
    stride = GRID_MS * max(1, (end - begin) // GRID_MS // GRID_POINTS_MAX)
    opened, closed = path.at(begin), path.at(max(begin, end - 1))
    seen = [opened, closed, *(path.at(at) for at in range(first, end, stride))]
    volume = 1_000 + begin // MINUTE_MS % 977
    turnover = volume * closed
    return [
        str(begin),
        *(
            plain(price, instrument.price_decimals)
            for price in (opened, max(seen), min(seen), closed)
        ),
        str(volume),
        plain(turnover, instrument.price_decimals),
    ]
