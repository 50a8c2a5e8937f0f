"""An order that lived long is found by its id, where no window that is read again lists it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from fillbook.domain.order import Order
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window, from_milliseconds
from fillbook.errors import UsageError, VenueKeyError, VenueUnavailable
from fillbook.venues.bybit import BybitVenue, connect
from tests.papervenues.trading_client import Trader, trader_of
from tests.venues.bybit_rows import order
from tests.venues.scripted_bybit import ScriptedBybit, connected, listing, refusal

ORDERS = "/v5/order/history"
DAY_MS = 86_400_000
WAIT_DAYS, PATIENCE_DAYS = 9, 60
DISTANCES = range(1, 25)  # per cent below the price


async def test_orders_are_asked_for_one_by_one(bybit: ScriptedBybit) -> None:
    """By category and id alone, each once; those that the venue has not are left out."""
    bybit.play(
        ORDERS,
        listing([order(1)], "a-cursor"),
        listing([]),
        refusal(10001),
        listing([order(4)]),
    )
    async with connected(bybit) as venue:
        ids = ["order-1", "order-2", "order-3", "order-1", "", "no=word", "order-4"]
        page = await venue.orders_by_id("linear", ids)

    assert bybit.asked_of(ORDERS) == [
        f"category=linear&orderId=order-{number}" for number in range(1, 5)
    ]
    assert page.next_cursor is None
    assert [record.record_key for record in page.records] == [
        digest_key("order", "linear", "BTCUSDT", f"order-{number}") for number in (1, 4)
    ]


async def test_rows_of_other_orders_are_not_handed_on(bybit: ScriptedBybit) -> None:
    """Nor is an answer that holds nothing else taken for an answer."""
    bybit.play(ORDERS, listing([order(2), order(1), order(3)]))
    async with connected(bybit, tries=1) as venue:
        (record,) = (await venue.orders_by_id("linear", ["order-1"])).records
        with pytest.raises(VenueUnavailable, match="other orders"):
            await venue.orders_by_id("linear", ["order-9"])

    assert b'"order-1"' in record.body


async def test_what_is_wrong_with_a_row_or_a_key_is_not_hidden(bybit: ScriptedBybit) -> None:
    """A damaged row is handed on; a refusal of the key is one; a scope must be known."""
    bybit.play(ORDERS, listing([order(1, orderId={})]), refusal(10003))
    async with connected(bybit, categories=["linear"]) as venue:
        assert len((await venue.orders_by_id("linear", ["order-1"])).records) == 1
        with pytest.raises(VenueKeyError):
            await venue.orders_by_id("linear", ["order-1"])
        with pytest.raises(UsageError):
            await venue.orders_by_id("spot", ["order-1"])


async def test_an_order_that_filled_after_more_than_a_week_is_found() -> None:
    """The windows of its last week do not list it; asked for by its id, it is read."""
    async with trader_of() as trader:
        made_ms = trader.clock()
        order_id = await filled_late(trader)
        venue = connect(
            key=trader.key.key,
            secret=trader.key.secret,
            base_url=trader.venue.url,
            clock=lambda: datetime.now(UTC),
        )
        try:
            now = from_milliseconds(trader.clock())
            walked = await orders_in(venue, Window(now - timedelta(days=6, hours=23), now))
            (named,) = (await venue.orders_by_id("linear", [order_id, "unheard-of"])).records
            reading = venue.parse("orders", "linear", named.body)
        finally:
            await venue.close()

    assert order_id not in walked
    assert isinstance(reading, Order)
    assert (reading.order_id, reading.order_key) == (order_id, named.record_key)
    assert reading.ordered_at == from_milliseconds(made_ms)


async def filled_late(trader: Trader) -> str:
    """Send orders at many distances; one of those that filled when more than a week had passed."""
    price = await trader.price("LINKUSDT")
    waiting = [
        await trader.order("LINKUSDT", "Buy", "1", price=f"{price * (1 - one / 100):.3f}")
        for one in DISTANCES
    ]
    await trader.advance(WAIT_DAYS * DAY_MS)
    waiting = [one for one in waiting if not await trader.executions(one)]
    for _ in range(PATIENCE_DAYS):
        await trader.advance(DAY_MS)
        for one in waiting:
            if await trader.executions(one):
                return one
    raise AssertionError("no order filled late")


async def orders_in(venue: BybitVenue, window: Window) -> Sequence[str]:
    """The ids of all orders that a window lists."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await venue.pages("orders", "linear", window, cursor)
        for record in page.records:
            reading = venue.parse("orders", "linear", record.body)
            assert isinstance(reading, Order)
            found.append(reading.order_id)
        cursor = page.next_cursor
        if cursor is None:
            return found
