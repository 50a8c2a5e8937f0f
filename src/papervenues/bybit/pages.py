"""`GET /v5/execution/list`: filters, windows and keyset cursors over one account's rows.

A cursor names the first and the last place of its page, each with a check number, so that a
made-up cursor is refused. The next page begins below the last place. A cursor of the fault
`cursor_loop` begins with its first place instead and so brings its own page again. A page that
has rows always has a cursor; only the empty page after the last one has none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from papervenues.bybit.envelope import PARAMETERS, RefusalError
from papervenues.bybit.history import EXEC_TYPES, AccountHistory
from papervenues.bybit.query import category_of, limit_of, window_of
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.served import Filter, Served
from papervenues.draws import digest_of
from papervenues.faults import FaultPlan
from papervenues.market import INSTRUMENTS, SYMBOLS

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
SETTLE_COIN = "USDT"
# Types that the venue documents; those that this account never has give empty lists.
KNOWN_EXEC_TYPES = frozenset(EXEC_TYPES) | {
    "Delivery", "Settle", "BlockTrade", "MovePosition", "FutureSpread", "SessionSettlePnL",
    "CorporateAction",
}  # fmt: skip
_CURSOR = re.compile(r"(\d{1,12}):(\d{1,9}),(\d{1,12}):(\d{1,9})", re.ASCII)
_CHECK_BOUND = 10**9


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for one page, understood."""

    category: str
    wanted: Filter | None
    symbol: str
    start_ms: int
    end_ms: int
    limit: int
    before: int | None
    cursor: str


class AccountPages:
    """Everything that is served of one account's executions."""

    def __init__(self, history: AccountHistory, *, faults: FaultPlan) -> None:
        self.history = history
        self.encoder = RowEncoder(history)
        self.served = Served(history, faults=faults)
        self._order_numbers: dict[str, int] | None = None

    def understand(self, query: Mapping[str, str], *, now_ms: int) -> Ask:
        """Read a query by the venue's rules, or refuse it."""
        category = category_of(query)
        limit = limit_of(query, default=LIMIT_DEFAULT, maximum=LIMIT_MAX)
        by_order = bool(query.get("orderId") or query.get("orderLinkId"))
        # An order's id switches all other filters off, time included.
        window = window_of({} if by_order else query, now_ms=now_ms)
        cursor = query.get("cursor", "")
        return Ask(
            category=category,
            wanted=self._filter(query) if category == "linear" else None,
            symbol="" if by_order else query.get("symbol", ""),
            start_ms=0 if by_order else window.start_ms,
            end_ms=min(now_ms, window.end_ms),
            limit=limit,
            before=self._place_before(cursor) if cursor else None,
            cursor=cursor,
        )

    def page(self, ask: Ask, *, duplicate: bool, loop: bool) -> bytes:
        """The result object that answers the request."""
        if ask.wanted is None:
            return _result(ask.category, cursor="", rows=[])
        if not ask.cursor:
            self.served.count_walk(start_ms=ask.start_ms, end_ms=ask.end_ms)
        places = self._places(ask, ask.wanted, duplicate=duplicate)
        rows = [self.encoder.row(self.served.row_at(place)) for place in places]
        return _result(ask.category, cursor=self._next_cursor(ask, places, loop=loop), rows=rows)

    def _places(self, ask: Ask, wanted: Filter, *, duplicate: bool) -> list[int]:
        # Repeated rows take the room of others, so that a page never exceeds its limit.
        spare = min(2, ask.limit - 1) if duplicate else 0
        places = self._below(ask, wanted, before=ask.before, limit=ask.limit - spare)
        if spare and places:
            places.insert(len(places) // 2, places[len(places) // 2])
        if spare > 1 and places and ask.before is not None:
            # The last row of the page before, if it is one that this request may see.
            previous = self._below(ask, wanted, before=ask.before + 1, limit=1)
            places = [place for place in previous if place == ask.before] + places
        return places

    def _below(self, ask: Ask, wanted: Filter, *, before: int | None, limit: int) -> list[int]:
        return self.served.newest_first(
            wanted, start_ms=ask.start_ms, end_ms=ask.end_ms, before=before, limit=limit
        )

    def _next_cursor(self, ask: Ask, places: list[int], *, loop: bool) -> str:
        if loop and ask.cursor:
            return quote(ask.cursor, safe="")
        if not places:
            return ""
        first, last = max(places), min(places)
        if loop:
            return self._cursor(first, first + 1)
        return self._cursor(first, last)

    def _cursor(self, first: int, last: int) -> str:
        text = f"{first}:{self._check(first)},{last}:{self._check(last)}"
        return quote(text, safe="")

    def _check(self, place: int) -> int:
        return digest_of("cursor", self.history.seed, self.history.user_id, place) % _CHECK_BOUND

    def _place_before(self, cursor: str) -> int:
        match = _CURSOR.fullmatch(cursor)
        if match is not None:
            first, first_check, last, last_check = (int(part) for part in match.groups())
            if (first_check, last_check) == (self._check(first), self._check(last)):
                return last
        raise RefusalError(PARAMETERS, "params error: cursor invalid")

    def _filter(self, query: Mapping[str, str]) -> Filter | None:
        """The filter of a query; None when nothing can match it."""
        if order_id := query.get("orderId"):
            return self._order_filter(self._numbers_of_orders().get(order_id))
        if link_id := query.get("orderLinkId"):
            links = self.history.orders.link_id
            return self._order_filter(links.index(link_id) if link_id in links else None)
        exec_type = query.get("execType", "")
        if exec_type and exec_type not in KNOWN_EXEC_TYPES:
            raise RefusalError(PARAMETERS, "params error: execType invalid")
        symbol = _symbol_number(query)
        foreign = query.get("settleCoin", "") not in ("", SETTLE_COIN)
        if foreign or symbol == -1 or (exec_type and exec_type not in EXEC_TYPES):
            return None
        return Filter(symbol, EXEC_TYPES.index(exec_type) if exec_type else None)

    def _order_filter(self, number: int | None) -> Filter | None:
        return None if number is None else Filter(order=number)

    def _numbers_of_orders(self) -> dict[str, int]:
        if self._order_numbers is None:
            count = len(self.history.orders.qty)
            self._order_numbers = {self.encoder.order_id(number): number for number in range(count)}
        return self._order_numbers


def _symbol_number(query: Mapping[str, str]) -> int | None:
    """The asked symbol's index, None for all, -1 for a base coin that is not traded here."""
    if symbol := query.get("symbol"):
        if symbol not in SYMBOLS:
            raise RefusalError(PARAMETERS, "params error: symbol invalid")
        return SYMBOLS.index(symbol)
    if base := query.get("baseCoin"):
        bases = [instrument.base for instrument in INSTRUMENTS]
        return bases.index(base) if base in bases else -1
    return None


def _result(category: str, *, cursor: str, rows: list[bytes]) -> bytes:
    return b'{"nextPageCursor":"%b","category":"%b","list":[%b]}' % (
        cursor.encode(),
        category.encode(),
        b",".join(rows),
    )
