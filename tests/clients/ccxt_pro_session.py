"""A session of ccxt.pro, unmodified; arguments and output as in `ccxt_session.py`."""

import asyncio
import json
import sys
from typing import Any

import ccxt.pro as ccxt

WAIT_SECONDS = 10


def say(name: str, seen: object) -> None:
    """Print what was seen under a name."""
    sys.stdout.write(json.dumps({"name": name, "seen": seen}, default=str) + "\n")
    sys.stdout.flush()


async def open_positions(exchange: ccxt.bybit) -> list[dict[str, Any]]:
    """The first positions that are told; an empty snapshot comes before them."""
    positions: list[dict[str, Any]] = []
    while not positions:
        positions = await exchange.watch_positions(["LINK/USDT:USDT"])
    return positions


async def main(url: str, ws_url: str, key: str, secret: str) -> None:
    """The whole session."""
    names = ("spot", "futures", "v2", "public", "private")
    private = {
        "spot": {"unified": ws_url, "nonUnified": ws_url},
        "contract": ws_url,
        "usdc": ws_url,
        "trade": ws_url,
    }
    exchange = ccxt.bybit(
        {
            "apiKey": key,
            "secret": secret,
            "enableRateLimit": False,
            "urls": {"api": {**dict.fromkeys(names, url), "ws": {"private": private}}},
            "options": {"fetchMarkets": {"types": ["spot", "linear"]}},
        }
    )
    exchange.number = str
    try:
        await exchange.load_markets()
        watching = {
            "trades": asyncio.ensure_future(exchange.watch_my_trades("LINK/USDT:USDT")),
            "orders": asyncio.ensure_future(exchange.watch_orders("LINK/USDT:USDT")),
            "positions": asyncio.ensure_future(open_positions(exchange)),
            "balance": asyncio.ensure_future(exchange.watch_balance()),
        }
        await asyncio.sleep(1)
        bought = await exchange.create_order("LINK/USDT:USDT", "market", "buy", 50)
        say("bought", bought["id"])
        async with asyncio.timeout(WAIT_SECONDS):
            seen = {name: await future for name, future in watching.items()}
        say("trades", [[trade["id"], trade["order"]] for trade in seen["trades"]])
        say("orders", [[order["id"], order["status"]] for order in seen["orders"]])
        say("positions", [[one["symbol"], one["side"]] for one in seen["positions"]])
        say("balance", seen["balance"]["USDT"])
    finally:
        await exchange.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
