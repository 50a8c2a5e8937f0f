"""pybit, unmodified, trades on the paper Bybit and sees what truly happens."""

from tests.clients.client_session import session_of


async def test_pybit_has_its_session() -> None:
    """Market data, an order, its events and rows, a cancellation, and history to exhaustion."""
    async with session_of("pybit_session.py") as session:
        seen = session.seen
    bought = seen["bought"]["orderId"]
    fills = {row["execId"] for row in seen["fills"]}
    told = [row for data in seen["events"]["execution"] for row in data]
    read = [row["execId"] for row in seen["executions"]]

    assert set(seen["time"]) == {"timeSecond", "timeNano"}
    assert "LINKUSDT" in seen["symbols"]
    assert seen["ticker"]["symbol"] == "LINKUSDT"
    assert [len(candle) for candle in seen["klines"]] == [7] * 5
    assert seen["history"][0]["orderStatus"] == "Filled"
    assert seen["history"][0]["orderLinkId"] == seen["bought"]["orderLinkId"]
    assert fills
    assert fills == {row["execId"] for row in told if row["orderId"] == bought}
    assert all("execPnl" in row for row in told)
    assert all(seen["events"][topic] for topic in ("order", "position", "wallet"))
    assert "entryPrice" in seen["events"]["position"][0][0]
    assert len(seen["open"]) == 1
    assert seen["cancelled"]
    assert len(read) == len(set(read))
    assert set(read) == session.true_executions(start=seen["start"], end=seen["end"])
    assert "LINKUSDT" in {row["symbol"] for row in seen["positions"]}
    assert seen["wallet"][0]["coin"] == "USDT"
    assert fills <= {row["tradeId"] for row in seen["log"]}
    assert seen["refused"] == 10001
