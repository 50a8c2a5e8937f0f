"""A session of pybit, unmodified, against the venue at the given addresses.

Run by `test_pybit.py` in the environment of the third-party clients, with the arguments URL,
WebSocket URL, key and secret. Prints one JSON line for each thing it saw.
"""

import json
import sys
import time
from typing import Any

import pybit.unified_trading as pybit
from pybit.exceptions import InvalidRequestError

WAIT_SECONDS = 8
SUBSCRIBING_SECONDS = 0.5
TOPICS = ("execution", "order", "position", "wallet")
LINK = {"category": "linear", "symbol": "LINKUSDT"}


def say(name: str, seen: object) -> None:
    """Print what was seen under a name."""
    sys.stdout.write(json.dumps({"name": name, "seen": seen}) + "\n")
    sys.stdout.flush()


def every_execution(session: pybit.HTTP, start: int, end: int) -> list[dict[str, Any]]:
    """All executions of a window, by the cursor until it is empty."""
    rows, cursor = [], ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        result = session.get_executions(
            category="linear", startTime=start, endTime=end, limit=100, **more
        )["result"]
        rows += result["list"]
        cursor = result["nextPageCursor"]
        if not (cursor and result["list"]):
            return rows


def market(session: pybit.HTTP) -> None:
    """What everybody may ask, and the key's own facts."""
    say("time", session.get_server_time()["result"])
    listed = session.get_instruments_info(category="linear")["result"]["list"]
    say("symbols", [row["symbol"] for row in listed])
    say("ticker", session.get_tickers(**LINK)["result"]["list"][0])
    say("klines", session.get_kline(symbol="BTCUSDT", interval=60, limit=5)["result"]["list"])
    say("key", session.get_api_key_information()["result"]["readOnly"])


def listening(key: str, secret: str) -> tuple[pybit.WebSocket, dict[str, list[dict[str, Any]]]]:
    """A private stream, and where its messages are kept."""
    heard: dict[str, list[dict[str, Any]]] = {name: [] for name in TOPICS}
    stream = pybit.WebSocket(testnet=False, channel_type="private", api_key=key, api_secret=secret)
    stream.execution_stream(callback=heard["execution"].append)
    stream.order_stream(callback=heard["order"].append)
    stream.position_stream(callback=heard["position"].append)
    stream.wallet_stream(callback=heard["wallet"].append)
    # What happens before a subscription is acknowledged is told to nobody.
    time.sleep(SUBSCRIBING_SECONDS)
    return stream, heard


def orders(session: pybit.HTTP, heard: dict[str, list[dict[str, Any]]]) -> None:
    """One order that is filled, one that is amended and cancelled, one that is refused."""
    buy = {**LINK, "side": "Buy", "qty": "50"}
    bought = session.place_order(**buy, orderType="Market", orderLinkId="f1-pybit-en-0000000100")
    resting = session.place_order(**buy, orderType="Limit", price="9")["result"]["orderId"]
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and not all(heard.values()):
        time.sleep(0.05)
    say("events", {name: [message["data"] for message in got] for name, got in heard.items()})
    say("bought", bought["result"])
    opened = session.get_open_orders(**LINK)["result"]["list"]
    say("open", [row["orderId"] for row in opened])
    session.amend_order(**LINK, orderId=resting, price="9.5")
    cancelled = session.cancel_order(**LINK, orderId=resting)["result"]["orderId"]
    say("cancelled", cancelled == resting)
    mine = {"category": "linear", "orderId": bought["result"]["orderId"]}
    say("history", session.get_order_history(**mine)["result"]["list"])
    say("fills", session.get_executions(**mine)["result"]["list"])
    try:
        session.place_order(**buy, orderType="Market", orderLinkId="not:legal")
    except InvalidRequestError as error:
        say("refused", error.status_code)


def main(url: str, ws_url: str, key: str, secret: str, start: int, end: int) -> None:
    """The whole session."""
    session = pybit.HTTP(api_key=key, api_secret=secret)
    session.endpoint = url
    pybit.PRIVATE_WSS = ws_url
    market(session)
    stream, heard = listening(key, secret)
    orders(session, heard)
    say("executions", every_execution(session, start, end))
    say("positions", session.get_positions(category="linear", settleCoin="USDT")["result"]["list"])
    say("wallet", session.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"])
    say("log", session.get_transaction_log(accountType="UNIFIED")["result"]["list"])
    say("closed", session.get_closed_pnl(category="linear")["result"]["list"][:3])
    stream.exit()


if __name__ == "__main__":
    url, ws_url, key, secret, start, end = sys.argv[1:7]
    main(url, ws_url, key, secret, int(start), int(end))
