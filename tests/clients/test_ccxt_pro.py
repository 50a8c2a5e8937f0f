"""ccxt.pro, unmodified, follows the private stream of the paper Bybit."""

from tests.clients.client_session import session_of


async def test_ccxt_pro_sees_its_order_everywhere() -> None:
    """One order comes as trades, as an order, as a position and as a balance."""
    async with session_of("ccxt_pro_session.py") as session:
        seen = session.seen
    true = {
        row["execId"] for row in session.truth["executions"] if row["orderId"] == seen["bought"]
    }

    assert {trade for trade, _ in seen["trades"]} <= true
    assert {order for _, order in seen["trades"]} == {seen["bought"]}
    assert [seen["bought"], "closed"] in seen["orders"]
    assert seen["positions"] == [["LINK/USDT:USDT", "long"]]
    assert float(seen["balance"]["total"]) > 0
