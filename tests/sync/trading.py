"""Placing orders at the paper exchange, as a bot would."""

import asyncio
import hmac
import json
from hashlib import sha256
from typing import Any
from urllib.request import Request, urlopen

from papervenues.bybit import RunningVenue
from papervenues.bybit.server import wall_clock_ms

WINDOW_MS = 60_000


async def order(venue: RunningVenue, **words: object) -> dict[str, Any]:
    """Create an order with the key that may trade; the venue's answer."""
    asked = {"category": "linear", "orderType": "Market", **words}
    return await asyncio.to_thread(_post, venue, "/v5/order/create", asked)


async def operate(venue: RunningVenue, path: str, **words: object) -> None:
    """Ask the exchange's operator for something."""
    body = json.dumps(words).encode()
    sent = Request(venue.url + path, body, {"Content-Type": "application/json"})  # noqa: S310
    (await asyncio.to_thread(urlopen, sent, timeout=10)).close()


def _post(venue: RunningVenue, path: str, words: dict[str, object]) -> dict[str, Any]:
    key, body = venue.keys[1], json.dumps(words)
    text = f"{wall_clock_ms()}{key.key}{WINDOW_MS}{body}"
    headers = {
        "X-BAPI-API-KEY": key.key,
        "X-BAPI-TIMESTAMP": text[: len(str(wall_clock_ms()))],
        "X-BAPI-RECV-WINDOW": str(WINDOW_MS),
        "X-BAPI-SIGN": hmac.new(key.secret.encode(), text.encode(), sha256).hexdigest(),
        "Content-Type": "application/json",
    }
    sent = Request(venue.url + path, body.encode(), headers)  # noqa: S310 - loopback
    with urlopen(sent, timeout=10) as answer:  # noqa: S310
        told: dict[str, Any] = json.loads(answer.read())
        return told
