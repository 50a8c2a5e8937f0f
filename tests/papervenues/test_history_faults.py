"""Faults of the history itself: they change what happened, and the books still add up."""

from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from papervenues.bybit import Settings
from papervenues.bybit.replay import bot_holdings, position_sizes
from papervenues.bybit.settings import CATEGORIES
from papervenues.bybit.switches import Switches
from papervenues.faults import FaultPlan, parse_fault
from tests.papervenues.paper_client import DAY_MS, END_MS, Row
from tests.papervenues.wide_histories import account_of, truth_of

SMALL = Settings(end_ms=END_MS, executions=3_000, days=20)


def rows_of(settings: Settings, *faults: str) -> list[Row]:
    rows: list[Row] = truth_of(under(settings, *faults))["executions"]
    return rows


def under(settings: Settings, *faults: str) -> Settings:
    return replace(settings, faults=FaultPlan(tuple(parse_fault(text) for text in faults)))


@pytest.mark.parametrize("name", ["edge_counts", "self_trade", "maker_rebate", "fee_coins"])
def test_the_books_add_up_under_each(name: str) -> None:
    """Positions and holdings agree with a replay, and the history is the same each time."""
    settings = under(replace(SMALL, categories=CATEGORIES), f"{name}=0.1")
    account = account_of(settings)
    kept = sorted(account.holdings_at_end, key=lambda one: (one.bot, one.symbol, one.position_idx))
    held: Counter[tuple[int, int]] = Counter()
    for one in kept:
        if account.instruments[one.symbol].category != "spot":
            held[one.symbol, one.position_idx] += one.qty
    sizes = position_sizes(account, rows=len(account))

    assert bot_holdings(account, rows=len(account)) == kept
    assert {leg: size for leg, size in held.items() if size} == sizes
    account_of.cache_clear()
    assert account_of(settings).executions == account.executions


def test_an_order_at_the_edge_of_a_page() -> None:
    """`edge_counts` makes orders of 99, 100, 101, 200 or 201 fills in one millisecond."""
    counts = Counter(
        (row["orderId"], row["execTime"]) for row in rows_of(SMALL, "edge_counts=0.02")
    )
    large = {count for count in counts.values() if count > 8}

    assert large
    assert large <= {99, 100, 101, 200, 201}


def test_an_account_that_hardly_ever_trades() -> None:
    """`sparse_account` leaves days or months between trades, in and out within minutes."""
    rows = rows_of(replace(SMALL, days=700), "sparse_account=1")
    days = sorted({int(row["execTime"]) // DAY_MS for row in rows})
    gaps = [later - earlier for earlier, later in pairwise(days)]

    assert 10 < len(days) < 140
    assert min(gaps) >= 5
    assert max(gaps) >= 30
    assert {row["execType"] for row in rows} == {"Trade"}


@pytest.mark.parametrize("ids", ["different", "equal"])
def test_both_sides_of_a_trade_on_one_account(ids: str) -> None:
    """`self_trade`: opposite sides, one time and price, ids equal or not as the switch says."""
    settings = replace(under(SMALL, "self_trade=0.3"), switches=Switches(self_trade_ids=ids))
    pairs: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in truth_of(settings)["executions"]:
        if row["execType"] == "Trade":
            key = row["symbol"], row["execTime"], row["execPrice"], row["execQty"]
            pairs[key].append(row)
    met = [pair for pair in pairs.values() if {row["side"] for row in pair} == {"Buy", "Sell"}]
    equal = [len({row["execId"] for row in pair}) == 1 for pair in met]

    assert len(met) > 10
    assert any(equal) == (ids == "equal")
    assert all(len({row["orderId"] for row in pair}) > 1 for pair in met)


def test_fees_in_a_third_coin_change_from_fill_to_fill() -> None:
    """`fee_coins`: some fills of one order pay in USDT, others in MNT, worth about the same."""
    coins: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(SMALL, "fee_coins=0.5"):
        if row["execType"] == "Trade":
            coins[row["orderId"]].add(row["feeCurrency"])

    assert {"MNT", "USDT"} in coins.values()


def test_makers_are_paid() -> None:
    """`maker_rebate=1`: each maker's fee is negative, each taker's positive."""
    rows = [row for row in rows_of(SMALL, "maker_rebate=1") if row["execType"] == "Trade"]

    assert any(row["isMaker"] for row in rows)
    assert all((Decimal(row["execFee"]) < 0) == row["isMaker"] for row in rows)


def test_one_id_in_two_categories() -> None:
    """`shared_exec_id`: an id stands for executions of two categories, of different orders."""
    wide = replace(SMALL, categories=CATEGORIES)
    categories: dict[str, set[str]] = defaultdict(set)
    keys = set()
    rows = rows_of(wide, "shared_exec_id=0.05")
    for row in rows:
        categories[row["execId"]].add(row["category"])
        keys.add((row["category"], row["execId"], row["orderId"]))

    assert any(len(found) == 2 for found in categories.values())
    assert len(keys) == len(rows)


def test_a_plan_without_them_changes_nothing() -> None:
    """A fault that never strikes leaves every byte as it was."""
    settings = under(SMALL, "self_trade=0", "edge_counts=0", "fee_coins=0@1000PEPEUSDT")

    assert truth_of(settings)["executions"] == truth_of(SMALL)["executions"]
