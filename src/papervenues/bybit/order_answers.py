"""`GET /v5/order/history` and `GET /v5/order/realtime`.

History forgets by age: orders that ended without any fill are gone after a day when they were
cancelled, rejected or deactivated, and after a week all of them are.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from papervenues.bybit.asked import Asked
from papervenues.bybit.cursors import KeyShape
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.lists import ListRule, Rows, page_of, places_at
from papervenues.bybit.order_rows import OrderRows
from papervenues.bybit.query import category_of
from papervenues.bybit.settings import DAY_MS
from papervenues.bybit.vocabulary import (
    CANCELLED,
    DEACTIVATED,
    NO_STATUS,
    OPEN_STATUSES,
    ORDER_STATUSES,
    REJECTED,
)
from papervenues.bybit.windows import days_rule

HISTORY = ListRule(20, 50, days_rule(7))
REALTIME = ListRule(20, 50)
RECENT_MAX = 500
WEEK_MS = 7 * DAY_MS
FORGOTTEN_FIRST = frozenset({CANCELLED, REJECTED, DEACTIVATED})
Keep = Callable[[int], bool]


def order_history(asked: Asked) -> Listing:
    """One page of closed orders; an order's id switches the window off."""
    category = category_of(asked.query)
    orders = order_rows(asked)
    keep = _filter(asked, orders, category=category)

    def is_listed(order: int) -> bool:
        return keep(order) and _is_remembered(orders, order)

    if asked.query.get("orderId") or asked.query.get("orderLinkId"):
        numbers = [number for number in _named(asked, orders) if is_listed(number)]
        return _page_of_some(asked, REALTIME, orders, numbers)
    times = orders.book.history.orders.time_ms
    return page_of(
        asked, HISTORY, _rows(orders, times, None, is_listed), head={"category": category}
    )


def open_orders(asked: Asked) -> Listing:
    """One page of open orders, or of the closed ones of late (`openOnly=1`)."""
    query, category = asked.query, category_of(asked.query)
    scoped = ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId")
    if category == "linear" and not any(query.get(name) for name in scoped):
        raise RefusalError(PARAMETERS, "params error: symbol, baseCoin or settleCoin is required")
    orders = order_rows(asked)
    keep = _filter(asked, orders, category=category)
    numbers = _open_numbers(orders) if query.get("openOnly", "0") == "0" else _recent(orders, keep)
    if query.get("orderId") or query.get("orderLinkId"):
        wanted = set(numbers)
        numbers = [number for number in _named(asked, orders) if number in wanted]
    return _page_of_some(asked, REALTIME, orders, [number for number in numbers if keep(number)])


def order_rows(asked: Asked) -> OrderRows:
    """The orders of the account that asks."""
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    encoder = asked.venue.pages[asked.signer.account].encoder
    return OrderRows(book, encoder, now_ms=asked.now_ms)


def _page_of_some(asked: Asked, rule: ListRule, orders: OrderRows, numbers: list[int]) -> Listing:
    times = [orders.book.history.orders.time_ms[number] for number in numbers]
    rows = _rows(orders, times, numbers, lambda _place: True)
    return page_of(asked, rule, rows, head={"category": asked.query["category"]})


def _rows(orders: OrderRows, times: Sequence[int], numbers: list[int] | None, keep: Keep) -> Rows:
    """Places are order numbers, or places in a list of them."""

    def number(place: int) -> int:
        return place if numbers is None else numbers[place]

    return Rows(
        times=times,
        row=lambda place: msgspec.json.encode(orders.row(number(place))),
        shape=KeyShape(
            key=lambda place: orders.encoder.order_id(number(place)),
            stamp=lambda place: times[place],
            places_at=lambda stamp: places_at(times, stamp),
        ),
        keep=keep,
    )


def _is_remembered(orders: OrderRows, order: int) -> bool:
    status = orders.status(order)
    if status == NO_STATUS or status in OPEN_STATUSES:
        return False
    if orders.book.fills_of(order):
        return True
    age_ms = orders.now_ms - orders.book.history.orders.updated_ms[order]
    return age_ms <= (DAY_MS if status in FORGOTTEN_FIRST else WEEK_MS)


def _open_numbers(orders: OrderRows) -> list[int]:
    columns = orders.book.history.orders
    status = np.array(columns.status, dtype=np.int8)
    waits = np.isin(status, list(OPEN_STATUSES))
    ahead = np.array(columns.updated_ms, dtype=np.int64) > orders.now_ms
    begun = np.array(columns.time_ms, dtype=np.int64) <= orders.now_ms
    chosen = begun & (status != NO_STATUS) & (waits | ahead)
    numbers: list[int] = np.flatnonzero(chosen).tolist()
    return numbers


def _recent(orders: OrderRows, keep: Keep) -> list[int]:
    found: list[int] = []
    for number in range(len(orders.book.history.orders.qty) - 1, -1, -1):
        if orders.book.history.orders.time_ms[number] > orders.now_ms:
            continue
        status = orders.status(number)
        if status != NO_STATUS and status not in OPEN_STATUSES and keep(number):
            found.append(number)
            if len(found) == RECENT_MAX:
                break
    return found[::-1]


def _named(asked: Asked, orders: OrderRows) -> list[int]:
    if order_id := asked.query.get("orderId"):
        number = asked.venue.order_number(asked.signer.account, order_id)
        return [] if number is None else [number]
    link_id = asked.query.get("orderLinkId", "")
    links = orders.book.history.orders.link_id
    return [links.index(link_id)] if link_id in links else []


def _filter(asked: Asked, orders: OrderRows, *, category: str) -> Keep:
    query, history = asked.query, orders.book.history
    by_id = query.get("orderId") or query.get("orderLinkId")
    symbol, base, settle = (
        "" if by_id else query.get(name, "") for name in ("symbol", "baseCoin", "settleCoin")
    )
    if symbol and symbol not in {one.symbol for one in history.instruments}:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    status = query.get("orderStatus", "")
    if status and status not in ORDER_STATUSES:
        raise RefusalError(PARAMETERS, "params error: orderStatus invalid")
    wanted = [
        one.category == category
        and symbol in ("", one.symbol)
        and base in ("", one.base)
        and settle in ("", one.settle)
        for one in history.instruments
    ]

    def is_asked(order: int) -> bool:
        if not wanted[history.orders.symbol[order]] or history.orders.is_stand_in(order):
            return False
        return not status or ORDER_STATUSES[orders.status(order)] == status

    return is_asked
