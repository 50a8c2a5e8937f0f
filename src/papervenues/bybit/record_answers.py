"""What ended without an order: session settlements, deliveries, closed option positions."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from papervenues.bybit.account_book import ENDINGS, AccountBook
from papervenues.bybit.asked import Asked
from papervenues.bybit.cursors import NumberShape
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.legs import price_of, to_e8, wide_unit, wide_value
from papervenues.bybit.listings import underlying_of
from papervenues.bybit.lists import ListRule, Rows, page_of
from papervenues.bybit.query import category_of
from papervenues.bybit.rows import SIDES
from papervenues.bybit.settings import DAY_MS
from papervenues.bybit.values import MONEY_DECIMALS, plain, rounded
from papervenues.bybit.vocabulary import SESSION
from papervenues.bybit.windows import WindowRule, finance_rule
from papervenues.market import Instrument

CATEGORY_NULL = 181000
CATEGORY_UNSUPPORTED = 181001
RECORDS = ListRule(20, 50, finance_rule(30))
CLOSED = ListRule(
    50, 100, WindowRule(DAY_MS, alone_ms=DAY_MS, longest_ms=7 * DAY_MS, kept_ms=183 * DAY_MS)
)
Row = dict[str, object]


def settlement_record(asked: Asked) -> Listing:
    """`/v5/asset/settlement-record`: what each session of a USDC contract paid."""
    _check_category(asked, ("linear",))
    return _records(asked, kinds=frozenset({SESSION}), write=_settlement)


def delivery_record(asked: Asked) -> Listing:
    """`/v5/asset/delivery-record`: futures and options that came to their end."""
    _check_category(asked, ("linear", "inverse", "option"))
    return _records(asked, kinds=ENDINGS, write=_delivery)


def closed_positions(asked: Asked) -> Listing:
    """`/v5/position/get-closed-positions`: options, one row for each position that ended."""
    if category_of(asked.query) != "option":
        raise RefusalError(PARAMETERS, "params error: category invalid")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    symbol = asked.query.get("symbol", "")
    ended = [one for one in _ended_options(book) if symbol in ("", one.symbol)]
    rows = Rows(
        times=[one.close_ms for one in ended],
        row=lambda place: msgspec.json.encode(ended[place].row()),
        shape=_shape("closed options", book),
    )
    return page_of(asked, CLOSED, rows, head={"category": "option"})


def _check_category(asked: Asked, supported: tuple[str, ...]) -> None:
    category = asked.query.get("category", "")
    if not category:
        raise RefusalError(CATEGORY_NULL, "category is null")
    if category not in supported:
        raise RefusalError(CATEGORY_UNSUPPORTED, f"category only support {', '.join(supported)}")


def _records(asked: Asked, *, kinds: frozenset[int], write: Callable[..., Row]) -> Listing:
    category, symbol = asked.query["category"], asked.query.get("symbol", "")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    history, exec_type = book.history, book.history.executions.exec_type

    def is_asked(place: int) -> bool:
        row = book.records[place]
        instrument = history.instrument_of(row)
        return (
            exec_type[row] in kinds
            and instrument.category == category
            and symbol in ("", instrument.symbol)
        )

    rows = Rows(
        times=[history.executions.time_ms[row] for row in book.records],
        row=lambda place: msgspec.json.encode(write(book, book.records[place])),
        shape=_shape("records", book),
        keep=is_asked,
    )
    return page_of(asked, RECORDS, rows, head={"category": category})


def _shape(name: str, book: AccountBook) -> NumberShape:
    return NumberShape(name, book.history.seed, book.history.user_id)


def _settlement(book: AccountBook, row: int) -> Row:
    rows, instrument = book.history.executions, book.history.instrument_of(row)
    side = book.history.side_of(row)
    worth = wide_value(instrument, rows.qty[row], price=rows.price[row])
    before = worth - side * book.gain_e8[row] * wide_unit(instrument)
    return {
        "symbol": instrument.symbol,
        "side": SIDES[side],
        "size": plain(rows.qty[row], instrument.qty_decimals),
        "sessionAvgPrice": price_of(instrument, rows.qty[row], before),
        "markPrice": plain(rows.price[row], instrument.price_decimals),
        "realisedPnl": plain(book.gain_e8[row], MONEY_DECIMALS),
        "createdTime": str(rows.time_ms[row]),
    }


def _delivery(book: AccountBook, row: int) -> Row:
    rows, instrument = book.history.executions, book.history.instrument_of(row)
    # The closing side is the opposite of the position's.
    side = -book.history.side_of(row)
    worth = wide_value(instrument, rows.qty[row], price=rows.price[row])
    toward = -side if instrument.is_inverse else side
    entry = worth - toward * book.gain_e8[row] * wide_unit(instrument)
    extra = book.history.extras.get(row)
    price = plain(rows.price[row], instrument.price_decimals)
    return {
        "deliveryTime": rows.time_ms[row],
        "symbol": instrument.symbol,
        "side": SIDES[side],
        "position": plain(rows.qty[row], instrument.qty_decimals),
        "entryPrice": price_of(instrument, rows.qty[row], entry),
        "deliveryPrice": extra.underlying if extra and extra.underlying else price,
        "strike": _strike(book, instrument),
        "fee": plain(rows.fee_e8[row], MONEY_DECIMALS),
        "deliveryRpl": plain(book.gain_e8[row], MONEY_DECIMALS),
    }


def _strike(book: AccountBook, option: Instrument) -> str:
    """An option's strike, which is counted in ticks of what it follows."""
    if option.category != "option":
        return ""
    underlying = book.history.instruments[underlying_of(option)]
    return plain(option.strike, underlying.price_decimals)


@dataclass(slots=True)
class _Ended:
    """One option position from its first fill to its end; values wide, fees in 10^-8."""

    instrument: Instrument
    side: int
    open_ms: int
    close_ms: int = 0
    held: int = 0
    qty: int = 0
    entry: int = 0
    exit: int = 0
    open_fee_e8: int = 0
    close_fee_e8: int = 0
    delivery_fee_e8: int = 0
    delivery_price: str = ""

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def row(self) -> Row:
        fees = self.open_fee_e8 + self.close_fee_e8 + self.delivery_fee_e8
        gain = to_e8(self.side * (self.exit - self.entry), self.instrument)
        return {
            "symbol": self.symbol,
            "side": SIDES[self.side],
            "totalOpenFee": plain(self.open_fee_e8, MONEY_DECIMALS),
            "deliveryFee": plain(self.delivery_fee_e8, MONEY_DECIMALS),
            "totalCloseFee": plain(self.close_fee_e8, MONEY_DECIMALS),
            "qty": plain(self.qty, self.instrument.qty_decimals),
            "openTime": self.open_ms,
            "closeTime": str(self.close_ms),
            "avgEntryPrice": price_of(self.instrument, self.qty, self.entry),
            "avgExitPrice": price_of(self.instrument, self.qty, self.exit) or "0",
            "deliveryPrice": self.delivery_price,
            "totalPnl": plain(gain - fees, MONEY_DECIMALS),
        }


def _ended_options(book: AccountBook) -> list[_Ended]:
    """All option positions that ended, by the time they did."""
    history, rows = book.history, book.history.executions
    options = [n for n, one in enumerate(history.instruments) if one.category == "option"]
    symbols = np.array(history.orders.symbol, dtype=np.int64)[
        np.array(rows.order[: book.rows_read], dtype=np.int64)
    ]
    running: dict[int, _Ended] = {}
    ended: list[_Ended] = []
    for row in np.flatnonzero(np.isin(symbols, options)).tolist():
        number, left = history.symbol_of(row), rows.qty[row]
        while left:
            left = _walk(book, row, left, running=running, ended=ended, number=number)
    return ended


def _walk(
    book: AccountBook,
    row: int,
    left: int,
    *,
    number: int,
    running: dict[int, _Ended],
    ended: list[_Ended],
) -> int:
    """Book a part of a fill that only opens or only closes; the answer is what is left of it."""
    rows, instrument = book.history.executions, book.history.instruments[number]
    side, time_ms = book.history.side_of(row), rows.time_ms[row]
    one = running.get(number)
    if one is None:
        one = running[number] = _Ended(instrument, side, time_ms)
    part = left if side == one.side else min(left, one.held)
    worth = wide_value(instrument, part, price=rows.price[row])
    fee = rounded(rows.fee_e8[row] * part, rows.qty[row])
    if side == one.side:
        one.held += part
        one.qty += part
        one.entry += worth
        one.open_fee_e8 += fee
        return 0
    one.held -= part
    one.exit += worth
    if rows.exec_type[row] in ENDINGS:
        extra = book.history.extras.get(row)
        one.delivery_fee_e8 += fee
        one.delivery_price = extra.underlying if extra else ""
    else:
        one.close_fee_e8 += fee
    if one.held == 0:
        one.close_ms = time_ms
        ended.append(running.pop(number))
    return left - part
