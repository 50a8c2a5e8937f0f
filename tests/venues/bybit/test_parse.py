"""Every shape of row has its reading, and no row whatever makes reading fail.

The files in `golden/` hold a row as the venue sends it and what it must be read as. What must not
be read stands in the table below, with the reason that is shown.
"""

import json
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.domain import money
from fillbook.domain.execution import CashFlow, Execution, Reading, Told, Unreadable
from fillbook.domain.raw import digest_key
from fillbook.venues.bybit.parse import parse_execution, parse_record
from tests.venues.bybit_rows import trade

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
ABSENT = object()
NOT_A_NUMBER = "is not a plain number"
NOT_KNOWN = "this version does not know what it does"
SPLIT = "a split rescales the position, and is not read yet"
SILENT = "the row does not say what it does"
NUMBERS = ("execPrice", "execQty", "execValue", "execFee", "closedSize", "markPrice")


def parse(row: object) -> Reading:
    return parse_execution("linear", json.dumps(row).encode())


def plain(reading: Told) -> dict[str, object]:
    """A reading as it stands in a golden file: without its key, what is not JSON as text."""
    shown: dict[str, object] = {"is": type(reading).__name__}
    for field in fields(reading):
        value = getattr(reading, field.name)
        if not isinstance(value, UUID):
            is_text = isinstance(value, Decimal | datetime)
            shown[field.name] = str(value) if is_text else value
    return shown


def test_there_are_golden_rows() -> None:
    """Every stream has some, every category of executions, and each kind that is booked."""
    golden = [json.loads(path.read_text()) for path in GOLDEN]
    executions = [one for one in golden if one["stream"].startswith("executions")]

    assert {one["stream"] for one in golden} == {
        "executions", "executions.live", "orders", "account_log", "closed_pnl", "deposits",
        "internal_deposits", "withdrawals", "transfers",
    }  # fmt: skip
    assert {one["scope"] for one in executions} == {
        "linear", "linear.long", "linear.short", "inverse", "spot", "option",
    }  # fmt: skip
    assert {one["row"]["execType"] for one in executions} == {
        "Trade", "AdlTrade", "BustTrade", "Delivery", "Settle", "BlockTrade", "MovePosition",
        "FutureSpread", "Funding", "SessionSettlePnL",
    }  # fmt: skip


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_rows(path: Path) -> None:
    """The row is read in every field as the file says, digits untouched."""
    golden = json.loads(path.read_text())
    reading = parse_record(golden["stream"], golden["scope"], json.dumps(golden["row"]).encode())

    assert not isinstance(reading, Unreadable)
    assert plain(reading) == golden["reading"]


def test_both_readings_have_the_key_of_the_record() -> None:
    """Execution and cash flow are named by category, symbol, execution, order and side."""
    fill = parse(trade(1))
    funding = parse(trade(1, execType="Funding"))
    key = digest_key("execution", "linear", "BTCUSDT", "exec-1", "order-1", "Buy")

    assert isinstance(fill, Execution)
    assert isinstance(funding, CashFlow)
    assert (fill.execution_key, funding.cash_key) == (key, key)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("execType", "CorporateAction", f"execType is 'CorporateAction': {SPLIT}"),
        ("execType", "UNKNOWN", f"execType is 'UNKNOWN': {SILENT}"),
        ("execType", "LunarEclipse", f"execType is 'LunarEclipse': {NOT_KNOWN}"),
        ("execType", "trade", f"execType is 'trade': {NOT_KNOWN}"),
        ("execType", "", f"execType is an empty value: {SILENT}"),
        ("execType", None, f"execType is an empty value: {SILENT}"),
        ("execType", ABSENT, f"execType is an empty value: {SILENT}"),
        ("execId", "", "execId is missing"),
        ("execId", ABSENT, "execId is missing"),
        ("symbol", "", "symbol is missing"),
        ("symbol", "BTCUSD", "symbol does not say in which coin it settles"),
        ("side", "", "side is missing"),
        ("side", "None", "side is neither Buy nor Sell"),
        ("execTime", "", "execTime is missing"),
        ("execTime", "1760000000", "execTime is not a sane time"),
        ("execTime", "1.760000000123e12", "execTime is not a sane time"),
        ("execTime", "1000000000000", "execTime is not a sane time"),
        ("execTime", "9999999999999", "execTime is not a sane time"),
        ("execTime", "-760000000123", "execTime is not a sane time"),
        ("execPrice", "", "execPrice is missing"),
        ("execPrice", None, "execPrice is missing"),
        ("execPrice", ABSENT, "execPrice is missing"),
        ("execPrice", "-1", "execPrice is negative"),
        ("execQty", ABSENT, "execQty is missing"),
        ("execQty", "-0.001", "execQty is negative"),
        ("execQty", {"value": "1"}, "cannot read execQty"),
        ("execQty", True, "cannot read execQty"),
        ("execFee", "1" * 5000, "cannot read execFee"),
        ("execFee", 2**64, "cannot read execFee"),
        ("closedSize", "-1", "closedSize is negative"),
        ("isMaker", "perhaps", "cannot read isMaker"),
        ("isMaker", 1, "cannot read isMaker"),
        ("seq", 2**63, "cannot read seq"),
        ("seq", "first", "cannot read seq"),
        ("orderLinkId", "a\x00b", "cannot read orderLinkId"),
        ("orderId", ["x"], "cannot read orderId"),
        ("symbol", "X" * 300, "cannot read symbol"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(field: str, value: object, reason: str) -> None:
    """One field is wrong: the row is set aside with the field's name."""
    row = trade(1, **{field: value})
    if value is ABSENT:
        del row[field]

    assert parse(row) == Unreadable(reason)


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize(
    "text",
    ["NaN", "-", "+", ".", "Infinity", "1e999999", "1e-999999", "0x10", "1,5", "1_000", " 1", "１"],
)
def test_no_amount_is_read_loosely(field: str, text: str) -> None:
    """What a decimal library would accept, and money is not, sets the row aside."""

    assert parse(trade(1, **{field: text})) == Unreadable(f"{field} {NOT_A_NUMBER}")


def test_funding_without_an_amount_is_set_aside() -> None:
    """A payment of unknown size is no payment of zero."""

    assert parse(trade(1, execType="Funding", execFee="")) == Unreadable("execFee is missing")


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b'"row"', b"{", b"\xff\xfe", b"{}x"])
def test_what_is_no_object_says_so(body: bytes) -> None:
    """Bytes of any other kind are set aside too."""

    assert parse_execution("linear", body) == Unreadable("not a JSON object")


def test_nesting_without_end_is_set_aside() -> None:
    """Neither reader runs out of stack."""
    deep = b"[" * 100_000 + b"]" * 100_000
    for body in (deep, b'{"execPrice":' + deep + b"}", b'{"later":' + deep + b"}"):
        assert isinstance(parse_execution("linear", body), Unreadable)


def test_unknown_fields_do_not_matter() -> None:
    """A field that the venue adds, whatever its kind, changes nothing."""

    assert parse(trade(1, later={"a": [1.5]})) == parse(trade(1))


def test_both_readers_agree() -> None:
    """A row that only the tolerant reader takes is read as the quick one reads its twin."""

    assert parse(trade(1, seq="4688002128")) == parse(trade(1, seq=4688002128))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_reading_fail(body: bytes) -> None:
    """Reading is total."""

    assert isinstance(parse_execution("linear", body), Unreadable)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["NaN", "-", "1e5", "-0", "0.00", "Trade", "Funding", "Sell"]),
    st.lists(st.integers(), max_size=2),
)


@given(st.dictionaries(st.sampled_from(sorted(trade(1))), VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_no_row_makes_reading_fail(changes: dict[str, object]) -> None:
    """Whatever stands in the fields, there is a reading, and amounts in it are finite."""
    reading = parse_execution("linear", msgspec.json.encode(trade(1) | changes))

    if isinstance(reading, Execution):
        assert reading.price.is_finite()
        assert reading.qty >= 0
        assert money.text(reading.price)


@given(st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_amounts_are_read_as_money_reads_them(text: str) -> None:
    """The quick way and the careful way give the same digits."""
    reading = parse(trade(1, execFee=text))

    assert isinstance(reading, Execution)
    assert str(reading.fee) == str(money.amount(text))
