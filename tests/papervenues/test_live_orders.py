"""Live orders: what is refused, what is filled, and when."""

from decimal import Decimal

import pytest

from tests.papervenues.trading_client import Trader, trader_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"orderLinkId": "bot:reason:1"}, 10001),
        ({"orderLinkId": "x" * 37}, 10001),
        ({"symbol": "NOTHING"}, 10001),
        ({"qty": "0.15"}, 10001),
        ({"qty": "-1"}, 10001),
        ({"qty": ""}, 10001),
        ({"orderType": "Limit"}, 10001),
        ({"orderType": "Limit", "price": "9.0001"}, 10001),
        ({"side": "buy"}, 10001),
        ({"positionIdx": 1}, 10001),
        ({"timeInForce": "SOON"}, 10001),
        ({"category": "option", "symbol": "BTCUSDT"}, 10001),
        ({"takeProfit": "1"}, 10001),
        ({"stopLoss": "1000"}, 10001),
        ({"triggerPrice": "1"}, 10001),
        ({"triggerPrice": "1", "triggerDirection": 1}, 110092),
        ({"triggerPrice": "1000", "triggerDirection": 2}, 110093),
        ({"qty": "0.1"}, 110094),
        ({"reduceOnly": True, "side": "Sell", "symbol": "ADAUSDT"}, 110017),
        ({"symbol": "BTCUSDT", "qty": "1190"}, 110007),
        ({"category": "spot", "symbol": "BTCUSDT", "side": "Sell", "qty": "1"}, 170131),
        ({"category": "spot", "symbol": "BTCUSDT", "qty": "1"}, 170140),
    ],
)
async def test_a_wrong_order_is_refused_with_its_code(body: dict[str, object], code: int) -> None:
    """Each rule of the venue has its code."""
    async with trader_of() as trader:
        assert await trader.refused(**body) == code


async def test_a_client_id_is_used_once_and_options_need_one() -> None:
    """A repeated id is 110072, on spot 170141; an option without one is 10001."""
    async with trader_of() as trader:
        await trader.order("LINKUSDT", "Buy", "10", orderLinkId="once")
        option = next(
            one.symbol
            for one in trader.venue.history.instruments
            if one.category == "option" and one.delivery_ms > trader.clock()
        )
        codes = [
            await trader.refused(orderLinkId="once"),
            await trader.refused(category="spot", symbol="BTCUSDT", qty="100", orderLinkId="once"),
            await trader.refused(category="option", symbol=option, qty="0.1"),
        ]
        bought = await trader.order(option, "Buy", "0.1", category="option", orderLinkId="opt")
        row = await trader.order_row(bought, "option")

    assert codes == [110072, 170141, 10001]
    assert row["orderStatus"] == "Filled"


async def test_a_read_only_key_may_not_trade() -> None:
    """10005, and nothing happens."""
    async with trader_of() as trader:
        before = len((await trader.truth())["executions"])
        trader.key = trader.venue.keys[0]
        code = await trader.refused()

        assert code == 10005
        assert len((await trader.truth())["executions"]) == before


async def test_a_market_order_is_acknowledged_and_then_filled() -> None:
    """The fills add up, cost the taker's fee and are true."""
    async with trader_of() as trader:
        price = await trader.price("LINKUSDT")
        order = await trader.order("LINKUSDT", "Buy", "70000", orderLinkId="f1-a-en-1")
        row, fills = await trader.order_row(order), await trader.executions(order)
        true = {one["execId"] for one in (await trader.truth())["executions"]}

    assert row["orderStatus"] == "Filled"
    assert sum(Decimal(fill["execQty"]) for fill in fills) == 70_000
    assert len({fill["execPrice"] for fill in fills}) > 1
    assert price <= min(float(fill["execPrice"]) for fill in fills)
    assert {fill["isMaker"] for fill in fills} == {False}
    assert {fill["feeRate"] for fill in fills} == {"0.00055"}
    assert {fill["execId"] for fill in fills} <= true


async def test_a_limit_order_rests_until_the_price_crosses_it() -> None:
    """It is New, then filled as a maker at its own price, when time passes."""
    async with trader_of() as trader:
        price = await trader.price("DOGEUSDT")
        limit = f"{price * 0.995:.5f}"
        order = await trader.order("DOGEUSDT", "Buy", "1000", price=limit)
        first = await trader.order_row(order)
        await trader.advance(20 * DAY_MS)
        last, fills = await trader.order_row(order), await trader.executions(order)

    assert first["orderStatus"] == "New"
    assert last["orderStatus"] == "Filled"
    assert {fill["isMaker"] for fill in fills} == {True}
    assert {float(fill["execPrice"]) for fill in fills} == {float(limit)}
    assert float(fills[0]["markPrice"]) <= float(limit)


@pytest.mark.parametrize(
    ("in_force", "off_percent", "qty", "status"),
    [
        ("IOC", 1, "100", "Filled"),
        ("IOC", -1, "100", "Cancelled"),
        ("IOC", 0.01, "60000", "Cancelled"),
        ("FOK", 1, "100", "Filled"),
        ("FOK", 0.01, "60000", "Cancelled"),
        ("PostOnly", 1, "100", "Cancelled"),
        ("PostOnly", -1, "100", "New"),
        ("GTC", 0.01, "60000", "PartiallyFilled"),
    ],
)
async def test_the_time_in_force_is_kept(
    in_force: str, off_percent: float, qty: str, status: str
) -> None:
    """IOC takes what is there, FOK all or nothing, PostOnly never takes."""
    async with trader_of() as trader:
        price = await trader.price("LINKUSDT")
        order = await trader.order(
            "LINKUSDT", "Buy", qty, price=f"{price * (1 + off_percent / 100):.3f}",
            timeInForce=in_force,
        )  # fmt: skip
        row = await trader.order_row(order)

    assert row["orderStatus"] == status
    takes_part = qty == "60000" and in_force != "FOK"
    assert (float(row["cumExecQty"]) > 0) == (takes_part or status == "Filled")


async def test_orders_are_amended_and_cancelled() -> None:
    """By either id; what is gone is 110001, and an unchanged amendment is refused."""
    async with trader_of() as trader:
        order = await trader.order("LINKUSDT", "Buy", "10", price="9", orderLinkId="mine")
        await trader.order("LINKUSDT", "Buy", "10", price="9.1")
        same = {"category": "linear", "symbol": "LINKUSDT", "orderId": order}
        unchanged = await trader.post("/v5/order/amend", **same, price="9")
        await trader.post("/v5/order/amend", **same, price="9.5", qty="20")
        row = await trader.order_row(order)
        ended = await trader.post(
            "/v5/order/cancel", category="linear", symbol="LINKUSDT", orderLinkId="mine"
        )
        again = await trader.post("/v5/order/cancel", **same)
        all_of = await trader.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")
        last = await trader.order_row(order)

    assert unchanged["retCode"] == 10001
    assert (row["price"], row["qty"], row["orderStatus"]) == ("9.5", "20", "New")
    assert ended["result"]["orderId"] == order
    assert again["retCode"] == 110001
    assert len(all_of["result"]["list"]) == 1
    assert (last["orderStatus"], last["cancelType"]) == ("Cancelled", "CancelByUser")


async def test_a_conditional_order_waits_for_its_trigger() -> None:
    """It is Untriggered until the price is there, and fills at that instant's price."""
    async with trader_of() as trader:
        price = await trader.price("SOLUSDT")
        order = await trader.order(
            "SOLUSDT", "Buy", "5", triggerPrice=f"{price * 1.01:.2f}", triggerDirection=1
        )
        first = await trader.order_row(order)
        await trader.advance(30 * DAY_MS)
        last, fills = await trader.order_row(order), await trader.executions(order)

    assert first["orderStatus"] == "Untriggered"
    assert last["orderStatus"] == "Filled"
    assert last["stopOrderType"] == "Stop"
    assert float(fills[-1]["execPrice"]) >= float(first["triggerPrice"])


async def test_zero_quantity_closes_the_position() -> None:
    """`qty` 0 with reduceOnly and closeOnTrigger closes whatever there is."""
    async with trader_of() as trader:
        await trader.order("BTCUSD", "Buy", "300", category="inverse")
        [opened] = await trader.positions("BTCUSD", "inverse")
        await trader.order(
            "BTCUSD", "Sell", "0", category="inverse", reduceOnly=True, closeOnTrigger=True
        )
        [closed] = await trader.positions("BTCUSD", "inverse")

    assert (opened["side"], opened["size"]) == ("Buy", "300")
    assert (closed["side"], closed["size"]) == ("", "0")


async def test_a_spot_market_buy_counts_in_the_quote_coin() -> None:
    """1,000 USDT buy coins worth about that, and the fee is taken in the coin that is bought."""
    async with trader_of() as trader:
        bought = await trader.order("BTCUSDT", "Buy", "1000", category="spot")
        fills = await trader.executions(bought, "spot")
        have = sum(float(fill["execQty"]) for fill in fills)
        code = await trader.refused(
            category="spot", symbol="BTCUSDT", side="Sell", qty=f"{have:.6f}"
        )
        sold = await trader.order("BTCUSDT", "Sell", f"{have * 0.99:.6f}", category="spot")
        sales = await trader.executions(sold, "spot")

    assert 990 < sum(float(fill["execValue"]) for fill in fills) <= 1_000
    assert {fill["feeCurrency"] for fill in fills} == {"BTC"}
    assert {fill["feeCurrency"] for fill in sales} == {"USDT"}
    assert code == 170131


async def hedged(trader: Trader) -> None:
    """Put LINKUSDT into hedge mode; it must be flat."""
    for leg in await trader.positions("LINKUSDT"):
        if leg["side"]:
            side = "Sell" if leg["side"] == "Buy" else "Buy"
            await trader.order("LINKUSDT", side, "0", reduceOnly=True, closeOnTrigger=True)
    answer = await trader.post(
        "/v5/position/switch-mode", category="linear", symbol="LINKUSDT", mode=3
    )
    assert answer["retCode"] == 0, answer


async def test_hedge_mode_keeps_two_legs() -> None:
    """Both legs stand beside each other; the mode is switched only when flat."""
    async with trader_of() as trader:
        await hedged(trader)
        await trader.order("LINKUSDT", "Buy", "50", positionIdx=1)
        await trader.order("LINKUSDT", "Sell", "30", positionIdx=2)
        await trader.order("LINKUSDT", "Sell", "20", positionIdx=1)
        legs = {row["positionIdx"]: row["size"] for row in await trader.positions("LINKUSDT")}
        codes = [
            await trader.refused(),
            await trader.refused(side="Sell", qty="100", positionIdx=1),
            (
                await trader.post(
                    "/v5/position/switch-mode", category="linear", symbol="LINKUSDT", mode=0
                )
            )["retCode"],
            (
                await trader.post(
                    "/v5/position/switch-mode", category="linear", symbol="LINKUSDT", mode=3
                )
            )["retCode"],
        ]

    assert legs == {1: "30", 2: "30"}
    assert codes == [10001, 110017, 110024, 110025]


async def test_leverage_is_set_once() -> None:
    """The same leverage again is 110043; more leverage lets a larger order pass."""
    async with trader_of() as trader:
        asked = {"category": "linear", "symbol": "BTCUSDT"}
        codes = [
            (
                await trader.post(
                    "/v5/position/set-leverage", **asked, buyLeverage=text, sellLeverage=text
                )
            )["retCode"]
            for text in ("10", "50", "50", "1000")
        ]
        await trader.order("BTCUSDT", "Buy", "300")

    assert codes == [110043, 0, 110043, 10001]


async def test_a_spot_pair_cancels_each_other() -> None:
    """Take profit and stop loss of a spot order: one sells, the other one goes."""
    async with trader_of() as trader:
        price = await trader.price("SOLUSDT", "spot")
        parent = await trader.order(
            "SOLUSDT", "Buy", "100", category="spot", price=f"{price * 1.001:.2f}",
            takeProfit=f"{price * 1.01:.2f}", stopLoss=f"{price * 0.99:.2f}",
        )  # fmt: skip
        bought = await trader.executions(parent, "spot")
        await trader.advance(5 * DAY_MS)
        rows = (await trader.truth())["executions"]
        sold = [row for row in rows if row["category"] == "spot" and row["side"] == "Sell"]
        pair = await trader.order_row(sold[0]["orderId"], "spot")

    assert bought
    assert {row["orderId"] for row in sold} == {sold[0]["orderId"]}
    assert pair["stopOrderType"] == "OcoOrder"
    assert pair["ocoTriggerBy"] in ("OcoTriggerByTp", "OcoTriggerBySl")
    assert pair["orderStatus"] == "Filled"
