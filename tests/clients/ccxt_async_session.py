"""A session of ccxt.async_support, unmodified; arguments and output as in `ccxt_session.py`."""

import asyncio
import json
import sys
from typing import Any

import ccxt.async_support as ccxt

TRIES_MAX = 100


def say(name: str, seen: object) -> None:
    """Print what was seen under a name."""
    sys.stdout.write(json.dumps({"name": name, "seen": seen}, default=str) + "\n")
    sys.stdout.flush()


async def main(url: str, key: str, secret: str, start: int, end: int) -> None:
    """The whole session."""
    names = ("spot", "futures", "v2", "public", "private")
    exchange = ccxt.bybit(
        {
            "apiKey": key,
            "secret": secret,
            "enableRateLimit": False,
            "urls": {"api": dict.fromkeys(names, url)},
            "options": {"fetchMarkets": {"types": ["spot", "linear", "inverse"]}},
        }
    )
    exchange.number = str
    try:
        say("symbols", sorted(await exchange.load_markets()))
        rows, cursor = [], ""
        while True:
            asked = {"category": "linear", "startTime": start, "endTime": end, "limit": 100}
            more = {"cursor": cursor} if cursor else {}
            result = (await exchange.private_get_v5_execution_list(asked | more))["result"]
            rows += result["list"]
            cursor = result["nextPageCursor"]
            if not (cursor and result["list"]):
                break
        say("executions", rows)
        sold = await exchange.create_order("BTC/USD:BTC", "market", "sell", 300)
        held: list[dict[str, Any]] = []
        for _ in range(TRIES_MAX):
            held = await exchange.fetch_positions(["BTC/USD:BTC"])
            if held:
                break
            await asyncio.sleep(0.05)
        say("sold", sold["id"])
        say("positions", {one["symbol"]: [one["side"], one["contracts"]] for one in held})
        say("wallet", (await exchange.fetch_balance())["USDT"])
    finally:
        await exchange.close()


if __name__ == "__main__":
    url, _, key, secret, start, end = sys.argv[1:7]
    asyncio.run(main(url, key, secret, int(start), int(end)))
