"""The venue's clock, the key's powers, the contracts' terms and the marks are read with care."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fillbook.domain.account import KeyFacts
from fillbook.domain.instrument import Mark
from fillbook.errors import SettingError, VenueUnavailable
from fillbook.venues.bybit import connect
from fillbook.venues.bybit.terms import read_terms
from tests.venues.bybit_rows import NOW
from tests.venues.scripted_bybit import (
    KEY,
    SECRET,
    TIME,
    FakeTime,
    Reply,
    ScriptedBybit,
    connected,
    refusal,
    success,
)

USER = "/v5/user/query-api"
INSTRUMENTS = "/v5/market/instruments-info"
TICKERS = "/v5/market/tickers"
HARMLESS = KeyFacts(
    venue_user_id="42",
    can_trade=False,
    can_withdraw=False,
    expires_in_days=None,
    bound_to_addresses=False,
)
READ_ONLY = {"readOnly": 1, "userID": 42, "permissions": {"Wallet": []}, "ips": ["*"]}


UNSAID = "\N{EMPTY SET}"


@pytest.mark.parametrize("field", ["permissions", "readOnly"])
@pytest.mark.parametrize("value", [UNSAID, None, "", "no", [], [1], {"Wallet": "Withdraw"}, True])
async def test_a_key_whose_powers_are_not_said_is_no_answer(
    bybit: ScriptedBybit, field: str, value: object
) -> None:
    """What is left out, or cannot be read, is never taken for harmless."""
    told = READ_ONLY | {field: value}
    if value == UNSAID:
        del told[field]
    bybit.play(USER, success(told))
    async with connected(bybit, tries=1) as venue:
        with pytest.raises(VenueUnavailable, match="does not say what the key may do"):
            await venue.key_facts()


async def test_the_venue_s_clock_is_read_to_the_microsecond(bybit: ScriptedBybit) -> None:
    """Not from this machine's clock."""
    bybit.play(TIME, success({"timeSecond": "1700000000", "timeNano": "1700000000123456789"}))
    async with connected(bybit) as venue:
        at = await venue.server_time()

    assert at == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)


@pytest.mark.parametrize("nano", [None, "", "soon", "-1", "9" * 20, "9" * 30, 17])
async def test_a_clock_that_says_nonsense_is_asked_again(
    bybit: ScriptedBybit, nano: object
) -> None:
    """It is never taken as the time."""
    bybit.play(TIME, success({"timeNano": nano}))
    async with connected(bybit, tries=2) as venue:
        with pytest.raises(VenueUnavailable):
            await venue.server_time()

    assert len(bybit.asked_of(TIME)) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"userID": "42"}, {}),
        (
            {"permissions": {"Wallet": ["AccountTransfer", "Withdraw"]}, "readOnly": 0},
            {"can_withdraw": True, "can_trade": True},
        ),
        (
            {"permissions": {"ContractTrade": ["Order"], "Spot": []}, "readOnly": 0},
            {"can_trade": True},
        ),
        ({"permissions": {"ContractTrade": ["Order"]}}, {}),
        ({"permissions": {}}, {}),
        ({"permissions": {"Wallet": None}, "readOnly": 0}, {}),
        ({"permissions": {"Wallet": ["AccountTransfer"]}, "readOnly": 0}, {"can_trade": True}),
        ({"permissions": {"Wallet": ["SubMemberTransfer"]}, "readOnly": 0}, {"can_trade": True}),
        ({"permissions": {"wallet": ["Later"]}, "readOnly": 2}, {"can_trade": True}),
        ({"permissions": {"Wallet": ["Withdraw"]}}, {"can_withdraw": True}),
        ({"permissions": {"wallet": ["WITHDRAW"]}}, {"can_withdraw": True}),
        ({"permissions": {"Assets": ["withdrawal"]}}, {"can_withdraw": True}),
        ({"permissions": {"Later": ["X"]}, "readOnly": 0}, {"can_trade": True}),
        ({"ips": ["192.0.2.1"], "deadlineDay": -2}, {"bound_to_addresses": True}),
        ({"deadlineDay": 83}, {"expires_in_days": 83}),
        ({"expiredAt": "2026-12-20T13:00:00Z"}, {"expires_in_days": 30}),
        ({"expiredAt": "1970-01-01T00:00:00Z"}, {}),
    ],
)
async def test_the_key_s_powers(
    bybit: ScriptedBybit, changes: dict[str, object], expected: dict[str, Any]
) -> None:
    """Reading only, trading, withdrawing, expiry and bound addresses are told apart."""
    bybit.play(USER, success(READ_ONLY | changes))
    async with connected(bybit) as venue:
        assert await venue.key_facts() == replace(HARMLESS, **expected)


@pytest.mark.parametrize("result", [{}, {"userID": ""}, {"userID": 0}, {"userID": None}])
async def test_a_key_of_nobody_is_no_answer(bybit: ScriptedBybit, result: object) -> None:
    """An account is never named after an empty user id."""
    bybit.play(USER, success(result))
    async with connected(bybit, tries=1) as venue:
        with pytest.raises(VenueUnavailable, match="whose key"):
            await venue.key_facts()


def instrument(symbol: str, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "priceFilter": {"tickSize": "0.10"},
        "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.001", "maxOrderQty": "1190"},
    }
    return row | changes


async def test_contracts_come_from_every_page_and_status(bybit: ScriptedBybit) -> None:
    """Traded and announced contracts, over several pages, each once, with exact steps."""
    bybit.play(
        INSTRUMENTS,
        success({"list": [instrument("BTCUSDT")], "nextPageCursor": "first%3DB"}),
        success({"list": [instrument("ETHUSDT", lotSizeFilter=None)], "nextPageCursor": ""}),
        success({"list": [instrument("NEWUSDT"), instrument("BTCUSDT")], "nextPageCursor": ""}),
    )
    async with connected(bybit, categories=["linear"]) as venue:
        terms = await venue.contract_terms()

    assert [term.symbol for term in terms] == ["BTCUSDT", "ETHUSDT", "NEWUSDT"]
    assert (terms[0].price_step, terms[0].qty_step) == (Decimal("0.10"), Decimal("0.001"))
    assert (terms[1].qty_step, terms[1].qty_min) == (None, None)
    assert terms[1].multiplier == 1
    assert bybit.asked_of(INSTRUMENTS) == [
        "category=linear&limit=1000",
        "category=linear&limit=1000&cursor=first%3DB",
        "category=linear&limit=1000&status=PreLaunch",
    ]


async def test_a_list_that_runs_in_circles_ends(bybit: ScriptedBybit) -> None:
    """A repeated cursor is an error."""
    bybit.play(INSTRUMENTS, success({"list": [instrument("A")], "nextPageCursor": "x"}))
    async with connected(bybit) as venue:
        with pytest.raises(VenueUnavailable, match="does not go on"):
            await venue.contract_terms()


@pytest.mark.parametrize("body", [b"", b"7", b"{}", b'{"symbol":""}', b'{"symbol":7}'])
def test_a_row_that_names_no_contract_is_none(body: bytes) -> None:
    """One bad row does not hide the other contracts."""

    assert read_terms("linear", body) is None


def test_terms_keep_their_row() -> None:
    """The body goes along as it came; hostile steps are unknown."""
    body = json.dumps(instrument("X", priceFilter={"tickSize": "NaN"})).encode()
    terms = read_terms("linear", body)

    assert terms is not None
    assert (terms.body, terms.price_step) == (body, None)


async def test_marks_without_a_price_are_left_out(bybit: ScriptedBybit) -> None:
    """No price is not a price of zero."""
    rows = [
        {"symbol": "BTCUSDT", "markPrice": "65000.10"},
        {"symbol": "A", "markPrice": ""},
        {"symbol": "B", "markPrice": "0"},
        {"symbol": "C", "markPrice": "NaN"},
        {"symbol": "D", "markPrice": None},
        7,
    ]
    bybit.play(TICKERS, success({"category": "linear", "list": rows}))
    async with connected(bybit) as venue:
        marks = await venue.marks("linear")

    assert marks == [Mark("linear", "BTCUSDT", Decimal("65000.10"))]


@pytest.mark.parametrize("reply", [success({}), success({"list": "x"}), Reply(status=500)])
async def test_a_missing_list_is_an_error(bybit: ScriptedBybit, reply: Reply) -> None:
    """Never an empty list of contracts."""
    bybit.play(TICKERS, reply)
    async with connected(bybit, tries=2) as venue:
        with pytest.raises(VenueUnavailable):
            await venue.marks("linear")


async def test_a_public_refusal_for_haste_slows_down(bybit: ScriptedBybit) -> None:
    """Public answers may refuse without saying when to come back."""
    bybit.play(TICKERS, refusal(10006), success({"list": []}))
    fake = FakeTime()
    async with connected(bybit, fake=fake) as venue:
        assert await venue.marks("linear") == []

    assert 1 <= (fake.now - NOW).total_seconds() <= 2.5


@pytest.mark.parametrize(
    ("environment", "base_url"),
    [
        ("mainnet", "https://api.example.com"),
        ("mainnet", "http://api.bybit.com"),
        ("mainnet", "https://api.bybit.com.example.com"),
        ("moon", None),
    ],
)
def test_keys_go_to_bybit_only(environment: str, base_url: str | None) -> None:
    """An address that is not Bybit's, and an environment that it has not, are refused."""

    with pytest.raises(SettingError):
        connect(
            key=KEY, secret=SECRET, clock=FakeTime().clock, environment=environment,
            base_url=base_url,
        )  # fmt: skip
