"""One page of any list that is sorted by time, newest first.

Rows have *places*: 0, 1, 2, ... in the order of their times. A list is a column of times, a
filter on places and a writer of rows. A page that has rows always has a cursor; only the empty
page after the last one has none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from papervenues.bybit.asked import Asked
from papervenues.bybit.cursors import Shape
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.query import limit_of
from papervenues.bybit.windows import WindowRule, window_by


@dataclass(frozen=True, slots=True)
class ListRule:
    """What the venue documents of one list; without a window it is a snapshot."""

    limit_default: int
    limit_max: int
    window: WindowRule | None = None
    list_name: str = "list"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one list of one account."""

    times: Sequence[int]
    row: Callable[[int], bytes]
    shape: Shape
    keep: Callable[[int], bool] = field(default=lambda _place: True)


def page_of(
    asked: Asked, rule: ListRule, rows: Rows, *, head: dict[str, str] | None = None
) -> Listing:
    """The page that a request asks for, or a refusal."""
    limit = limit_of(asked.query, default=rule.limit_default, maximum=rule.limit_max)
    low, high = _span(asked, rule, rows.times)
    cursor = asked.query.get("cursor", "")
    if cursor:
        before = rows.shape.read(cursor)
        if before is None or not 0 <= before <= len(rows.times):
            raise RefusalError(PARAMETERS, "params error: cursor invalid")
        high = min(high, before)
    places = _newest_first(rows.keep, low=low, high=high, limit=limit)
    return Listing(
        rows=[rows.row(place) for place in places],
        cursor=_written(rows.shape, places[0], places[-1]) if places else "",
        list_name=rule.list_name,
        head=head or {},
    )


def places_at(times: Sequence[int], stamp: int) -> range:
    """The places of one instant."""
    return range(bisect_left(times, stamp), bisect_right(times, stamp))


def _span(asked: Asked, rule: ListRule, times: Sequence[int]) -> tuple[int, int]:
    if rule.window is None:
        return 0, bisect_right(times, asked.now_ms)
    window = window_by(rule.window, asked.query, now_ms=asked.now_ms)
    end_ms = min(window.end_ms, asked.now_ms)
    return bisect_left(times, window.start_ms), bisect_right(times, end_ms)


def _newest_first(keep: Callable[[int], bool], *, low: int, high: int, limit: int) -> list[int]:
    places: list[int] = []
    for place in range(high - 1, low - 1, -1):
        if keep(place):
            places.append(place)
            if len(places) == limit:
                break
    return places


def _written(shape: Shape, first: int, last: int) -> str:
    return quote(shape.write(first, last), safe="")
