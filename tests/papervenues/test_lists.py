"""Every list of the account keeps to its own window, limit, cursor and order."""

import re
from urllib.parse import unquote

import pytest

from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.query import KEPT_MS
from papervenues.bybit.vocabulary import DELIVERY, NO_STATUS, SESSION
from tests.papervenues.asking import NOTHING, Query, ask, everything, settings_of, venue_of, walk
from tests.papervenues.paper_client import DAY_MS, END_MS, Row

VENUE = venue_of(settings_of())
HISTORY = VENUE.pages[0].history
UUID = r"[0-9a-f-]{36}"

# path, further query, longest window in days, name of the list, field of time, limit
LISTS: list[tuple[str, dict[str, str], int, str, str, int]] = [
    ("account/transaction-log", {"accountType": "UNIFIED"}, 7, "list", "transactionTime", 50),
    ("order/history", {"category": "linear"}, 7, "list", "createdTime", 50),
    ("order/history", {"category": "spot"}, 7, "list", "createdTime", 50),
    ("position/closed-pnl", {"category": "linear"}, 7, "list", "updatedTime", 100),
    ("position/closed-pnl", {"category": "inverse"}, 7, "list", "updatedTime", 100),
    ("position/get-closed-positions", {"category": "option"}, 7, "list", "closeTime", 100),
    ("asset/settlement-record", {"category": "linear"}, 30, "list", "createdTime", 50),
    ("asset/delivery-record", {"category": "option"}, 30, "list", "deliveryTime", 50),
    ("asset/deposit/query-record", {}, 30, "rows", "successAt", 50),
    ("asset/deposit/query-internal-record", {}, 30, "rows", "createdTime", 50),
    ("asset/withdraw/query-record", {"withdrawType": "2"}, 30, "rows", "createTime", 50),
    ("asset/transfer/query-inter-transfer-list", {}, 7, "list", "timestamp", 50),
]
IDS = [f"{path}-{query.get('category', '')}" for path, query, *_ in LISTS]


def closing_orders(category: str) -> int:
    rows = HISTORY.executions
    return len(
        {
            rows.order[row]
            for row in range(len(HISTORY))
            if rows.closed[row] and HISTORY.instrument_of(row).category == category
        }
    )


def orders_of(category: str) -> int:
    orders = HISTORY.orders
    return sum(
        HISTORY.instruments[symbol].category == category and status != NO_STATUS
        for symbol, status in zip(orders.symbol, orders.status, strict=True)
    )


def movements_of(*kinds: str) -> int:
    return sum(event.kind in kinds for event in HISTORY.cash)


EXPECTED = [
    len(VENUE.book(0, now_ms=END_MS).log),
    orders_of("linear"),
    orders_of("spot"),
    closing_orders("linear"),
    closing_orders("inverse"),
    None,
    sum(kind == SESSION for kind in HISTORY.executions.exec_type),
    sum(kind == DELIVERY for kind in HISTORY.executions.exec_type),
    movements_of("DEPOSIT"),
    movements_of("INTERNAL_DEPOSIT"),
    movements_of("WITHDRAWAL"),
    movements_of("TRANSFER_IN", "TRANSFER_OUT"),
]


@pytest.mark.parametrize(("case", "expected"), list(zip(LISTS, EXPECTED, strict=True)), ids=IDS)
def test_windows_and_cursors_give_each_row_exactly_once(
    case: tuple[str, dict[str, str], int, str, str, int], expected: int | None
) -> None:
    """Whatever the page size, a walk over all windows has every row of the store once."""
    path, query, days, name, time_field, limit = case
    small = everything(VENUE, path, {"limit": 3, **query}, days=days, name=name)
    large = everything(VENUE, path, {"limit": limit, **query}, days=days, name=name)
    times = [int(row[time_field]) for row in small]

    assert small == large
    assert times == sorted(times)
    assert len({repr(row) for row in small}) == len(small) > 0
    assert expected is None or len(small) == expected


@pytest.mark.parametrize("case", LISTS, ids=IDS)
def test_pages_are_newest_first_and_keep_the_limit(
    case: tuple[str, dict[str, str], int, str, str, int],
) -> None:
    """Within a page times fall; a limit above the maximum is clamped to it."""
    path, query, days, name, time_field, limit = case
    start = VENUE.settings.start_ms
    rows = ask(VENUE, path, {"startTime": start, "limit": 10_000, **query})[name]
    times = [int(row[time_field]) for row in rows]

    assert times == sorted(times, reverse=True)
    assert len(rows) <= limit
    assert all(start <= at <= start + days * DAY_MS for at in times)


@pytest.mark.parametrize("case", LISTS, ids=IDS)
def test_a_window_that_is_too_long_or_reversed_is_refused(
    case: tuple[str, dict[str, str], int, str, str, int],
) -> None:
    """Exactly the longest window passes, one second more does not, and none runs backwards."""
    path, query, days, name, _, _ = case
    start = END_MS - 35 * DAY_MS
    longest = start + days * DAY_MS
    finance = "settlement" in path or "delivery" in path

    assert name in ask(VENUE, path, {"startTime": start, "endTime": longest, **query})
    assert code_of(path, {"startTime": start, "endTime": longest + 1000, **query}) == (
        181010 if finance else 10001
    )
    assert code_of(path, {"startTime": longest, "endTime": start, **query}) == (
        181009 if finance else 10001
    )
    assert code_of(path, {"startTime": "soon", **query}) == 10001
    assert code_of(path, {"limit": 0, **query}) == 10001


def code_of(path: str, query: Query = NOTHING, *, kind: str = "read") -> int:
    try:
        ask(VENUE, path, query, kind=kind)
    except RefusalError as refusal:
        return refusal.code
    return 0


def test_the_log_covers_a_day_unless_it_is_asked_for_more() -> None:
    """No bound means the last 24 hours and one bound 24 hours beside it, though 7 days pass."""
    path, day = "account/transaction-log", END_MS - 20 * DAY_MS

    def span(**bounds: int) -> list[int]:
        return [int(row["transactionTime"]) for row in walk(VENUE, path, {"limit": 50, **bounds})]

    assert min(span()) >= END_MS - DAY_MS
    assert span(startTime=day) == span(startTime=day, endTime=day + DAY_MS) != []
    assert span(endTime=day) == span(startTime=day - DAY_MS, endTime=day) != []
    assert max(span(startTime=day, endTime=day + 7 * DAY_MS)) > day + 2 * DAY_MS
    assert len(ask(VENUE, path, {"startTime": day, "endTime": day + 7 * DAY_MS})["list"]) == 20


@pytest.mark.parametrize(
    ("path", "kept_ms"),
    [
        ("account/transaction-log", KEPT_MS),
        ("order/history", KEPT_MS),
        ("position/closed-pnl", KEPT_MS),
        ("position/get-closed-positions", 183 * DAY_MS),
    ],
)
def test_beyond_the_edge_nothing_is_asked(path: str, kept_ms: int) -> None:
    """A bound before the edge is refused; the edge itself passes."""
    query = {"category": "option" if "get-closed" in path else "linear"}

    assert code_of(path, {"startTime": END_MS - kept_ms, **query}) == 0
    assert code_of(path, {"startTime": END_MS - kept_ms - 1, **query}) == 10001
    assert code_of("asset/deposit/query-record", {"startTime": END_MS - 3 * KEPT_MS}) == 0


def test_the_fund_log_counts_seconds_and_wants_both_bounds() -> None:
    """`fundinghistory` takes seconds; its balances follow from its amounts."""
    path, second = "asset/fundinghistory", END_MS // 1000
    rows = everything(
        VENUE, path, {"limit": 4}, bounds=("createTimeFrom", "createTimeTo"), unit_ms=1000
    )
    after: dict[str, float] = {}

    assert code_of(path, {"createTimeFrom": second - 60}) == 10001
    assert code_of(path, {"createTimeFrom": second - 7 * 86_400, "createTimeTo": second}) == 0
    assert code_of(path, {"createTimeFrom": second - 7 * 86_401, "createTimeTo": second}) == 10001
    assert len(rows) == movements_of(
        "DEPOSIT", "INTERNAL_DEPOSIT", "WITHDRAWAL", "TRANSFER_IN", "TRANSFER_OUT"
    )
    for row in rows:
        change = float(row["txnAmt"]) * (1 if row["ioDirection"] == "I" else -1)
        before = after.get(row["currency"])
        after[row["currency"]] = float(row["afterAmt"])
        assert before is None or abs(before + change - after[row["currency"]]) < 1e-6


@pytest.mark.parametrize(
    ("path", "query", "shape"),
    [
        ("account/transaction-log", {}, r"\d+:\d+,\d+:\d+"),
        ("order/history", {"category": "linear"}, rf"{UUID}:\d+,{UUID}:\d+"),
        ("position/closed-pnl", {"category": "linear"}, rf"{UUID}:\d+,{UUID}:\d+"),
        ("position/list", {"category": "linear", "settleCoin": "USDT"}, r"[A-Z0-9]+,\d+,[012]"),
        ("asset/transfer/query-inter-transfer-list", {}, r"[A-Za-z0-9+/]+=*"),
    ],
)
def test_a_cursor_has_its_endpoints_shape_and_is_not_made_up(
    path: str, query: dict[str, str], shape: str
) -> None:
    """Cursors come percent-encoded, in the shape of their endpoint; a foreign one is refused."""
    bounds = {} if path == "position/list" else {"startTime": str(END_MS - 7 * DAY_MS)}
    cursor = ask(VENUE, path, {"limit": 1, **query, **bounds})["nextPageCursor"]

    assert not set(",:=") & set(cursor)
    assert re.fullmatch(shape, unquote(cursor))
    assert code_of(path, {"cursor": "rubbish", **query, **bounds}) == 10001


def test_filters_of_the_log_leave_what_was_asked_for() -> None:
    """Category, currency, type and base coin each filter, also together."""
    path = "account/transaction-log"
    rows = everything(VENUE, path, {"limit": 50})

    def expected(**fields: str) -> list[Row]:
        return [row for row in rows if all(row[key] == text for key, text in fields.items())]

    for fields in (
        {"category": "spot"},
        {"currency": "BTC"},
        {"type": "SETTLEMENT"},
        {"category": "linear", "type": "LIQUIDATION"},
        {"type": "INTEREST", "currency": "USDT"},
    ):
        assert everything(VENUE, path, {"limit": 50, **fields}) == expected(**fields) != []
    by_base = everything(VENUE, path, {"limit": 50, "baseCoin": "ETH"})
    assert {row["symbol"][:3] for row in by_base} == {"ETH"}


def test_withdrawals_need_the_master_key() -> None:
    """A sub-account's key reads deposits, but no withdrawals."""

    assert code_of("asset/withdraw/query-record", kind="sub") == 10005
    assert code_of("asset/deposit/query-record", kind="sub") == 0
    assert code_of("asset/withdraw/query-record") == 0


def test_keys_tell_what_they_may() -> None:
    """Permissions, expiry and addresses are those of the key that asks."""
    path = "user/query-api"
    told = {kind: ask(VENUE, path, kind=kind) for kind in ("read", "trade", "withdraw")}

    assert [told[kind]["readOnly"] for kind in told] == [1, 0, 0]
    assert not any(told["read"]["permissions"].values())
    assert "Withdraw" in told["withdraw"]["permissions"]["Wallet"]
    assert "Withdraw" not in told["trade"]["permissions"]["Wallet"]
    assert ask(VENUE, path, kind="expiring")["deadlineDay"] == 10
    assert ask(VENUE, path, kind="bound")["ips"] == ["127.0.0.1"]
    assert ask(VENUE, path, kind="sub")["isMaster"] is False


def test_closed_profits_are_sorted_as_the_switch_says() -> None:
    """By the time of the last closing fill, or by that of the order."""
    created, updated = (
        venue_of(settings_of(days=2, switches=(f"closed_pnl_sort={word}",)))
        for word in ("created", "updated")
    )
    query = {"category": "linear", "limit": 100}
    by_creation = everything(created, "position/closed-pnl", query)
    by_update = everything(updated, "position/closed-pnl", query)
    times = [int(row["createdTime"]) for row in by_creation]

    assert times == sorted(times)
    assert [row["orderId"] for row in by_creation] != [row["orderId"] for row in by_update]
    assert {row["orderId"] for row in by_creation} == {row["orderId"] for row in by_update}


def test_an_order_that_is_split_sums_to_the_same() -> None:
    """Where one order may make two rows, both together are the row of the other reading."""
    split = venue_of(settings_of(switches=("closed_pnl_split=true",)))
    query = {"category": "linear", "limit": 7}
    parts = everything(split, "position/closed-pnl", query)
    whole = {row["orderId"]: row for row in everything(VENUE, "position/closed-pnl", query)}
    fills: dict[str, int] = {}
    for row in parts:
        fills[row["orderId"]] = fills.get(row["orderId"], 0) + int(row["fillCount"])

    assert len(parts) > len(whole)
    assert fills == {order: int(row["fillCount"]) for order, row in whole.items()}


def test_an_upgraded_account_without_a_past_lists_nothing() -> None:
    """The endpoints for rows from before an upgrade answer with empty lists."""

    assert ask(VENUE, "pre-upgrade/execution/list", {"category": "linear"})["list"] == []
    assert ask(VENUE, "pre-upgrade/account/transaction-log")["nextPageCursor"] == ""


def test_how_long_movements_are_kept_is_a_switch() -> None:
    """Nobody documents it: for ever by default, or so many days."""
    short = venue_of(settings_of(switches=("asset_kept_days=9",)))
    path = "asset/transfer/query-inter-transfer-list"
    kept = everything(short, path)

    assert kept == [
        row for row in everything(VENUE, path) if int(row["timestamp"]) >= END_MS - 9 * DAY_MS
    ]
    assert 0 < len(kept) < len(everything(VENUE, path))
