"""The books of a history of all categories, checked by plain sums over what the venue prints."""

from collections import Counter, defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

import pytest

from papervenues.bybit import Settings, history_of
from papervenues.bybit.replay import bot_holdings
from papervenues.bybit.settings import CATEGORIES
from tests.papervenues.paper_client import DAY_MS, END_MS, Row
from tests.papervenues.wide_histories import (
    HEDGED,
    ONE_WAY,
    account_of,
    moves_position,
    signed,
    truth_of,
)

BOTH = pytest.mark.parametrize("settings", [ONE_WAY, HEDGED], ids=["one-way", "hedge"])
EIGHT_HOURS_MS = DAY_MS // 3
FEE_COINS_FROM_MS = 1_758_153_600_000
E8 = Decimal("0.00000001")


def rows_of(settings: Settings, category: str, *exec_types: str) -> list[Row]:
    return [
        row
        for row in truth_of(settings)["executions"]
        if row["category"] == category and (not exec_types or row["execType"] in exec_types)
    ]


@BOTH
def test_every_category_and_kind_of_row_occurs(settings: Settings) -> None:
    """Each category has its own kinds of rows, and the total is about what was asked for."""
    rows = truth_of(settings)["executions"]
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        kinds[row["category"]].add(row["execType"])
    venue_made = {"BustTrade", "AdlTrade", "BlockTrade", "MovePosition"}

    assert abs(len(rows) - settings.executions) < settings.executions // 10
    assert kinds["linear"] == venue_made | {"Trade", "Funding", "SessionSettlePnL", "Settle"}
    assert kinds["inverse"] == venue_made | {"Trade", "Funding"}
    assert kinds["option"] == venue_made | {"Trade", "Delivery"}
    assert kinds["spot"] == {"Trade"}


@BOTH
def test_legs_add_up(settings: Settings) -> None:
    """The fills of each leg add up to its position; closed sizes are what they took off it."""
    legs: dict[tuple[str, str, int], Decimal] = defaultdict(Decimal)
    for row in filter(moves_position, truth_of(settings)["executions"]):
        if row["category"] == "spot":
            continue
        key = row["category"], row["symbol"], row["positionIdx"]
        before, change = legs[key], signed(row)

        assert Decimal(row["closedSize"]) == (
            min(abs(before), abs(change)) if before * change < 0 else 0
        )
        legs[key] += change
        assert {0: True, 1: legs[key] >= 0, 2: legs[key] <= 0}[row["positionIdx"]]
    ends = {
        (row["category"], row["symbol"], row["positionIdx"]): Decimal(row["signedSize"])
        for row in truth_of(settings)["positions"]
    }

    assert {key: size for key, size in legs.items() if size} == ends


@BOTH
def test_bots_hold_the_legs(settings: Settings) -> None:
    """What bots hold of each leg adds up to it, and a replay agrees with what was booked."""
    truth, account = truth_of(settings), account_of(settings)
    held: dict[tuple[str, str, int], Decimal] = defaultdict(Decimal)
    for row in truth["bots"]:
        held[row["category"], row["symbol"], row["positionIdx"]] += Decimal(row["size"])
    ends = {
        (row["category"], row["symbol"], row["positionIdx"]): Decimal(row["signedSize"])
        for row in truth["positions"]
    }
    kept = sorted(account.holdings_at_end, key=lambda one: (one.bot, one.symbol, one.position_idx))

    assert {key: size for key, size in held.items() if size} == ends
    assert bot_holdings(account, rows=len(account)) == kept


def test_hedge_mode_is_told_by_side_and_closed_size() -> None:
    """A leg follows from side and closed size alone; both legs of a symbol are open at once."""
    open_legs: dict[str, set[int]] = defaultdict(set)
    sizes: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for row in filter(moves_position, rows_of(HEDGED, "linear")):
        closes = Decimal(row["closedSize"]) > 0
        told = 1 if (row["side"] == "Buy") != closes else 2

        assert row["positionIdx"] == told
        assert Decimal(row["closedSize"]) in (0, Decimal(row["execQty"]))
        sizes[row["symbol"], told] += signed(row)
        open_legs[row["symbol"]] |= {told}
    assert any(len(legs) == 2 for legs in open_legs.values())
    assert {row["positionIdx"] for row in rows_of(HEDGED, "inverse")} == {0}
    assert {row["positionIdx"] for row in rows_of(ONE_WAY, "linear")} == {0}


@BOTH
def test_payments_have_the_side_and_size_of_their_leg(settings: Settings) -> None:
    """Funding and session rows carry the leg before the instant and leave it as it is."""
    sizes: dict[tuple[str, str, int], Decimal] = defaultdict(Decimal)
    paid: Counter[str] = Counter()
    for row in truth_of(settings)["executions"]:
        key = row["category"], row["symbol"], row["positionIdx"]
        if moves_position(row):
            sizes[key] += signed(row)
            continue
        paid[f"{row['category']} {row['execType']} {row['feeCurrency']}"] += 1

        assert int(row["execTime"]) % EIGHT_HOURS_MS == 0
        assert signed(row) == sizes[key]
        assert row["execType"] == "Funding" or Decimal(row["execFee"]) == 0
    assert paid["inverse Funding BTC"]
    assert paid["linear SessionSettlePnL USDC"]


@BOTH
def test_spot_coins_add_up_and_are_never_sold_short(settings: Settings) -> None:
    """Bought less sold less fees in the coin is what is held, and it is never negative."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows_of(settings, "spot"):
        held[row["symbol"]] += signed(row)
        if row["symbol"] == f"{row['feeCurrency']}USDT":
            held[row["symbol"]] -= Decimal(row["execFee"])

        assert held[row["symbol"]] >= 0
    ends: dict[str, Decimal] = defaultdict(Decimal)
    for row in truth_of(settings)["holdings"]:
        ends[row["symbol"]] += Decimal(row["size"])

        assert Decimal(row["size"]) > 0
    assert {symbol: size for symbol, size in held.items() if size} == ends
    assert ends


def test_spot_fees_are_paid_in_the_coin_of_the_table() -> None:
    """Base on a buy and quote on a sale, the other way round for a rebate; now and then MNT."""
    seen: Counter[tuple[str, bool, str]] = Counter()
    for row in rows_of(ONE_WAY, "spot"):
        base = row["symbol"].removesuffix("USDT")
        rebate = Decimal(row["execFee"]) < 0
        plain = base if row["side"] == "Buy" else "USDT"
        other = "USDT" if row["side"] == "Buy" else base
        if row["feeCurrency"] != "MNT":
            assert row["feeCurrency"] == (other if rebate else plain)
        assert not rebate or row["isMaker"]
        seen[row["side"], rebate, "MNT" if row["feeCurrency"] == "MNT" else "pair"] += 1
        rate, value = Decimal(row["feeRate"]), Decimal(row["execValue"])
        if row["feeCurrency"] == "USDT":
            assert abs(Decimal(row["execFee"]) - value * rate) <= E8
        elif row["feeCurrency"] == base:
            assert abs(Decimal(row["execFee"]) - Decimal(row["execQty"]) * rate) <= E8

    assert {(side, rebate, "pair") for side in ("Buy", "Sell") for rebate in (False, True)} < set(
        seen
    )
    assert seen["Buy", False, "MNT"]


@BOTH
def test_inverse_values_are_exact(settings: Settings) -> None:
    """The value is contracts over price in the coin, rounded half to even at eight decimals."""
    for row in rows_of(settings, "inverse"):
        exact = Fraction(row["execQty"]) / Fraction(row["execPrice"])
        scaled = exact * 10**8
        value = Decimal(round(scaled)) * E8  # `round` of a fraction is half to even

        assert Decimal(row["execValue"]) == value.quantize(E8, rounding=ROUND_HALF_EVEN)
        if row["execType"] == "Trade":
            fee = exact * Fraction(row["feeRate"])
            assert abs(Fraction(row["execFee"]) - fee) <= Fraction(1, 2 * 10**8)


@BOTH
def test_options_expire_flat_at_their_intrinsic_value(settings: Settings) -> None:
    """A delivery closes all there is, and pays what the underlying's price says."""
    for row in rows_of(settings, "option", "Delivery"):
        base, _, strike, kind, _ = row["symbol"].split("-")
        under = Decimal(row["underlyingPrice"])
        gain = under - Decimal(strike) if kind == "C" else Decimal(strike) - under

        assert row["closedSize"] == row["execQty"]
        assert 0 <= max(gain, Decimal(0)) - Decimal(row["execPrice"]) < 1
        assert row["createType"] == "CreateBySettle"
        assert base in ("BTC", "ETH")
    over = {
        instrument.symbol
        for instrument in account_of(settings).instruments
        if instrument.is_over(END_MS)
    }

    assert len(over) > 5
    assert not over & {row["symbol"] for row in truth_of(settings)["positions"]}
    assert not over & {row["symbol"] for row in truth_of(settings)["bots"]}


def test_nothing_is_traded_after_its_end_or_before_its_launch() -> None:
    """A contract's rows lie inside its life."""
    lives = {
        (one.category, one.symbol): (one.launch_ms, one.delivery_ms)
        for one in account_of(ONE_WAY).instruments
    }
    for row in truth_of(ONE_WAY)["executions"]:
        launch_ms, delivery_ms = lives[row["category"], row["symbol"]]

        assert launch_ms <= int(row["execTime"])
        assert delivery_ms == 0 or int(row["execTime"]) <= delivery_ms


def test_early_rows_of_contracts_name_no_fee_coin() -> None:
    """Before the venue began to, `feeCurrency` is empty on derivatives, never on spot."""
    empty = {
        (row["category"] == "spot", int(row["execTime"]) < FEE_COINS_FROM_MS)
        for row in truth_of(ONE_WAY)["executions"]
        if row["feeCurrency"] == ""
    }
    named = {
        (row["category"] == "spot", int(row["execTime"]) < FEE_COINS_FROM_MS)
        for row in truth_of(ONE_WAY)["executions"]
        if row["feeCurrency"] != ""
    }

    assert empty == {(False, True)}
    assert named == {(True, True), (True, False), (False, False)}


def test_spot_stops_are_told_by_trigger_and_base_price() -> None:
    """A sale without a tag triggered above its base price takes profit, below stops a loss."""
    account = account_of(ONE_WAY)
    orders = account.orders
    stops = [
        number
        for number, symbol in enumerate(orders.symbol)
        if account.instruments[symbol].category == "spot" and orders.base_price[number]
    ]
    ways = {
        (orders.trigger_price[n] > orders.base_price[n], orders.trigger_direction[n]) for n in stops
    }

    assert ways == {(True, 1), (False, 2)}
    assert all(orders.link_id[n] == "" and orders.side[n] == -1 for n in stops)
    assert {row.get("createType") for row in rows_of(ONE_WAY, "spot")} == {None}
    assert {row["stopOrderType"] for row in rows_of(ONE_WAY, "spot")} == {
        "", "tpslOrder", "BidirectionalTpslOrder", "OcoOrder",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"categories": ("spot",)}, {"categories": CATEGORIES, "executions": 300}, {"hedge": True}],
)
def test_other_choices_are_served_too(change: dict[str, Any]) -> None:
    """Any choice of categories gives about as many rows as wanted, and another user."""
    settings = Settings(**{"end_ms": END_MS, "executions": 1_000, "days": 20} | change)
    plain = Settings(end_ms=END_MS, executions=settings.executions, days=20)
    (account,) = history_of(settings).accounts
    categories = {account.instrument_of(row).category for row in range(len(account))}

    assert abs(len(account) - settings.executions) <= settings.executions // 10
    assert categories <= set(settings.categories)
    assert settings.user_id(0) != plain.user_id(0)
