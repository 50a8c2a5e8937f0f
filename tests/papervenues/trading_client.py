"""A trading client of the paper Bybit for these tests: signed requests, and a private stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from papervenues.bybit import ApiKey, RunningVenue, Settings, history_of, running
from papervenues.bybit.auth import sign
from papervenues.bybit.switches import Switches
from papervenues.bybit.virtual_clock import VirtualClock
from papervenues.faults import FaultPlan, parse_fault

END_MS = 1_763_000_040_000
WINDOW = "5000"
PATIENCE_SECONDS = 5.0
Row = dict[str, Any]


@dataclass
class Trader:
    """Asks one venue, whose time stands still until it is moved."""

    venue: RunningVenue
    session: aiohttp.ClientSession
    clock: VirtualClock
    key: ApiKey

    async def post(self, path: str, **body: object) -> Row:
        """One signed request with a body."""
        text = json.dumps(body)
        headers = self._headers(text) | {"Content-Type": "application/json"}
        address = self.venue.url + path
        async with self.session.post(address, data=text, headers=headers) as response:
            answer: Row = await response.json()
            return answer

    async def get(self, path: str, query: str = "") -> Row:
        """One signed request with a query."""
        url = URL(f"{self.venue.url}{path}?{query}", encoded=True)
        async with self.session.get(url, headers=self._headers(query)) as response:
            answer: Row = await response.json()
            return answer

    async def order(self, symbol: str, side: str, qty: str, **more: object) -> str:
        """Send an order that must be accepted; a market order when it has no price."""
        body: dict[str, object] = {
            "category": "linear",
            "symbol": symbol,
            "side": side,
            "orderType": "Limit" if "price" in more else "Market",
            "qty": qty,
        }
        answer = await self.post("/v5/order/create", **(body | more))
        assert answer["retCode"] == 0, answer
        return str(answer["result"]["orderId"])

    async def refused(self, **body: object) -> int:
        """The code with which an order is refused."""
        defaults: dict[str, object] = {
            "category": "linear", "symbol": "LINKUSDT", "side": "Buy", "orderType": "Market",
            "qty": "10",
        }  # fmt: skip
        return int((await self.post("/v5/order/create", **(defaults | body)))["retCode"])

    async def order_row(self, order_id: str, category: str = "linear") -> Row:
        """An order as the venue lists it, open or closed."""
        found = await self.get(
            "/v5/order/realtime", f"category={category}&settleCoin=USDT&orderId={order_id}"
        )
        if not found["result"]["list"]:
            query = f"category={category}&orderId={order_id}"
            found = await self.get("/v5/order/history", query)
        row: Row = found["result"]["list"][0]
        return row

    async def executions(self, order_id: str, category: str = "linear") -> list[Row]:
        """All executions of an order."""
        query = f"category={category}&orderId={order_id}&limit=100"
        rows: list[Row] = (await self.get("/v5/execution/list", query))["result"]["list"]
        return rows

    async def executions_of_links(self, count: int) -> set[str]:
        """Which of the client ids `order0`, `order1`, ... have executions by REST."""
        found = set()
        for number in range(count):
            query = f"category=linear&orderLinkId=order{number}"
            rows = (await self.get("/v5/execution/list", query))["result"]["list"]
            found |= {row["orderLinkId"] for row in rows}
        return found

    async def positions(self, symbol: str, category: str = "linear") -> list[Row]:
        """The legs of a symbol."""
        answer = await self.get("/v5/position/list", f"category={category}&symbol={symbol}")
        rows: list[Row] = answer["result"]["list"]
        return rows

    async def price(self, symbol: str, category: str = "linear") -> float:
        """The last price."""
        answer = await self.get("/v5/market/tickers", f"category={category}&symbol={symbol}")
        return float(answer["result"]["list"][0]["lastPrice"])

    async def advance(self, step_ms: int) -> None:
        """Let time pass."""
        address = f"{self.venue.url}/paper/clock"
        async with self.session.post(address, json={"advance_ms": step_ms}) as response:
            assert response.status == 200, await response.text()

    async def operate(self, path: str, **body: object) -> Row:
        """An operator's request, unsigned."""
        async with self.session.post(f"{self.venue.url}{path}", json=body) as response:
            answer: Row = await response.json()
            return answer

    async def truth(self) -> Row:
        """Everything that truly happened."""
        async with self.session.get(f"{self.venue.url}/paper/truth") as response:
            answer: Row = json.loads(await response.read())
            return answer

    @asynccontextmanager
    async def stream(self, query: str = "") -> AsyncIterator["Listener"]:
        """A connection to the private stream."""
        async with self.session.ws_connect(f"{self.venue.ws_url}{query}") as socket:
            yield Listener(socket, self.key, self.clock)

    def _headers(self, payload: str) -> dict[str, str]:
        stamp = str(self.clock())
        text = stamp + self.key.key + WINDOW + payload
        return {
            "X-BAPI-API-KEY": self.key.key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": WINDOW,
            "X-BAPI-SIGN": sign(secret=self.key.secret, text=text),
        }


@dataclass
class Listener:
    """One socket of the private stream."""

    socket: aiohttp.ClientWebSocketResponse
    key: ApiKey
    clock: VirtualClock
    heard: list[Row] = field(default_factory=list)

    async def say(self, **message: object) -> Row:
        """Send a message and return the next answer."""
        await self.socket.send_json(message)
        return await self.next(lambda answer: "op" in answer)

    async def log_in(self, *, expires: object = None) -> Row:
        """Sign in."""
        expires = self.clock() + 1_000 if expires is None else expires
        signature = sign(secret=self.key.secret, text=f"GET/realtime{expires}")
        return await self.say(op="auth", args=[self.key.key, expires, signature])

    async def listen(self, *topics: str) -> Row:
        """Sign in and subscribe."""
        assert (await self.log_in())["success"]
        return await self.say(op="subscribe", args=list(topics), req_id="1")

    async def next(self, wanted: Callable[[Row], bool]) -> Row:
        """The next message that fits; others are kept in `heard`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message: Row = json.loads(await self.socket.receive_str())
                self.heard.append(message)
                if wanted(message):
                    return message

    async def topic(self, name: str) -> Row:
        """The next event of a topic."""
        return await self.next(lambda message: message.get("topic") == name)

    async def rest(self, seconds: float = 0.3) -> list[Row]:
        """Everything that comes within a while, or up to the end of the connection."""
        found: list[Row] = []
        try:
            async with asyncio.timeout(seconds):
                while not self.socket.closed:
                    message = await self.socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return found
                    found.append(json.loads(message.data))
        except TimeoutError:
            pass
        return found


@asynccontextmanager
async def trader_of(
    *faults: str, accounts: int = 1, switches: Switches | None = None
) -> AsyncIterator[Trader]:
    """A venue of its own, at the end of a short history, and its trading client."""
    plan = FaultPlan(tuple(parse_fault(text) for text in faults))
    wanted = Settings(
        end_ms=END_MS,
        executions=120,
        days=4,
        accounts=accounts,
        faults=plan,
        switches=switches or Switches(),
    )
    clock = VirtualClock(wanted.end_ms)
    async with (
        running(wanted, history=history_of(wanted), clock=clock) as venue,
        aiohttp.ClientSession() as session,
    ):
        yield Trader(venue, session, clock, venue.keys[1])
