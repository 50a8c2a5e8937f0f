"""Which orders are listed, where and for how long; which positions are listed when flat."""

from papervenues.bybit import PaperHistory
from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.exchange import Exchange
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.listings import market_of
from papervenues.bybit.terms import Fill, OrderTerms
from papervenues.bybit.venue import Venue
from papervenues.bybit.vocabulary import (
    BY_USER,
    CANCELLED,
    DEACTIVATED,
    LIMIT,
    PARTIALLY_FILLED_CANCELED,
    REJECTED,
    TRIGGERED,
    UNTRIGGERED,
)
from papervenues.market import instrument_number
from tests.papervenues.asking import ALL, ask, everything, settings_of, walk
from tests.papervenues.paper_client import DAY_MS, END_MS, Row

SETTINGS = settings_of(executions=0, days=30, categories=("linear",))
MARKET_MADE = market_of(seed=7, start_ms=SETTINGS.start_ms, end_ms=SETTINGS.end_ms)
HOUR_MS = 3_600_000


class Desk:
    """An account whose orders a test writes itself; each order is named by its client id."""

    def __init__(self, *, is_hedged: bool = False) -> None:
        self.history = AccountHistory(
            seed=7, user_id=1, bots=(), instruments=MARKET_MADE.instruments, is_hedged=is_hedged
        )
        self.exchange = Exchange.resume(self.history, MARKET_MADE.paths)
        self.now_ms = END_MS
        made = PaperHistory(SETTINGS, MARKET_MADE.paths, (self.history,), MARKET_MADE.instruments)
        self.venue = Venue(made, clock=lambda: self.now_ms)

    def order(
        self,
        name: str,
        at_ms: int,
        *,
        category: str = "linear",
        symbol: str = "XRPUSDT",
        side: int = 1,
        status: int | None = None,
        filled: int = 0,
        index: int = 0,
        trigger: int = 0,
    ) -> None:
        """An order of 100, filled in part or whole, and ended with a status if one is given."""
        number = instrument_number(self.history.instruments, category, symbol)
        assert number is not None
        price = MARKET_MADE.paths[number].at(at_ms)
        order = self.exchange.order(
            OrderTerms(
                symbol=number, side=side, qty=100, price=price, order_type=LIMIT,
                link_id=name, position_idx=index, trigger_price=trigger,
            ),
            time_ms=at_ms,
        )  # fmt: skip
        if filled:
            fill = Fill(order, filled, price, 100 - filled, 20_000, is_maker=True)
            self.exchange.fill(fill, time_ms=at_ms)
        if status is not None:
            self.exchange.close_order(order, time_ms=at_ms, cancel_type=BY_USER, status=status)

    def listed(self, path: str, **query: object) -> list[str]:
        """The client ids of the orders that are listed, newest first."""
        return [
            row["orderLinkId"] for row in walk(self.venue, path, {"category": "linear"} | query)
        ]


def history_of(desk: Desk) -> set[str]:
    """What the order history lists of all days."""
    rows = everything(desk.venue, "order/history", {"category": "linear"})
    return {str(row["orderLinkId"]) for row in rows}


def test_history_forgets_orders_by_age() -> None:
    """Orders without a fill go after a day or a week; an order with a fill stays."""
    desk = Desk()
    for age, days in (("old", 8), ("week", 3), ("new", 0)):
        at = END_MS - days * DAY_MS - HOUR_MS
        desk.order(f"{age}-filled", at, filled=100)
        desk.order(f"{age}-part", at, filled=40, status=CANCELLED)
        desk.order(f"{age}-cancelled", at, status=CANCELLED)
        desk.order(f"{age}-rejected", at, status=REJECTED)
        desk.order(f"{age}-deactivated", at, status=DEACTIVATED)
        desk.order(f"{age}-triggered", at, status=TRIGGERED)
        desk.order(f"{age}-open", at)

    assert history_of(desk) == {
        "old-filled", "old-part",
        "week-filled", "week-part", "week-triggered",
        "new-filled", "new-part", "new-cancelled", "new-rejected", "new-deactivated",
        "new-triggered",
    }  # fmt: skip


def test_open_orders_are_listed_whatever_their_age() -> None:
    """`realtime` lists what waits; with `openOnly=1` what ended, at most 500 of it."""
    desk = Desk()
    desk.order("resting", END_MS - 20 * DAY_MS)
    desk.order("part", END_MS - 2 * DAY_MS, filled=40)
    desk.order("stop", END_MS - DAY_MS, status=UNTRIGGERED, trigger=1)
    for count in range(505):
        desk.order(f"done-{count}", END_MS - HOUR_MS + count, status=CANCELLED)

    assert desk.listed("order/realtime", symbol="XRPUSDT") == ["stop", "part", "resting"]
    closed = desk.listed("order/realtime", settleCoin="USDT", openOnly=1, limit=50)
    assert (len(closed), closed[0], closed[-1]) == (500, "done-504", "done-5")


def test_linear_open_orders_need_a_scope() -> None:
    """Without symbol, base or settle coin the request is refused; other categories need none."""
    desk = Desk()
    codes = []
    for category in ALL:
        try:
            ask(desk.venue, "order/realtime", {"category": category})
            codes.append(0)
        except RefusalError as refusal:
            codes.append(refusal.code)

    assert codes == [10001, 0, 0, 0]


def test_an_order_shows_what_was_executed() -> None:
    """Quantities, values and fees are the sums of its fills; a spot order has no createType."""
    desk = Desk()
    desk.order("part", END_MS - 2 * HOUR_MS, filled=40)
    desk.order("spot", END_MS - HOUR_MS, category="spot", symbol="BTCUSDT", filled=30,
               status=PARTIALLY_FILLED_CANCELED)  # fmt: skip
    query = {"category": "linear", "symbol": "XRPUSDT"}
    [row] = ask(desk.venue, "order/realtime", query)["list"]
    [spot] = ask(desk.venue, "order/history", {"category": "spot"})["list"]

    assert (row["orderStatus"], row["qty"], row["cumExecQty"]) == ("PartiallyFilled", "100", "40")
    assert (row["leavesQty"], row["avgPrice"]) == ("60", row["price"])
    assert list(row["cumFeeDetail"]) == ["USDT"]
    assert (row["createType"], row["positionIdx"]) == ("CreateByUser", 0)
    assert (spot["orderStatus"], list(spot["cumFeeDetail"])) == ("PartiallyFilledCanceled", ["BTC"])
    assert not {"createType", "tpslMode", "lastPriceOnCreated"} & set(spot)
    assert "basePrice" in spot
    assert "basePrice" not in row


def test_an_order_is_found_by_either_id() -> None:
    """With an id all windows are ignored; what happened later is not known earlier."""
    desk = Desk()
    desk.order("filled", END_MS - 20 * DAY_MS, filled=100)
    [row] = ask(desk.venue, "order/history", {"category": "linear", "orderLinkId": "filled"})[
        "list"
    ]
    again = ask(desk.venue, "order/history", {"category": "linear", "orderId": row["orderId"]})
    nobody = ask(desk.venue, "order/history", {"category": "linear", "orderId": "nobody"})
    desk.now_ms = END_MS - 21 * DAY_MS
    earlier = ask(desk.venue, "order/history", {"category": "linear", "orderLinkId": "filled"})

    assert again["list"] == [row]
    assert nobody["list"] == earlier["list"] == []


def test_rows_that_are_appended_shift_no_page() -> None:
    """A cursor goes on below its page, though newer orders came meanwhile."""
    desk = Desk()
    for count in range(6):
        desk.order(f"order-{count}", END_MS - HOUR_MS + count, filled=100)
    query: Row = {"category": "linear", "limit": 2}
    first = ask(desk.venue, "order/history", query)
    log = ask(desk.venue, "account/transaction-log", {"limit": 2})
    desk.order("newer", END_MS - HOUR_MS + 10, filled=100)
    cursor = first["nextPageCursor"].replace("%3A", ":").replace("%2C", ",")
    rest = walk_on(desk.venue, "order/history", query, cursor)
    log_cursor = log["nextPageCursor"].replace("%3A", ":").replace("%2C", ",")
    log_rest = walk_on(desk.venue, "account/transaction-log", {"limit": 2}, log_cursor)
    newest = ask(desk.venue, "order/history", query)["list"][0]

    assert [row["orderLinkId"] for row in rest] == [f"order-{count}" for count in (3, 2, 1, 0)]
    assert [row["orderLinkId"] for row in log_rest] == [f"order-{n}" for n in (3, 2, 1, 0)]
    assert newest["orderLinkId"] == "newer"


def walk_on(venue: Venue, path: str, query: Row, cursor: str) -> list[Row]:
    """All rows from a cursor to the end."""
    rows: list[Row] = []
    while cursor:
        result = ask(venue, path, {**query, "cursor": cursor})
        rows += result["list"]
        cursor = result["nextPageCursor"].replace("%3A", ":").replace("%2C", ",")
    return rows


def test_the_empty_leg_comes_first() -> None:
    """In hedge mode a symbol has both legs, asked by name; by settle coin only open ones."""
    desk = Desk(is_hedged=True)
    desk.order("long", END_MS - HOUR_MS, filled=100, index=1)
    by_name = ask(desk.venue, "position/list", {"category": "linear", "symbol": "XRPUSDT"})
    by_coin = ask(desk.venue, "position/list", {"category": "linear", "settleCoin": "USDT"})
    untouched = ask(desk.venue, "position/list", {"category": "linear", "symbol": "BTCUSDT"})

    assert [(row["positionIdx"], row["side"], row["size"]) for row in by_name["list"]] == [
        (2, "", "0"),
        (1, "Buy", "100"),
    ]
    assert [row["positionIdx"] for row in by_coin["list"]] == [1]
    assert [(row["size"], row["seq"]) for row in untouched["list"]] == [("0", -1), ("0", -1)]


def test_positions_are_paged_by_symbol() -> None:
    """Each position comes once, whatever the page size."""
    desk, symbols = Desk(), ["ADAUSDT", "DOGEUSDT", "XRPUSDT"]
    for symbol in reversed(symbols):
        desk.order(symbol, END_MS - HOUR_MS, symbol=symbol, filled=100)
    query = {"category": "linear", "settleCoin": "USDT"}
    small = walk(desk.venue, "position/list", {**query, "limit": 1})

    assert [row["symbol"] for row in small] == symbols
    assert small == walk(desk.venue, "position/list", {**query, "limit": 200})
