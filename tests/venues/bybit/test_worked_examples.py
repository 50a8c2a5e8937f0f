"""The worked examples of the venue's documentation and of recorded answers come out to the digit.

Two authors may misread a page in the same way; a printed figure they cannot both get by chance.
"""

import json
from decimal import Decimal
from uuid import UUID

import pytest

from fillbook.domain.closed_pnl import ClosedPnl
from fillbook.domain.execution import CashFlow, Execution, Reading
from fillbook.domain.log_entry import LogEntry
from fillbook.venues.bybit.coins import Coins, coins_of
from fillbook.venues.bybit.parse import parse_record
from fillbook.venues.bybit.positions import read_position
from fillbook.venues.bybit.session import is_word
from fillbook.venues.bybit.sign import Signer
from tests.venues.bybit_rows import closed, log_line, trade


def read(stream: str, scope: str, row: object) -> Reading:
    return parse_record(stream, scope, json.dumps(row).encode())


def funding_line(**changes: object) -> LogEntry:
    row = log_line(
        1, symbol="XRPUSDT", side="Buy", type="SETTLEMENT", size="100", qty="100",
        tradePrice="0.3676", feeRate="0.0001", funding="-0.003676", fee="0.00000000",
        cashFlow="0", change="-0.003676", cashBalance="5086.55825002",
    )  # fmt: skip
    line = read("account_log", "UNIFIED", row | changes)
    assert isinstance(line, LogEntry)
    return line


def test_the_documented_funding_line_adds_up() -> None:
    """Position 100, price 0.3676, rate 0.0001, a buyer: 0.003676 is paid, and the chain holds."""
    line = funding_line()
    assert line.cash_flow is not None
    assert line.funding is not None
    assert line.fee is not None

    assert line.funding == -Decimal(100) * Decimal("0.3676") * Decimal("0.0001")
    assert line.change == line.cash_flow + line.funding - line.fee
    assert line.balance == Decimal("5086.56192602") + line.change


def test_the_log_and_the_list_have_opposite_signs() -> None:
    """What the log prints as negative funding, the list prints as a positive fee: it was paid."""
    listed = read("executions", "linear", trade(1, execType="Funding", execFee="0.003676"))
    assert isinstance(listed, CashFlow)

    assert listed.amount == -(funding_line().funding or 0)


def test_funding_is_never_recomputed() -> None:
    """The printed rate is cut: value 8.033 at -0.000881 is not the printed -0.00708126."""
    row = trade(1, execType="Funding", execValue="8.033", feeRate="-0.000881")
    listed = read("executions", "linear", row | {"execFee": "-0.00708126"})
    assert isinstance(listed, CashFlow)

    assert listed.amount == Decimal("-0.00708126")
    assert listed.amount != Decimal("8.033") * Decimal("-0.000881")


def test_the_documented_closed_profit_adds_up() -> None:
    """Entry 3584.9255, exit 3541.795, rate 0.0006 on both, a long: -47.4065323 without funding."""
    row = closed(1, cumEntryValue="3584.9255", cumExitValue="3541.795", closedPnl="-47.4065323")
    told = read("closed_pnl", "linear", row)
    assert isinstance(told, ClosedPnl)
    assert told.entry_value is not None
    assert told.exit_value is not None

    fees = Decimal("0.0006") * (told.entry_value + told.exit_value)
    assert told.pnl == told.exit_value - told.entry_value - fees


def test_the_documented_inverse_value_is_in_the_base_coin() -> None:
    """300 contracts of one dollar at 27464.504 are worth 0.01092319 BTC."""
    row = trade(1, symbol="BTCUSD", execQty="300", execPrice="27464.504", execValue="0.01092319")
    fill = read("executions", "inverse", row)
    assert isinstance(fill, Execution)
    assert fill.value is not None

    assert fill.value == (fill.qty / fill.price).quantize(Decimal("0.00000001"))
    assert fill.currency == "BTC"


def test_a_recorded_spot_purchase_pays_in_what_it_buys() -> None:
    """A buy of 0.001 ETH with a fee of 0.000001 nets 0.000999 ETH."""
    row = trade(1, symbol="ETHUSDT", execQty="0.001", execFee="0.000001", feeCurrency="")
    fill = read("executions", "spot", row | {"isMaker": False, "feeRate": "0.001"})
    assert isinstance(fill, Execution)

    assert (fill.fee_currency, fill.fee_inferred) == ("ETH", True)
    assert fill.qty - (fill.fee or 0) == Decimal("0.000999")


@pytest.mark.parametrize(
    ("rate", "is_maker", "side", "coin"),
    [
        ("0.001", True, "Buy", "ETH"),
        ("0.001", True, "Sell", "USDT"),
        ("0.001", False, "Buy", "ETH"),
        ("0.001", False, "Sell", "USDT"),
        ("-0.001", True, "Buy", "USDT"),
        ("-0.001", True, "Sell", "ETH"),
        ("-0.001", False, "Buy", "ETH"),
        ("-0.001", False, "Sell", "USDT"),
    ],
)
def test_the_coins_of_spot_fees(rate: str, is_maker: object, side: str, coin: str) -> None:
    """The table of the documentation, row by row, where the venue names no coin."""
    row = trade(1, symbol="ETHUSDT", side=side, isMaker=is_maker, feeRate=rate, feeCurrency="")
    fill = read("executions", "spot", row | {"execFee": rate})
    assert isinstance(fill, Execution)

    assert fill.fee_currency == coin


@pytest.mark.parametrize(
    ("category", "symbol", "coins"),
    [
        ("linear", "BTCUSDT", Coins("", "USDT")),
        ("linear", "BTCUSDT-21FEB25", Coins("", "USDT")),
        ("linear", "BTCPERP", Coins("", "USDC")),
        ("linear", "BTC-21FEB25", Coins("", "USDC")),
        ("linear", "1000PEPEUSDT", Coins("", "USDT")),
        ("linear", "BTCUSD", None),
        ("inverse", "BTCUSD", Coins("BTC", "BTC")),
        ("inverse", "BTCUSDH26", Coins("BTC", "BTC")),
        ("inverse", "XRPUSDZ27", Coins("XRP", "XRP")),
        ("inverse", "BTCUSDT", None),
        ("inverse", "BTCUSDC", None),
        ("inverse", "USD", None),
        ("spot", "BTCUSDT", Coins("BTC", "USDT")),
        ("spot", "USDCUSDT", Coins("USDC", "USDT")),
        ("spot", "ETHBTC", Coins("ETH", "BTC")),
        ("spot", "XRPRLUSD", Coins("XRP", "RLUSD")),
        ("spot", "USDTEUR", Coins("USDT", "EUR")),
        ("spot", "USDT", None),
        ("spot", "BTCDOGE", None),
        ("option", "BTC-27MAR26-70000-P-USDT", Coins("BTC", "USDT")),
        ("option", "BTC-27MAR26-70000-P", Coins("BTC", "USDC")),
        ("option", "ETH-6FEB26-2500.5-C", Coins("ETH", "USDC")),
        ("option", "BTC-27MAR26", None),
        ("option", "BTCUSDT", None),
        ("moon", "BTCUSDT", None),
    ],
)
def test_the_coins_of_every_form_of_symbol(category: str, symbol: str, coins: Coins | None) -> None:
    """Each documented form tells its money; no other form is guessed."""

    assert coins_of(category, symbol) == coins


def test_a_sequence_beyond_32_bits_is_kept() -> None:
    """The documented example is 4688002127."""
    fill = read("executions", "linear", trade(1, seq=4688002127))
    assert isinstance(fill, Execution)

    assert fill.venue_seq == 4688002127


def test_a_line_of_the_log_names_its_execution() -> None:
    """A trade id is an execution id; lines that speak of no execution name none."""
    fill = read("executions", "linear", trade(7))
    line = read("account_log", "UNIFIED", log_line(7))
    assert isinstance(fill, Execution)
    assert isinstance(line, LogEntry)

    assert line.execution_key == fill.execution_key
    for changes in ({"tradeId": ""}, {"side": "None"}, {"category": ""}, {"symbol": ""}):
        assert funding_line(**changes).execution_key is None


def test_lines_that_share_an_id_are_told_apart() -> None:
    """The documentation's own example repeats an id: trade, coin and type are part of the key."""
    same: dict[str, object] = {"id": "592324_XRPUSDT_161440249321"}
    keys: list[UUID] = [
        funding_line(**same, **changes).entry_key
        for changes in ({}, {"tradeId": "2"}, {"currency": "USDC"}, {"type": "TRADE"})
    ]

    assert len(set(keys)) == 4


def test_both_sides_of_a_trade_with_oneself_are_two_records() -> None:
    """They may share an execution id; order and side tell them apart, and so does the category."""
    bought = read("executions", "linear", trade(1, side="Buy", orderId="a"))
    sold = read("executions", "linear", trade(1, side="Sell", orderId="b"))
    elsewhere = read("executions", "spot", trade(1, side="Buy", orderId="a"))
    fills = [one for one in (bought, sold, elsewhere) if isinstance(one, Execution)]

    assert len({fill.execution_key for fill in fills}) == 3


def test_a_flat_position_without_values_is_none() -> None:
    """With a symbol the venue may answer a row of empty fields and a sequence of -1."""
    empty = {"symbol": "BTCUSDT", "side": "", "size": "", "positionIdx": 0, "seq": -1}
    flat = {**empty, "size": "0"}

    assert read_position("linear", json.dumps(empty).encode()) is None
    held = read_position("linear", json.dumps(flat).encode())
    assert held is not None
    assert held.qty == 0
    assert held.venue_seq is None


@pytest.mark.parametrize(
    "cursor",
    [
        "132766%3A2%2C132766%3A2",
        "5774383%3A0%2C5771289%3A0",
        "1726535174139%3A4647668%2C1726535174000%3A4647001",
        "fead08d7-47c0-4d6a-b9e7-5c71d5df8ba1%3A1672220000000%2Cfead08d7%3A1672210000000",
        "LTCUSDT%2C1699948800031%2C0",
        "first%3DX%26last%3DX",
        "21963%3A1%2C14954%3A1",
        "page_token%3D39380%26",
        "eyJtaW5JRCI6MSwibWF4SUQiOjJ9",
    ],
)
def test_every_recorded_shape_of_cursor_goes_back_as_it_came(cursor: str) -> None:
    """None of them is refused as a word of a query."""

    assert is_word(cursor)


def test_the_private_stream_is_opened_with_the_documented_proof() -> None:
    """The signature over ``GET/realtime`` and the instant until which it holds."""
    opening = Signer(key="labkey", secret="labsecret").opening(expires_ms=1_700_000_001_000)

    assert opening == (
        "labkey",
        1_700_000_001_000,
        "bdd479215f0dfbeb03f9f599db04f85077f9fd36155d9bb01fdd28401506f66b",
    )


def test_a_session_is_told_as_printed() -> None:
    """The list may print no amount for it; then nothing was moved by the row, and it says so."""
    row = trade(1, symbol="BTCPERP", execType="SessionSettlePnL", feeCurrency="USDC")
    paid = read("executions", "linear", row | {"execFee": "-12.5"})
    silent = read("executions", "linear", row | {"execFee": "0"})
    assert isinstance(paid, CashFlow)
    assert isinstance(silent, CashFlow)

    assert (paid.kind, silent.kind) == ("session", "session")
    assert (paid.amount, silent.amount) == (Decimal("-12.5"), Decimal(0))


def test_the_rows_of_one_closing_order_hide_nothing() -> None:
    """A row that has grown, and the parts of one that was split, have keys of their own."""
    rows = [
        closed(1),
        closed(1, closedSize="0.002"),
        closed(1, updatedTime=str(int(str(closed(1)["updatedTime"])) + 1)),
    ]
    told = [read("closed_pnl", "linear", row) for row in (*rows, closed(1, closedPnl="0.8"))]
    keys = [one.closed_key for one in told if isinstance(one, ClosedPnl)]

    assert len(keys) == 4
    assert len(set(keys)) == 3  # another profit of the same row is a revision of it
