"""Each stream is asked for where the venue keeps it, within its bounds, and read to its end."""

from datetime import timedelta
from typing import Any

import pytest

from fillbook.domain.execution import Execution, Unreadable
from fillbook.domain.movement import Movement
from fillbook.domain.raw import Page, digest_key
from fillbook.domain.window import Window, milliseconds
from fillbook.errors import UsageError, VenueNotOffered
from fillbook.venues.bybit import BybitVenue
from fillbook.venues.bybit.histories import histories_of
from fillbook.venues.bybit.option_walk import BASE_COINS
from tests.venues.bybit_rows import (
    NOW,
    WINDOW,
    closed,
    deposit,
    internal_deposit,
    log_line,
    order,
    trade,
    transfer,
    withdrawal,
)
from tests.venues.scripted_bybit import (
    EXECUTIONS,
    ScriptedBybit,
    connected,
    listing,
    refusal,
    success,
)

MONTH = Window(NOW - timedelta(days=29), NOW)
CURSOR = "1%3A2%2C3%3A4"
FROM_TO = f"startTime={milliseconds(WINDOW.starts_at) - 1}&endTime={milliseconds(WINDOW.ends_at)}"
FROM_TO_SECONDS = FROM_TO.replace(
    str(milliseconds(WINDOW.starts_at) - 1), str(milliseconds(WINDOW.starts_at) - 1000)
)


def rules_of(venue: BybitVenue, name: str) -> Any:  # noqa: ANN401 - a StreamRules
    return next(rules for rules in venue.streams if rules.name == name)


async def test_the_streams_are_those_of_the_table(bybit: ScriptedBybit) -> None:
    """In the order in which a pass reads them, with windows, page sizes and what is essential."""
    async with connected(bybit) as venue:
        table = [
            (rules.name, len(rules.scopes), rules.page_rows_max, rules.is_essential)
            for rules in venue.streams
        ]
        longest = {rules.name: rules.window_max for rules in venue.streams}

    assert table == [
        ("orders", 4, 50, True),
        ("executions", 4, 100, True),
        ("account_log", 1, 50, True),
        ("closed_pnl", 2, 100, False),
        ("transfers", 1, 50, False),
        ("deposits", 1, 50, False),
        ("internal_deposits", 1, 50, False),
        ("withdrawals", 1, 50, False),
    ]
    monthly = {"deposits", "internal_deposits", "withdrawals"}
    for name, window_max in longest.items():
        days = 30 if name in monthly else 7
        assert window_max == timedelta(days=days, minutes=-1)


def test_the_demo_environment_moves_no_money() -> None:
    """The streams that it does not serve are absent, and its orders are kept for a week."""
    demo = histories_of("demo")

    assert [rules.name for rules in demo.rules] == [
        "orders", "executions", "account_log", "closed_pnl",
    ]  # fmt: skip
    assert demo.rules[0].retention < timedelta(days=7)
    assert demo.rules[1].retention > timedelta(days=700)


def test_streams_and_categories_can_be_narrowed() -> None:
    """A stream whose scopes are all left out is left out itself; scopes of the account stay."""
    chosen = histories_of("mainnet", categories=["spot"])

    assert [(rules.name, rules.scopes) for rules in chosen.rules[:3]] == [
        ("orders", ("spot",)),
        ("executions", ("spot",)),
        ("account_log", ("UNIFIED",)),
    ]
    assert "closed_pnl" not in chosen.by_name
    assert set(histories_of("mainnet", streams=["executions"]).by_name) == {"executions"}


@pytest.mark.parametrize(
    ("stream", "scope", "path", "query"),
    [
        ("orders", "spot", "/v5/order/history", f"category=spot&{FROM_TO}&limit=50"),
        ("executions", "inverse", EXECUTIONS, f"category=inverse&{FROM_TO}&limit=100"),
        (
            "account_log", "UNIFIED", "/v5/account/transaction-log",
            f"accountType=UNIFIED&{FROM_TO}&limit=50",
        ),
        (
            "closed_pnl", "inverse", "/v5/position/closed-pnl",
            f"category=inverse&{FROM_TO}&limit=100",
        ),
        (
            "transfers", "all", "/v5/asset/transfer/query-inter-transfer-list",
            f"{FROM_TO_SECONDS}&limit=50",
        ),
        ("deposits", "all", "/v5/asset/deposit/query-record", f"{FROM_TO_SECONDS}&limit=50"),
        (
            "internal_deposits", "all", "/v5/asset/deposit/query-internal-record",
            f"{FROM_TO_SECONDS}&limit=50",
        ),
        (
            "withdrawals", "all", "/v5/asset/withdraw/query-record",
            f"withdrawType=2&{FROM_TO_SECONDS}&limit=50",
        ),
    ],
)  # fmt: skip
async def test_each_stream_is_asked_for_whole(
    bybit: ScriptedBybit, stream: str, scope: str, path: str, query: str
) -> None:
    """Both bounds, the page size, withdrawals of every type, signed; the cursor as it came."""
    rows: dict[str, object] = {
        "orders": order(), "executions": trade(), "account_log": log_line(),
        "closed_pnl": closed(), "transfers": transfer(), "deposits": deposit(),
        "internal_deposits": internal_deposit(), "withdrawals": withdrawal(),
    }  # fmt: skip
    name = "rows" if stream.endswith(("deposits", "withdrawals")) else "list"
    bybit.play(path, listing([rows[stream]], CURSOR, category=scope, name=name))
    async with connected(bybit) as venue:
        page = await venue.pages(stream, scope, WINDOW, None)
        await venue.pages(stream, scope, WINDOW, page.next_cursor)

    assert bybit.asked_of(path) == [query, f"{query}&cursor={CURSOR}"]
    assert bybit.unsigned == ["/v5/market/time"]
    assert len(page.records) == 1


async def test_a_deposit_under_way_is_set_aside_until_it_has_a_time(
    bybit: ScriptedBybit,
) -> None:
    """Nothing in its row says when it was: later the same record tells it."""
    path = "/v5/asset/deposit/query-record"
    async with connected(bybit) as venue:
        readings, keys = [], set()
        for changes in ({"status": 2, "successAt": ""}, {"status": 3}, {"status": 70011}):
            bybit.play(path, listing([deposit(**changes)], name="rows"))
            (record,) = (await venue.pages("deposits", "all", WINDOW, None)).records
            keys.add(record.record_key)
            readings.append(venue.parse("deposits", "all", record.body))
    waiting, done, returned = readings

    assert len(keys) == 1
    assert isinstance(waiting, Unreadable)
    assert "status 2, has no time yet" in waiting.reason
    assert isinstance(done, Movement)
    assert isinstance(returned, Movement)
    assert (done.is_final, returned.is_final) == (True, False)
    assert (done.moved_at, done.amount) == (returned.moved_at, returned.amount)


async def test_a_month_is_asked_for_at_once_where_it_may_be(bybit: ScriptedBybit) -> None:
    """Deposits are read in months, transfers in weeks."""
    bybit.play("/v5/asset/deposit/query-record", success({"rows": [], "nextPageCursor": ""}))
    async with connected(bybit) as venue:
        assert await venue.pages("deposits", "all", MONTH, None) == Page((), None)
        with pytest.raises(UsageError):
            await venue.pages("transfers", "all", MONTH, None)


async def test_a_deposit_that_succeeded_after_the_window_is_no_sign_of_another_question(
    bybit: ScriptedBybit,
) -> None:
    """It may be listed by another time than the one that it tells."""
    late = str(milliseconds(WINDOW.ends_at + timedelta(days=20)))
    bybit.play("/v5/asset/deposit/query-record", success({"rows": [deposit(successAt=late)]}))
    async with connected(bybit) as venue:
        page = await venue.pages("deposits", "all", WINDOW, None)

    assert len(page.records) == 1


async def test_options_are_walked_coin_by_coin_behind_one_cursor(bybit: ScriptedBybit) -> None:
    """Every base coin to its end, each row once; the cursor says where the walk stands."""

    def option(number: int, coin: str) -> dict[str, object]:
        return trade(number, symbol=f"{coin}-27MAR26-70000-P")

    bybit.play(
        EXECUTIONS,
        listing([option(1, "BTC")], CURSOR, category="option"),
        listing([], "", category="option"),
        listing([], "", category="option"),
        listing([option(2, "SOL")], "", category="option"),
        listing([], "", category="option"),
    )
    cursors: list[str | None] = [None]
    fills: list[Execution] = []
    async with connected(bybit) as venue:
        while len(cursors) == 1 or cursors[-1] is not None:
            page = await venue.pages("executions", "option", WINDOW, cursors[-1])
            for record in page.records:
                reading = venue.parse("executions", "option", record.body)
                assert isinstance(reading, Execution)
                assert reading.execution_key == record.record_key
                fills.append(reading)
            cursors.append(page.next_cursor)

    asked = [
        query.partition("baseCoin=")[2].partition("&")[0] for query in bybit.asked_of(EXECUTIONS)
    ]
    assert asked == ["BTC", "BTC", "ETH", "SOL", "XRP", "MNT", "DOGE"]
    assert set(asked) == set(BASE_COINS)
    assert cursors == [None, f"BTC|{CURSOR}", "ETH|", "SOL|", "XRP|", "MNT|", "DOGE|", None]
    assert [fill.symbol.partition("-")[0] for fill in fills] == ["BTC", "SOL"]


async def test_base_coins_that_were_met_are_walked_too(bybit: ScriptedBybit) -> None:
    """Last, each once, in executions, terms and marks; other categories teach nothing."""
    paths = (EXECUTIONS, "/v5/market/instruments-info", "/v5/market/tickers")
    for path in paths:
        bybit.play(path, listing([], category="option"))
    async with connected(bybit, categories=["option"]) as venue:
        venue.learn("option", ["HYPE-27MAR26-30-C-USDT", "BTC-27MAR26-70000-P", "", "x-y", "?"])
        venue.learn("option", ["HYPE-27MAR26-40-C-USDT", "1000PEPE-27MAR26-0.005-C"])
        venue.learn("linear", ["TON-21FEB25"])
        cursor: str | None = None
        while True:
            cursor = (await venue.pages("executions", "option", WINDOW, cursor)).next_cursor
            if cursor is None:
                break
        await venue.contract_terms()
        await venue.marks("option")

    for path in paths:
        coins = [asked.partition("baseCoin=")[2].split("&")[0] for asked in bybit.asked_of(path)]
        assert coins == [*BASE_COINS, "HYPE", "1000PEPE"]


@pytest.mark.parametrize("cursor", ["", "BTC", "PEPE|1", "|", "1%3A2"])
async def test_a_cursor_of_another_walk_is_refused(bybit: ScriptedBybit, cursor: str) -> None:
    """Nothing is asked with it."""
    async with connected(bybit) as venue:
        with pytest.raises(UsageError):
            await venue.pages("executions", "option", WINDOW, cursor)

    assert bybit.asked == []


async def test_a_product_that_the_account_lacks_is_named(bybit: ScriptedBybit) -> None:
    """It is neither an empty page nor a fault of the key."""
    bybit.play(EXECUTIONS, refusal(10028))
    async with connected(bybit) as venue:
        with pytest.raises(VenueNotOffered):
            await venue.pages("executions", "inverse", WINDOW, None)


async def test_every_record_has_the_key_of_its_reading(bybit: ScriptedBybit) -> None:
    """Streams that tell the same thing agree on its name."""
    bybit.play("/v5/order/history", listing([order(1), order(2, orderId="")]))
    bybit.play("/v5/account/transaction-log", listing([log_line(1), log_line(1)], category=""))
    async with connected(bybit) as venue:
        orders = await venue.pages("orders", "linear", WINDOW, None)
        lines = await venue.pages("account_log", "UNIFIED", WINDOW, None)

    assert orders.records[0].record_key == digest_key("order", "linear", "BTCUSDT", "order-1")
    assert orders.records[1].record_key != orders.records[0].record_key
    assert lines.records[0].record_key == lines.records[1].record_key
