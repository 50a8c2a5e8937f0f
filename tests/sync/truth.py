"""Comparing a book with what truly happened, field by field."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from fillbook.domain.window import milliseconds
from tests.sync.book import Book, Row

_EXECUTIONS = """
SELECT symbol, execution_id, order_id, client_order_id, side, price, qty, value, closed_qty, fee,
    fee_currency, is_maker, exec_type, order_type, create_type, stop_type, mark_price, venue_seq,
    executed_at
FROM facts.current_executions WHERE account_id = %s
"""
_FUNDING = """
SELECT symbol, flow_id, amount, currency, position_qty, price, occurred_at
FROM facts.current_cash_flows WHERE account_id = %s
"""
_HELD = """
SELECT symbol, bot_id, CASE side WHEN 'Sell' THEN -quantity ELSE quantity END
FROM trading.positions WHERE account_id = %s AND quantity <> 0
"""

Told = set[tuple[Any, ...]]


def _time(row: Row) -> int:
    return int(row["execTime"])


def true_executions(truth: Row, *, since_ms: int = 0) -> Told:
    """Every printed field of every fill."""
    return {
        (
            row["symbol"], row["execId"], row["orderId"], row["orderLinkId"], row["side"],
            Decimal(row["execPrice"]), Decimal(row["execQty"]), Decimal(row["execValue"]),
            Decimal(row["closedSize"]), Decimal(row["execFee"]), row["feeCurrency"],
            row["isMaker"], row["execType"], row["orderType"], row["createType"],
            row["stopOrderType"], Decimal(row["markPrice"]), row["seq"], _time(row),
        )
        for row in truth["executions"]
        if row["execType"] != "Funding" and _time(row) >= since_ms
    }  # fmt: skip


def true_funding(truth: Row) -> Told:
    """Every funding payment; the position's sign is its side's."""
    return {
        (
            row["symbol"], row["execId"], Decimal(row["execFee"]), row["feeCurrency"],
            Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1),
            Decimal(row["execPrice"]), _time(row),
        )
        for row in truth["executions"]
        if row["execType"] == "Funding"
    }  # fmt: skip


def true_positions(truth: Row) -> dict[str, Decimal]:
    """What the account holds, per symbol."""
    return {row["symbol"]: Decimal(row["signedSize"]) for row in truth["positions"]}


def true_holdings(truth: Row) -> dict[tuple[str, str], Decimal]:
    """What each bot holds, per symbol."""
    return {(row["symbol"], row["bot"]): Decimal(row["size"]) for row in truth["bots"]}


async def booked_executions(book: Book) -> Told:
    """The fills in the book, in the shape of `true_executions`."""
    rows = await book.rows(_EXECUTIONS, book.account_id)
    return {(*row[:-1], _ms(row[-1])) for row in rows}


async def booked_funding(book: Book) -> Told:
    """The funding in the book, in the shape of `true_funding`."""
    rows = await book.rows(_FUNDING, book.account_id)
    return {(*row[:-1], _ms(row[-1])) for row in rows}


def _ms(at: datetime) -> int:
    return milliseconds(at)


async def booked_holdings(book: Book) -> dict[tuple[str, str], Decimal]:
    """What each owner holds, per symbol, by the SQL face."""
    found = await book.rows(_HELD, book.account_id)
    return {(symbol, bot): held for symbol, bot, held in found}


async def booked_positions(book: Book) -> dict[str, Decimal]:
    """What the account holds, per symbol: its books added up."""
    net: dict[str, Decimal] = defaultdict(Decimal)
    for (symbol, _), held in (await booked_holdings(book)).items():
        net[symbol] += held
    return {symbol: held for symbol, held in net.items() if held}


async def must_equal_truth(book: Book) -> None:
    """The whole book against the whole truth."""
    truth = await book.truth()
    assert true_executions(truth) == await booked_executions(book)
    assert true_funding(truth) == await booked_funding(book)
    assert true_positions(truth) == await booked_positions(book)
    assert true_holdings(truth) == await booked_holdings(book)
