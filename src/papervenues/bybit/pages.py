"""`GET /v5/execution/list`: filters, windows and keyset cursors over one account's rows.

A cursor names the first and the last place of its page, each with a check number, so that a
made-up cursor is refused. The next page begins below the last place. A page that has rows
always has a cursor; only the empty page after the last one has none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.query import category_of, limit_of, window_of
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.served import Filter, Served
from papervenues.bybit.vocabulary import EXEC_TYPES
from papervenues.draws import digest_of
from papervenues.faults import FaultPlan
from papervenues.market import instrument_number

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
OPTION_BASE_DEFAULT = "BTC"
# The venue calls some rows UNKNOWN, but takes neither that nor an empty text for a filter.
KNOWN_EXEC_TYPES = frozenset(EXEC_TYPES) - {"UNKNOWN", ""}
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
        self._order_numbers: dict[str, int] = {}

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
            wanted=self._filter(query, category),
            symbol="" if by_order else query.get("symbol", ""),
            start_ms=0 if by_order else window.start_ms,
            end_ms=min(now_ms, window.end_ms),
            limit=limit,
            before=self._place_before(cursor) if cursor else None,
            cursor=cursor,
        )

    def page(self, ask: Ask) -> Listing:
        """The page that answers the request."""
        head = {"category": ask.category}
        if ask.wanted is None:
            return Listing([], "", head=head)
        if not ask.cursor:
            self.served.count_walk(start_ms=ask.start_ms, end_ms=ask.end_ms)
        places = self._below(ask, ask.wanted, before=ask.before, limit=ask.limit)
        if not places:
            return Listing([], "", head=head)
        first, last = max(places), min(places)
        return Listing(
            [self.encoder.row(self.served.row_at(place)) for place in places],
            self._cursor(first, last),
            head=head,
            again=quote(ask.cursor, safe="") or self._cursor(first, first + 1),
        )

    def _below(self, ask: Ask, wanted: Filter, *, before: int | None, limit: int) -> list[int]:
        return self.served.newest_first(
            wanted, start_ms=ask.start_ms, end_ms=ask.end_ms, before=before, limit=limit
        )

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

    def _filter(self, query: Mapping[str, str], category: str) -> Filter | None:
        """The filter of a query; None when nothing can match it."""
        if order_id := query.get("orderId"):
            return self._order_filter(self._numbers_of_orders().get(order_id), category)
        if link_id := query.get("orderLinkId"):
            links = self.history.orders.link_id
            number = links.index(link_id) if link_id in links else None
            return self._order_filter(number, category)
        exec_type = query.get("execType", "")
        if exec_type and exec_type not in KNOWN_EXEC_TYPES:
            raise RefusalError(PARAMETERS, "params error: execType invalid")
        symbols = self._symbols(query, category)
        if not symbols:
            return None
        return Filter(symbols, EXEC_TYPES.index(exec_type) if exec_type else None)

    def _symbols(self, query: Mapping[str, str], category: str) -> tuple[int, ...]:
        """The numbers of the asked instruments of a category."""
        instruments = self.history.instruments
        if symbol := query.get("symbol"):
            number = instrument_number(instruments, category, symbol)
            if number is None:
                raise RefusalError(PARAMETERS, "params error: symbol invalid")
            return (number,)
        base, settle = query.get("baseCoin", ""), query.get("settleCoin", "")
        if category == "option":
            base = base or OPTION_BASE_DEFAULT
        return tuple(
            number
            for number, instrument in enumerate(instruments)
            if instrument.category == category
            and base in ("", instrument.base)
            and (category == "spot" or settle in ("", instrument.settle))
        )

    def _order_filter(self, number: int | None, category: str) -> Filter | None:
        if number is None:
            return None
        instrument = self.history.instruments[self.history.orders.symbol[number]]
        return Filter(order=number) if instrument.category == category else None

    def _numbers_of_orders(self) -> dict[str, int]:
        count = len(self.history.orders.qty)
        for number in range(len(self._order_numbers), count):
            self._order_numbers[self.encoder.order_id(number)] = number
        return self._order_numbers
