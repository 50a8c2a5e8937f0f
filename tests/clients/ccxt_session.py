"""A session of ccxt, unmodified, against the venue at the given addresses.

Run by `test_ccxt.py` in the environment of the third-party clients, with the arguments URL,
WebSocket URL, key, secret, start and end in Unix ms. Prints one JSON line for each thing it saw.
"""

import json
import sys
import time
from typing import Any

import ccxt

WAIT_SECONDS = 8


def say(name: str, seen: object) -> None:
    """Print what was seen under a name."""
    sys.stdout.write(json.dumps({"name": name, "seen": seen}, default=str) + "\n")
    sys.stdout.flush()


def addresses(url: str, ws_url: str) -> dict[str, Any]:
    """ccxt's own configuration for another host."""
    names = ("spot", "futures", "v2", "public", "private")
    private = {
        "spot": {"unified": ws_url, "nonUnified": ws_url},
        "contract": ws_url,
        "usdc": ws_url,
        "trade": ws_url,
    }
    return {"api": {**dict.fromkeys(names, url), "ws": {"private": private}}}


def every_execution(exchange: ccxt.bybit, start: int, end: int) -> list[dict[str, Any]]:
    """All executions of a window by the raw endpoint and its cursor."""
    rows, cursor = [], ""
    while True:
        asked = {"category": "linear", "startTime": start, "endTime": end, "limit": 100}
        if cursor:
            asked["cursor"] = cursor
        result = exchange.private_get_v5_execution_list(asked)["result"]
        rows += result["list"]
        cursor = result["nextPageCursor"]
        if not (cursor and result["list"]):
            return rows


def main(url: str, ws_url: str, key: str, secret: str, start: int, end: int) -> None:
    """The whole session."""
    exchange = ccxt.bybit(
        {"apiKey": key, "secret": secret, "enableRateLimit": False, "urls": addresses(url, ws_url)}
    )
    exchange.number = str
    markets = exchange.load_markets()
    say("markets", sorted({market["type"] for market in markets.values()}))
    say("market", {name: markets["LINK/USDT:USDT"][name] for name in ("id", "linear", "settle")})
    say("ticker", exchange.fetch_ticker("LINK/USDT:USDT")["last"])
    say("candles", exchange.fetch_ohlcv("BTC/USDT:USDT", "1h", limit=5))
    bought = exchange.create_order(
        "LINK/USDT:USDT", "market", "buy", 50, params={"clientOrderId": "f1-ccxt-en-0000000100"}
    )
    resting = exchange.create_order("LINK/USDT:USDT", "limit", "buy", 10, 9)
    deadline = time.monotonic() + WAIT_SECONDS
    fills: list[dict[str, Any]] = []
    while time.monotonic() < deadline and not fills:
        fills = exchange.fetch_my_trades("LINK/USDT:USDT", params={"orderId": bought["id"]})
    say("bought", bought["id"])
    say(
        "fills", [{name: fill[name] for name in ("id", "order", "amount", "fee")} for fill in fills]
    )
    opened = exchange.fetch_open_orders("LINK/USDT:USDT")
    say("open", [order["id"] for order in opened])
    exchange.cancel_order(resting["id"], "LINK/USDT:USDT")
    say("resting", resting["id"])
    say("open after", [order["id"] for order in exchange.fetch_open_orders("LINK/USDT:USDT")])
    say("executions", every_execution(exchange, start, end))
    trades = exchange.fetch_my_trades("BTC/USDT:USDT", since=start, limit=100)
    say("trades", [trade["id"] for trade in trades])
    positions = exchange.fetch_positions()
    say("positions", {one["symbol"]: [one["side"], one["contracts"]] for one in positions})
    say("wallet", exchange.fetch_balance()["USDT"])
    say("log", len(exchange.fetch_ledger()))
    say("funding", len(exchange.fetch_funding_history("BTC/USDT:USDT", since=start)))
    spot = exchange.create_order(
        "BTC/USDT", "market", "buy", 0.01, params={"createMarketBuyOrderRequiresPrice": False}
    )
    say("spot", spot["id"])
    try:
        exchange.create_order(
            "LINK/USDT:USDT", "market", "buy", 50, params={"clientOrderId": "not:legal"}
        )
    except ccxt.BadRequest as error:
        say("refused", str(error))


if __name__ == "__main__":
    url, ws_url, key, secret, start, end = sys.argv[1:7]
    main(url, ws_url, key, secret, int(start), int(end))
