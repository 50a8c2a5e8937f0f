"""ccxt, unmodified, sync and async, trades on the paper Bybit and sees what truly happens."""

from tests.clients.client_session import session_of


async def test_ccxt_has_its_session() -> None:
    """Markets of all kinds, orders, executions to exhaustion, positions, wallet, ledger."""
    async with session_of("ccxt_session.py") as session:
        seen = session.seen
    read = [row["execId"] for row in seen["executions"]]
    true = session.true_executions(start=seen["start"], end=seen["end"])

    assert seen["markets"] == ["future", "option", "spot", "swap"]
    assert seen["market"] == {"id": "LINKUSDT", "linear": True, "settle": "USDT"}
    assert float(seen["ticker"]) > 0
    assert len(seen["candles"]) == 5
    assert seen["fills"]
    assert {fill["order"] for fill in seen["fills"]} == {seen["bought"]}
    assert sum(float(fill["amount"]) for fill in seen["fills"]) == 50
    assert seen["open"] == [seen["resting"]]
    assert seen["open after"] == []
    assert len(read) == len(set(read))
    assert set(read) == true
    assert set(seen["trades"]) <= true
    assert seen["positions"]["LINK/USDT:USDT"] == ["long", "50"]
    assert float(seen["wallet"]["total"]) > 0
    assert seen["log"] > 0
    assert seen["spot"]
    assert "10001" in seen["refused"]


async def test_async_ccxt_has_its_session() -> None:
    """The same by the asynchronous client, with an inverse contract."""
    async with session_of("ccxt_async_session.py") as session:
        seen = session.seen
    read = [row["execId"] for row in seen["executions"]]

    assert "BTC/USD:BTC" in seen["symbols"]
    assert len(read) == len(set(read))
    assert set(read) == session.true_executions(start=seen["start"], end=seen["end"])
    assert seen["positions"] == {"BTC/USD:BTC": ["short", "300"]}
    assert seen["sold"] in {row["orderId"] for row in session.truth["executions"]}
    assert float(seen["wallet"]["total"]) > 0
