"""What the venue shows of the present is read whole or not at all, and unknown is never zero."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fillbook.domain.instrument import Mark
from fillbook.domain.observed import Balance, HeldPosition
from fillbook.domain.window import Window, milliseconds
from fillbook.errors import UsageError, VenueKeyError, VenueUnavailable
from tests.venues.bybit_rows import NOW
from tests.venues.scripted_bybit import (
    FakeTime,
    Reply,
    ScriptedBybit,
    connected,
    refusal,
    success,
)

POSITIONS = "/v5/position/list"
UNIFIED = "/v5/account/wallet-balance"
FUND = "/v5/asset/transfer/query-account-coins-balance"
INFO = "/v5/account/info"
USER = "/v5/user/query-api"
TICKERS = "/v5/market/tickers"
INSTRUMENTS = "/v5/market/instruments-info"
CANDLES = "/v5/market/kline"
AT = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def position(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "positionIdx": 0,
        "symbol": "BTCUSDT",
        "side": "Sell",
        "size": "0.5",
        "avgPrice": "65000.5",
        "markPrice": "64000",
        "unrealisedPnl": "500.25",
        "leverage": "10",
        "liqPrice": "",
        "takeProfit": "0.00",
        "stopLoss": "66000",
        "openTime": milliseconds(AT),
        "updatedTime": str(milliseconds(AT) + 1),
        "seq": 4_688_002_127,
    }
    return row | changes


def listed(*rows: object, cursor: str = "") -> Reply:
    return success({"list": list(rows), "nextPageCursor": cursor})


async def test_positions_of_every_category_and_coin(bybit: ScriptedBybit) -> None:
    """Linear by USDT and by USDC, inverse and options whole; over several pages; signed sizes."""
    bybit.play(
        POSITIONS,
        listed(position(), cursor="BTCUSDT%2C1%2C0"),
        listed(position(symbol="ETHUSDT", side="Buy")),
        listed(position(symbol="BTCPERP")),
        listed(position(symbol="BTCUSD", size="300")),
        listed(position(symbol="BTC-27MAR26-70000-P", leverage="", takeProfit="")),
    )
    async with connected(bybit) as venue:
        held = await venue.positions()

    assert held[0] == HeldPosition(
        category="linear", symbol="BTCUSDT", leg="net", qty=Decimal("-0.5"),
        entry_price=Decimal("65000.5"), mark_price=Decimal(64000), unrealised=Decimal("500.25"),
        leverage=Decimal(10), liquidation_price=None, take_profit=None, stop_loss=Decimal(66000),
        opened_at=AT, updated_at=AT + timedelta(milliseconds=1), venue_seq=4_688_002_127,
    )  # fmt: skip
    assert [(one.category, one.symbol, one.qty) for one in held[1:]] == [
        ("linear", "ETHUSDT", Decimal("0.5")),
        ("linear", "BTCPERP", Decimal("-0.5")),
        ("inverse", "BTCUSD", Decimal(-300)),
        ("option", "BTC-27MAR26-70000-P", Decimal("-0.5")),
    ]
    assert bybit.asked_of(POSITIONS) == [
        "category=linear&settleCoin=USDT&limit=200",
        "category=linear&settleCoin=USDT&limit=200&cursor=BTCUSDT%2C1%2C0",
        "category=linear&settleCoin=USDC&limit=200",
        "category=inverse&limit=200",
        "category=option&limit=200",
    ]


async def test_both_legs_of_a_hedged_position_are_kept(bybit: ScriptedBybit) -> None:
    """The empty leg may come first, and it is not the only one."""
    legs = [
        position(positionIdx=1, side="", size="0", avgPrice="0", seq=-1, openTime=0),
        position(positionIdx=2),
    ]
    bybit.play(POSITIONS, listed(*legs))
    async with connected(bybit, categories=["inverse"]) as venue:
        long, short = await venue.positions()

    assert (long.leg, long.entry_price, long.venue_seq, long.opened_at) == (
        "long",
        None,
        None,
        None,
    )
    assert long.qty == 0
    assert (short.leg, short.qty) == ("short", Decimal("-0.5"))


@pytest.mark.parametrize(
    "changes",
    [
        {"size": "NaN"}, {"size": "-1"}, {"size": ""}, {"side": ""}, {"side": "None"},
        {"symbol": ""}, {"symbol": ["x"]}, {"positionIdx": 3}, {"positionIdx": "x"},
    ],
)  # fmt: skip
async def test_a_position_that_cannot_be_read_is_not_flat(
    bybit: ScriptedBybit, changes: dict[str, object]
) -> None:
    """Without symbol, side, size and leg there is an error, not a missing position."""
    bybit.play(POSITIONS, listed(position(**changes)))
    async with connected(bybit, tries=1, categories=["inverse"]) as venue:
        with pytest.raises(VenueUnavailable, match="positions cannot be read"):
            await venue.positions()


async def test_what_nothing_rests_on_may_be_broken(bybit: ScriptedBybit) -> None:
    """It is unknown then."""
    names = ("markPrice", "unrealisedPnl", "leverage", "liqPrice", "updatedTime", "openTime", "seq")
    bybit.play(POSITIONS, listed(position(**dict.fromkeys(names, "-"))))
    async with connected(bybit, categories=["inverse"]) as venue:
        (held,) = await venue.positions()

    assert held.qty == Decimal("-0.5")
    assert (held.mark_price, held.unrealised, held.opened_at, held.venue_seq) == (None,) * 4


async def test_a_category_that_the_account_lacks_holds_nothing(bybit: ScriptedBybit) -> None:
    """The other categories are read; a key without permission is still an error."""
    bybit.play(POSITIONS, refusal(10028), listed(position(symbol="BTC-27MAR26-70000-P")))
    async with connected(bybit, categories=["inverse", "option"]) as venue:
        assert [one.category for one in await venue.positions()] == ["option"]
        bybit.play(POSITIONS, refusal(10005))
        with pytest.raises(VenueKeyError):
            await venue.positions()


async def test_balances_of_both_wallets(bybit: ScriptedBybit) -> None:
    """What is borrowed stands beside the balance, and empty is unknown."""
    coins = [
        {"coin": "USDT", "walletBalance": "100.5", "equity": "90", "usdValue": "90.1"},
        {"coin": "BTC", "walletBalance": "-0.5", "spotBorrow": "0.7", "equity": "", "free": ""},
        {"coin": "", "walletBalance": ""},
    ]
    bybit.play(UNIFIED, success({"list": [{"accountType": "UNIFIED", "coin": coins}]}))
    funds = [{"coin": "USDC", "walletBalance": "7", "transferBalance": "7", "bonus": ""}]
    bybit.play(FUND, success({"accountType": "FUND", "memberId": "1", "balance": funds}))
    async with connected(bybit) as venue:
        held = await venue.balances()

    assert held == [
        Balance("UNIFIED", "USDT", Decimal("100.5"), None, Decimal(90), Decimal("90.1")),
        Balance("UNIFIED", "BTC", Decimal("-0.5"), Decimal("0.7"), None, None),
        Balance("FUND", "USDC", Decimal(7), None, None, None),
    ]
    assert bybit.asked_of(UNIFIED) == ["accountType=UNIFIED"]


@pytest.mark.parametrize("reply", [refusal(10005), Reply(status=404), refusal(10028)])
async def test_a_funding_wallet_out_of_reach_is_left_out(
    bybit: ScriptedBybit, reply: Reply
) -> None:
    """It is not shown as empty."""
    bybit.play(UNIFIED, success({"list": []}))
    bybit.play(FUND, reply)
    async with connected(bybit) as venue:
        assert await venue.balances() == []


@pytest.mark.parametrize(
    "result",
    [
        None, {}, {"list": None}, {"list": [{}]}, {"list": [{"coin": [{"coin": "X"}]}]},
        {"list": [{"coin": [{"coin": "X", "walletBalance": "NaN"}]}]}, {"list": [{"coin": [7]}]},
    ],
)  # fmt: skip
async def test_a_broken_wallet_is_not_empty(bybit: ScriptedBybit, result: object) -> None:
    """A balance that cannot be read is an error."""
    bybit.play(UNIFIED, success(result))
    async with connected(bybit, tries=1) as venue:
        with pytest.raises(VenueUnavailable):
            await venue.balances()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (1, "classic"), (3, "UTA1.0"), (4, "UTA1.0 pro"), (5, "UTA2.0"), (6, "UTA2.0 pro"),
        (7, ""), (None, ""),
    ],
)  # fmt: skip
async def test_the_kind_of_account_is_told(
    bybit: ScriptedBybit, status: int | None, kind: str
) -> None:
    """By the venue's number for its generation; an answer without one says nothing."""
    bybit.play(USER, success({"userID": 42, "readOnly": 1, "permissions": {}}))
    bybit.play(INFO, success({"unifiedMarginStatus": status, "marginMode": "REGULAR_MARGIN"}))
    async with connected(bybit) as venue:
        facts = await venue.key_facts()

    assert facts.account_kind == kind


async def test_marks_of_every_category(bybit: ScriptedBybit) -> None:
    """Spot has no mark but a last price, options are asked for by coin, other scopes have none."""
    row = {"symbol": "X", "markPrice": "10.5", "lastPrice": "11"}
    bybit.play(TICKERS, listed(row))
    async with connected(bybit) as venue:
        assert await venue.marks("inverse") == [Mark("inverse", "X", Decimal("10.5"))]
        assert await venue.marks("spot") == [Mark("spot", "X", Decimal(11))]
        assert len(await venue.marks("option")) == 6
        asked = len(bybit.asked)
        assert await venue.marks("UNIFIED") == []

    assert len(bybit.asked) == asked
    assert "category=option&baseCoin=DOGE" in bybit.asked_of(TICKERS)


async def test_contracts_of_every_category(bybit: ScriptedBybit) -> None:
    """Each has its kind, its coins and its steps; spot counts in its base precision."""
    inverse = {
        "symbol": "BTCUSD", "contractType": "InversePerpetual", "baseCoin": "BTC",
        "quoteCoin": "USD", "settleCoin": "BTC", "priceFilter": {"tickSize": "0.50"},
        "lotSizeFilter": {"qtyStep": "1", "minOrderQty": "1"},
    }  # fmt: skip
    spot = {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT",
        "priceFilter": {"tickSize": "0.1"},
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000011"},
    }  # fmt: skip
    option = {
        "symbol": "BTC-27MAR26-70000-P-USDT", "optionsType": "Put", "baseCoin": "BTC",
        "quoteCoin": "USDT", "settleCoin": "USDT", "priceFilter": {"tickSize": "5"},
        "lotSizeFilter": {"qtyStep": "0.01", "minOrderQty": "0.01"},
    }  # fmt: skip
    bybit.play(INSTRUMENTS, listed(inverse), listed(), listed(spot), listed(option))
    async with connected(bybit, categories=["inverse", "spot", "option"]) as venue:
        terms = await venue.contract_terms()

    assert [(one.category, one.kind, one.settle, one.qty_step) for one in terms] == [
        ("inverse", "inverse", "BTC", Decimal(1)),
        ("spot", "spot", "USDT", Decimal("0.000001")),
        ("option", "option", "USDT", Decimal("0.01")),
    ]
    assert {one.multiplier for one in terms} == {Decimal(1)}
    assert bybit.asked_of(INSTRUMENTS)[2] == "category=spot"


def candle(at: datetime, close: str = "2") -> list[str]:
    return [str(milliseconds(at)), "1", "3", "0.5", close, "10", "20"]


async def test_candles_come_oldest_first_and_from_the_window_only(bybit: ScriptedBybit) -> None:
    """The venue sends the newest first, and the candle that contains the start as well."""
    rows = [candle(AT + MINUTE * n) for n in (3, 2, 1, 0, -1)]
    bybit.play(CANDLES, success({"symbol": "BTCUSDT", "category": "linear", "list": rows}))
    window = Window(AT, AT + MINUTE * 3)
    async with connected(bybit) as venue:
        found = await venue.candles("linear", "BTCUSDT", interval=MINUTE, window=window)

    assert [one.starts_at for one in found] == [AT, AT + MINUTE, AT + MINUTE * 2]
    assert [found[0].open, found[0].close, found[0].turnover] == [Decimal(n) for n in (1, 2, 20)]
    asked = (
        f"category=linear&symbol=BTCUSDT&interval=1&start={milliseconds(AT)}"
        f"&end={milliseconds(AT + MINUTE * 3)}&limit=1000"
    )
    assert bybit.asked_of(CANDLES) == [asked]


async def test_a_long_stretch_of_candles_is_asked_for_in_pieces(bybit: ScriptedBybit) -> None:
    """No piece holds more candles than an answer does."""
    bybit.play(CANDLES, success({"list": []}))
    window = Window(AT - timedelta(days=100), AT)
    async with connected(bybit, fake=FakeTime()) as venue:
        await venue.candles("spot", "BTCUSDT", interval=timedelta(hours=1), window=window)

    assert len(bybit.asked_of(CANDLES)) == 3


@pytest.mark.parametrize(
    "result",
    [
        {"list": [["1"]]}, {"list": [candle(AT, "NaN")]}, {"list": [candle(AT, "")]}, {},
        {"list": [], "symbol": "ETHUSDT"}, {"list": [[1, 2, 3, 4, 5, 6, 7]]},
    ],
)  # fmt: skip
async def test_broken_candles_are_an_error(bybit: ScriptedBybit, result: object) -> None:
    """A price is never made up."""
    bybit.play(CANDLES, success(result))
    async with connected(bybit, tries=1) as venue:
        with pytest.raises(VenueUnavailable):
            await venue.candles(
                "linear", "BTCUSDT", interval=MINUTE, window=Window(AT, AT + MINUTE)
            )


@pytest.mark.parametrize(
    ("category", "symbol", "interval"),
    [
        ("option", "X", MINUTE), ("linear", "X", timedelta(minutes=2)),
        ("linear", "X&category=spot", MINUTE), ("linear", "", MINUTE),
    ],
)  # fmt: skip
async def test_candles_that_there_are_not_are_not_asked_for(
    bybit: ScriptedBybit, category: str, symbol: str, interval: timedelta
) -> None:
    """An interval that the venue lacks, and a symbol that is none."""
    async with connected(bybit) as venue:
        with pytest.raises(UsageError):
            await venue.candles(category, symbol, interval=interval, window=Window(AT, NOW))

    assert bybit.asked == []
