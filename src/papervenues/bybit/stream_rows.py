"""Rows of the private stream: those of REST, with the differences the stream has.

- an execution adds `category`, `isLeverage` and `execPnl`, the profit of what it closed before
  fees; the fast topic has a few fields only;
- a position has `entryPrice` in place of `avgPrice`;
- an order adds `category`, `closedPnl` and `brokerOrderPrice`, and `feeCurrency` for spot.
"""

import msgspec

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.order_rows import OrderRows
from papervenues.bybit.position_answers import position_row
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.values import MONEY_DECIMALS, fee_coin_text, plain
from papervenues.bybit.venue import Venue
from papervenues.bybit.vocabulary import PAYMENTS, TRADE
from papervenues.bybit.wallet_answers import wallet_row

Row = dict[str, object]
FAST_FIELDS = (
    "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "orderLinkId", "side",
    "execTime", "seq",
)  # fmt: skip


def execution(book: AccountBook, encoder: RowEncoder, row: int) -> Row:
    """One execution."""
    decoded: Row = msgspec.json.decode(encoder.row(row))
    instrument = book.history.instrument_of(row)
    gain = 0 if book.history.executions.exec_type[row] in PAYMENTS else book.gain_e8[row]
    order = book.history.executions.order[row]
    is_leverage = book.history.orders.is_leverage[order] if instrument.category == "spot" else 0
    return {
        "category": instrument.category,
        **decoded,
        "isLeverage": str(is_leverage),
        "execPnl": plain(gain, MONEY_DECIMALS),
    }


def fast_execution(book: AccountBook, encoder: RowEncoder, row: int) -> Row | None:
    """One execution of the fast topic, which knows trades only."""
    if book.history.executions.exec_type[row] != TRADE:
        return None
    full = execution(book, encoder, row)
    fast: Row = {"category": full["category"], **{name: full[name] for name in FAST_FIELDS}}
    if fast["isMaker"]:
        fast["orderLinkId"] = ""
    return fast


def order(book: AccountBook, encoder: RowEncoder, number: int, *, now_ms: int) -> Row:
    """One order as it stands."""
    history = book.history
    instrument = history.instruments[history.orders.symbol[number]]
    fills = book.fills_of(number)
    row: Row = {
        "category": instrument.category,
        **OrderRows(book, encoder, now_ms=now_ms).row(number),
        "closedPnl": plain(sum(book.gain_e8[fill] for fill in fills), MONEY_DECIMALS),
        "brokerOrderPrice": "",
    }
    if instrument.category == "spot":
        row["feeCurrency"] = fee_coin_text(history, fills[-1]) if fills else ""
    return row


def positions(
    venue: Venue, account: int, symbol: int, *, book: AccountBook, now_ms: int
) -> list[Row]:
    """The legs of a symbol."""
    indexes = sorted(index for number, index in book.legs if number == symbol)
    category = book.history.instruments[symbol].category
    rows = []
    for index in indexes:
        row = position_row(book, symbol, index, paths=venue.paths, now_ms=now_ms)
        row |= venue.position_extras.get((account, symbol, index), {})
        row["entryPrice"] = row.pop("avgPrice")
        rows.append({"category": category, **row})
    return rows


def wallet(venue: Venue, book: AccountBook, coins: tuple[str, ...], *, now_ms: int) -> Row:
    """The wallet, with the coins that moved."""
    row: Row = {"accountType": "UNIFIED"}
    row |= wallet_row(book, paths=venue.paths, now_ms=now_ms, coins=coins)
    return row
