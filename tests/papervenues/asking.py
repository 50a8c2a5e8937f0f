"""Asks the paper Bybit's routes directly, without a socket: pages, and walks over them."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import unquote

import msgspec

from papervenues.bybit import Settings, history_of
from papervenues.bybit.asked import Asked
from papervenues.bybit.envelope import rendered
from papervenues.bybit.routes import ROUTES
from papervenues.bybit.switches import Switches
from papervenues.bybit.venue import Venue
from tests.papervenues.paper_client import DAY_MS, END_MS, Row

ALL = ("linear", "inverse", "spot", "option")
PAGES_MAX = 2_000
Query = Mapping[str, object]
NOTHING: Query = MappingProxyType({})


def settings_of(
    *,
    executions: int = 1_500,
    days: int = 40,
    seed: int = 7,
    hedge: bool = False,
    categories: tuple[str, ...] = ALL,
    switches: tuple[str, ...] = (),
) -> Settings:
    """A history of all categories, unless told otherwise, that ends in the past."""
    return Settings(
        end_ms=END_MS,
        executions=executions,
        days=days,
        seed=seed,
        hedge=hedge,
        categories=categories,
        switches=Switches.of(switches),
    )


@lru_cache(maxsize=8)
def venue_of(settings: Settings, now_ms: int = END_MS) -> Venue:
    """A venue whose clock stands still."""
    return Venue(history_of(settings), clock=lambda: now_ms)


def ask(venue: Venue, path: str, query: Query = NOTHING, *, kind: str = "read") -> Row:
    """The result of one request with the first account's key of a kind."""
    key = next(key for key in venue.keys.values() if key.kind == kind and key.account == 0)
    texts = {name: str(value) for name, value in query.items() if value != ""}
    asked = Asked(venue, key, texts, venue.clock())
    decoded: Row = msgspec.json.decode(rendered(ROUTES["GET", f"/v5/{path}"].answer(asked)))
    return decoded


def walk(venue: Venue, path: str, query: Query = NOTHING, *, name: str = "list") -> list[Row]:
    """All rows of one window, page by page until the empty one."""
    rows: list[Row] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        result = ask(venue, path, {**query, "cursor": unquote(cursor)})
        rows += result[name]
        cursor = result["nextPageCursor"]
        if not result[name]:
            assert cursor == "", "the empty page has no cursor"
            return rows
        assert cursor, "a page with rows has a cursor"
    raise AssertionError("the walk does not end")


def everything(
    venue: Venue,
    path: str,
    query: Query = NOTHING,
    *,
    days: int = 7,
    name: str = "list",
    bounds: tuple[str, str] = ("startTime", "endTime"),
    unit_ms: int = 1,
) -> list[Row]:
    """All rows of the history, oldest window first, each window in true order."""
    rows: list[Row] = []
    start, end = venue.settings.start_ms, venue.clock()
    while start < end:
        stop = min(start + days * DAY_MS, end)
        # Bounds are inclusive, so that neighbouring windows must not share one to be disjoint.
        window = {bounds[0]: -(-start // unit_ms), bounds[1]: (stop - 1) // unit_ms}
        rows += walk(venue, path, {**query, **window}, name=name)[::-1]
        start = stop
    return rows
