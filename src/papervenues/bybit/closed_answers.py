"""`GET /v5/position/closed-pnl`: one row for each order that closed something.

`closedPnl` is the gain less the entry's fees in proportion and less the exit's fees. Funding is
not in it, nor are session settlements: a close has the whole gain since the entry.
"""

import msgspec
import numpy as np

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.asked import Asked
from papervenues.bybit.cursors import KeyShape, NumberShape
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.legs import price_of, to_e8, wide_value
from papervenues.bybit.lists import ListRule, Rows, page_of, places_at
from papervenues.bybit.query import category_of
from papervenues.bybit.rows import SIDES, RowEncoder
from papervenues.bybit.switches import Switches
from papervenues.bybit.values import MONEY_DECIMALS, plain, rounded
from papervenues.bybit.vocabulary import COINS, EXEC_TYPES, ORDER_TYPES
from papervenues.bybit.windows import days_rule

RULE = ListRule(50, 100, days_rule(7))
CATEGORIES = ("linear", "inverse")
LEVERAGE = "10"
Row = dict[str, object]


def closed_pnl(asked: Asked) -> Listing:
    """One page of closed orders, newest first."""
    category = category_of(asked.query)
    if category not in CATEGORIES:
        raise RefusalError(PARAMETERS, "params error: category invalid")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    encoder = asked.venue.pages[asked.signer.account].encoder
    return page_of(
        asked,
        RULE,
        _rows(
            book,
            encoder,
            wanted=_wanted(asked, book, category=category),
            switches=asked.venue.settings.switches,
        ),
        head={"category": category},
    )


def closed_row(
    book: AccountBook, encoder: RowEncoder, order: int, *, part: int | None = None
) -> Row:
    """What an order closed, all its fills together, or one part of two of them."""
    history, rows = book.history, book.history.executions
    number = history.orders.symbol[order]
    instrument = history.instruments[number]
    fills = _closing_fills(book, order)
    if part is not None and len(fills) > 1:
        fills = fills[:1] if part == 0 else fills[1:]
    place = book.close_place[order]
    closed = sum(rows.closed[row] for row in fills)
    exit_wide = sum(
        wide_value(instrument, rows.closed[row], price=rows.price[row]) for row in fills
    )
    gain = sum(book.gain_e8[row] for row in fills)
    open_fee = sum(book.open_fee_e8[row] for row in fills)
    close_fee = sum(_close_fee(book, row) for row in fills)
    exit_e8 = to_e8(exit_wide, instrument)
    # A sell closes a long, whose entry lies below its exit by the gain; not so in coins.
    toward = -history.orders.side[order] * (-1 if instrument.is_inverse else 1)
    entry_e8 = exit_e8 - toward * gain
    entry_wide = exit_wide * entry_e8 // exit_e8 if exit_e8 else 0
    return {
        "symbol": instrument.symbol,
        "orderId": encoder.order_id(order),
        "side": SIDES[history.orders.side[order]],
        "qty": plain(history.orders.qty[order], instrument.qty_decimals),
        "orderPrice": plain(history.orders.price[order], instrument.price_decimals),
        "orderType": ORDER_TYPES[history.orders.order_type[order]],
        "execType": EXEC_TYPES[rows.exec_type[fills[0]]],
        "closedSize": plain(closed, instrument.qty_decimals),
        "cumEntryValue": plain(entry_e8, MONEY_DECIMALS),
        "avgEntryPrice": price_of(instrument, closed, entry_wide),
        "cumExitValue": plain(exit_e8, MONEY_DECIMALS),
        "avgExitPrice": price_of(instrument, closed, exit_wide),
        "closedPnl": plain(gain - open_fee - close_fee, MONEY_DECIMALS),
        "fillCount": str(len(fills)),
        "leverage": LEVERAGE,
        "openFee": plain(open_fee, MONEY_DECIMALS),
        "closeFee": plain(close_fee, MONEY_DECIMALS),
        "createdTime": str(book.closes.created_ms[place]),
        "updatedTime": str(book.closes.updated_ms[place]),
    }


def _close_fee(book: AccountBook, row: int) -> int:
    """The part of a fill's fee that belongs to what it closed, if it is in the settle coin."""
    rows, instrument = book.history.executions, book.history.instrument_of(row)
    if COINS[rows.fee_coin[row]] != instrument.settle:
        return 0
    return rounded(rows.fee_e8[row] * rows.closed[row], rows.qty[row])


def _wanted(asked: Asked, book: AccountBook, *, category: str) -> list[bool]:
    """Whether each instrument is asked for."""
    instruments, symbol = book.history.instruments, asked.query.get("symbol", "")
    if symbol and symbol not in {one.symbol for one in instruments}:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    return [one.category == category and symbol in ("", one.symbol) for one in instruments]


def _closing_fills(book: AccountBook, order: int) -> list[int]:
    return [row for row in book.fills_of(order) if book.history.executions.closed[row]]


def _rows(
    book: AccountBook, encoder: RowEncoder, *, wanted: list[bool], switches: Switches
) -> Rows:
    closes, symbols = book.closes, book.history.orders.symbol
    columns = closes.updated_ms if switches.closed_pnl_sort == "updated" else closes.created_ms
    stamps = np.array(columns, dtype=np.int64)
    sorted_places = np.argsort(stamps, kind="stable")
    orders = np.array(closes.order, dtype=np.int64)[sorted_places].tolist()
    times = stamps[sorted_places].tolist()
    if switches.closed_pnl_split:
        return _split_rows(book, encoder, wanted=wanted, orders=orders, times=times)
    return Rows(
        times=times,
        row=lambda place: msgspec.json.encode(closed_row(book, encoder, orders[place])),
        shape=KeyShape(
            key=lambda place: encoder.order_id(orders[place]),
            stamp=lambda place: times[place],
            places_at=lambda stamp: places_at(times, stamp),
        ),
        keep=lambda place: wanted[symbols[orders[place]]],
    )


def _split_rows(
    book: AccountBook,
    encoder: RowEncoder,
    *,
    wanted: list[bool],
    orders: list[int],
    times: list[int],
) -> Rows:
    """Two places for each order: its first closing fill, and the others if there are any."""
    history = book.history

    def is_asked(place: int) -> bool:
        order = orders[place // 2]
        if not wanted[history.orders.symbol[order]]:
            return False
        return place % 2 == 0 or len(_closing_fills(book, order)) > 1

    return Rows(
        times=[stamp for stamp in times for _ in range(2)],
        row=lambda place: msgspec.json.encode(
            closed_row(book, encoder, orders[place // 2], part=place % 2)
        ),
        shape=NumberShape("closed", history.seed, history.user_id),
        keep=is_asked,
    )
