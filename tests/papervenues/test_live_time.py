"""The virtual clock: what happens between two instants happens, in order."""

from itertools import pairwise

import pytest

from papervenues.bybit.virtual_clock import ClockError, VirtualClock
from tests.papervenues.trading_client import END_MS, trader_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def test_a_virtual_clock_never_goes_back() -> None:
    """It stands still, goes on when told, and refuses the rest."""
    clock = VirtualClock(1_000)

    assert [clock(), clock.advance(5), clock.move_to(2_000), clock()] == [
        1_000,
        1_005,
        2_000,
        2_000,
    ]
    with pytest.raises(ClockError):
        clock.move_to(1_999)
    with pytest.raises(ClockError):
        clock.advance(10**15)


async def test_the_clock_is_moved_by_its_route() -> None:
    """By a step or to an instant; a wrong request is refused and changes nothing."""
    async with trader_of() as trader:
        moved = await trader.operate("/paper/clock", advance_ms=HOUR_MS)
        set_to = await trader.operate("/paper/clock", to_ms=END_MS + 2 * HOUR_MS)
        wrong = [
            await trader.operate("/paper/clock", **body)
            for body in ({"to_ms": END_MS}, {}, {"advance_ms": -5}, {"advance_ms": "much"})
        ]
        time = (await trader.get("/v5/market/time"))["time"]

    assert moved["now_ms"] == END_MS + HOUR_MS
    assert set_to == {"now_ms": END_MS + 2 * HOUR_MS, "virtual": True}
    assert all("error" in answer for answer in wrong)
    assert time == END_MS + 2 * HOUR_MS


async def test_funding_is_paid_on_live_positions() -> None:
    """Every eight hours, on the legs that are open then, in the order of time."""
    async with trader_of() as trader:
        await trader.order("BTCUSD", "Buy", "300", category="inverse")
        await trader.advance(DAY_MS)
        rows = (await trader.truth())["executions"]
    times = [int(row["execTime"]) for row in rows]
    funded = [row for row in rows if row["symbol"] == "BTCUSD" and row["execType"] == "Funding"]

    assert len(funded) == 3
    assert all(int(row["execTime"]) % (8 * HOUR_MS) == 0 for row in funded)
    assert all(one <= two for one, two in pairwise(times))


async def test_equal_sessions_have_equal_histories() -> None:
    """The same orders at the same instants give the same rows."""

    async def session() -> object:
        async with trader_of() as trader:
            await trader.order("LINKUSDT", "Buy", "70000")
            await trader.order("DOGEUSDT", "Sell", "3000", price="0.23")
            await trader.advance(6 * DAY_MS)
            return (await trader.truth())["executions"]

    assert await session() == await session()


async def test_nothing_follows_a_history_that_is_only_read() -> None:
    """Without an order or a moved clock the truth stays as it was made."""
    async with trader_of() as trader:
        before = await trader.truth()
        trader.clock.advance(3 * DAY_MS)
        await trader.get("/v5/position/list", "category=linear&settleCoin=USDT")

        assert await trader.truth() == before


async def test_an_expiring_contract_is_delivered() -> None:
    """An option that is held over its expiry is closed by a delivery without an order."""
    async with trader_of() as trader:
        option = min(
            (
                one
                for one in trader.venue.history.instruments
                if one.category == "option" and one.delivery_ms > END_MS
            ),
            key=lambda one: (one.delivery_ms, one.symbol),
        )
        await trader.order(option.symbol, "Buy", "0.5", category="option", orderLinkId="held")
        await trader.advance(option.delivery_ms - END_MS + HOUR_MS)
        rows = [
            row for row in (await trader.truth())["executions"] if row["symbol"] == option.symbol
        ]
        [leg] = await trader.positions(option.symbol, "option")

    assert [row["execType"] for row in rows][-1] == "Delivery"
    assert int(rows[-1]["execTime"]) == option.delivery_ms
    assert leg["size"] == "0"
