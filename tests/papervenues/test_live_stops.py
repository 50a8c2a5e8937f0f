"""Stops of positions, liquidation and auto-deleveraging of live accounts."""

import pytest

from tests.papervenues.trading_client import Trader, trader_of

DAY_MS = 86_400_000
SYMBOL = "BTCUSD"


async def long_of(trader: Trader, qty: str = "5000", **more: object) -> tuple[str, float]:
    """Buy inverse contracts; the answer is the order and the price before it."""
    price = await trader.price(SYMBOL, "inverse")
    order = await trader.order(SYMBOL, "Buy", qty, category="inverse", **more)
    return order, price


async def stop_orders(trader: Trader) -> list[dict[str, object]]:
    """The stops of the position, open or closed."""
    found = []
    for path in ("realtime", "history"):
        query = f"category=inverse&symbol={SYMBOL}&limit=50"
        found += (await trader.get(f"/v5/order/{path}", query))["result"]["list"]
    by_id = {row["orderId"]: row for row in found}
    return [row for row in by_id.values() if row["stopOrderType"] != "UNKNOWN"]


async def test_stops_that_come_with_an_order_guard_its_position() -> None:
    """One of them closes it, bears its parent's id, and clears the other one."""
    async with trader_of() as trader:
        price = await trader.price(SYMBOL, "inverse")
        await long_of(
            trader, orderLinkId="parent", takeProfit=f"{price * 1.01:.2f}",
            stopLoss=f"{price * 0.99:.2f}",
        )  # fmt: skip
        waiting = await stop_orders(trader)
        await trader.advance(6 * DAY_MS)
        done = await stop_orders(trader)
        [leg] = await trader.positions(SYMBOL, "inverse")
    closing = [row for row in done if row["orderStatus"] == "Filled"]

    assert {row["stopOrderType"] for row in waiting} == {"TakeProfit", "StopLoss"}
    assert {row["orderStatus"] for row in waiting} == {"Untriggered"}
    assert {row["parentOrderLinkId"] for row in waiting} == {"parent"}
    assert {row["orderLinkId"] for row in waiting} == {""}
    assert leg["size"] == "0"
    assert [row["createType"] for row in closing] in (
        [["CreateByTakeProfit"], ["CreateByStopLoss"]]
    )


async def test_partial_stops_close_a_part() -> None:
    """A partial pair closes its size; the position keeps the rest."""
    async with trader_of() as trader:
        _, price = await long_of(trader)
        answer = await trader.post(
            "/v5/position/trading-stop", category="inverse", symbol=SYMBOL, positionIdx=0,
            tpslMode="Partial", tpSize="2000", slSize="2000", takeProfit=f"{price * 1.008:.2f}",
            stopLoss=f"{price * 0.992:.2f}",
        )  # fmt: skip
        await trader.advance(6 * DAY_MS)
        [leg] = await trader.positions(SYMBOL, "inverse")
        done = await stop_orders(trader)

    assert answer["retCode"] == 0
    assert leg["size"] == "3000"
    # The other one of the pair is gone; a day later no list shows it any more.
    assert [row["orderStatus"] for row in done] == ["Filled"]


async def test_a_trailing_stop_follows_the_best_price() -> None:
    """It closes at its distance below the highest price since it was set."""
    async with trader_of() as trader:
        _, price = await long_of(trader)
        await trader.post(
            "/v5/position/trading-stop", category="inverse", symbol=SYMBOL, positionIdx=0,
            trailingStop=f"{price * 0.01:.2f}",
        )  # fmt: skip
        await trader.advance(6 * DAY_MS)
        [row] = await stop_orders(trader)
        fills = await trader.executions(str(row["orderId"]), "inverse")

    assert row["createType"] == "CreateByTrailingStop"
    assert row["orderStatus"] == "Filled"
    assert float(fills[0]["execPrice"]) >= price * 0.985


@pytest.mark.parametrize(
    ("body", "code"),
    [({"takeProfit": "1"}, 10001), ({"stopLoss": "0"}, 34040), ({"positionIdx": 1}, 10001)],
)
async def test_wrong_stops_are_refused(body: dict[str, object], code: int) -> None:
    """On the wrong side, taken off though there is none, or of a leg that does not exist."""
    async with trader_of() as trader:
        await long_of(trader)
        asked: dict[str, object] = {"category": "inverse", "symbol": SYMBOL, "positionIdx": 0}
        answer = await trader.post("/v5/position/trading-stop", **(asked | body))

    assert answer["retCode"] == code


async def test_a_flat_position_has_no_stops() -> None:
    """10001, as the venue has it."""
    async with trader_of() as trader:
        answer = await trader.post(
            "/v5/position/trading-stop", category="inverse", symbol="ETHUSD", takeProfit="9999"
        )

    assert answer["retCode"] == 10001


@pytest.mark.parametrize(
    ("what", "exec_type", "create_type"),
    [
        ("liquidate", "BustTrade", "CreateByLiq"),
        ("take_over", "BustTrade", "CreateByTakeOver_PassThrough"),
        ("adl", "AdlTrade", "CreateByAdl_PassThrough"),
    ],
)
async def test_the_venue_reduces_a_position_on_request(
    what: str, exec_type: str, create_type: str
) -> None:
    """Forced executions carry their type and no client id."""
    async with trader_of() as trader:
        await long_of(trader)
        asked = {"category": "inverse", "symbol": SYMBOL, "percent": 40}
        done = await trader.operate("/paper/force", what=what, **asked)
        rows = (await trader.truth())["executions"][-2:]
        [leg] = await trader.positions(SYMBOL, "inverse")

    assert done == {"done": True}
    assert {row["execType"] for row in rows} == {exec_type}
    assert {row["createType"] for row in rows} == {create_type}
    assert {row["orderLinkId"] for row in rows} == {""}
    assert leg["size"] == "3000"


async def test_an_account_without_margin_is_liquidated() -> None:
    """First in steps, then by a take-over; afterwards nothing is held any more."""
    async with trader_of() as trader:
        asked = {"category": "linear", "symbol": "DOGEUSDT"}
        await trader.post(
            "/v5/position/set-leverage", **asked, buyLeverage="100", sellLeverage="100"
        )
        await trader.order("DOGEUSDT", "Buy", "40000000")
        await trader.order("DOGEUSDT", "Buy", "40000000")
        await trader.order("DOGEUSDT", "Buy", "40000000")
        await trader.order("DOGEUSDT", "Buy", "40000000")
        rows: list[dict[str, object]] = []
        for _ in range(30):
            await trader.advance(DAY_MS)
            rows = (await trader.truth())["executions"]
            kinds = {row["createType"] for row in rows if row["symbol"] == "DOGEUSDT"}
            if "CreateByTakeOver_PassThrough" in kinds:
                break
    bust = [row for row in rows if row["execType"] == "BustTrade" and row["symbol"] == "DOGEUSDT"]

    assert "CreateByLiq" in {row["createType"] for row in bust}
