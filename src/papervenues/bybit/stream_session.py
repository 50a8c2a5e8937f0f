"""One socket of the private stream: login, subscriptions, pings, and what is sent on it."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from papervenues.bybit.auth import stream_login
from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.venue import Venue
from papervenues.faults import EventLuck

if TYPE_CHECKING:
    from papervenues.bybit.settings import ApiKey

MS_A_SECOND = 1_000
SILENCE_MS_DEFAULT = 600_000
SILENCE_MS_MIN, SILENCE_MS_MAX = 30_000, 600_000
CATEGORISED = {
    "execution": ("spot", "linear", "inverse", "option"),
    "execution.fast": ("spot", "linear", "inverse", "option"),
    "order": ("spot", "linear", "inverse", "option"),
    "position": ("linear", "inverse", "option"),
    "wallet": (),
    "greeks": (),
    "dcp": ("future", "spot", "option"),
}
TOPICS_MAX = 64
Message = dict[str, Any]


class Session:
    """What the server knows of one connection."""

    def __init__(
        self, socket: web.WebSocketResponse, *, venue: Venue, luck: EventLuck, name: str
    ) -> None:
        self.socket = socket
        self.name = name
        self.transport: asyncio.WriteTransport | None = None
        self.key: ApiKey | None = None
        self.topics: set[str] = set()
        self.silence_ms = SILENCE_MS_DEFAULT
        self.heard_ms = venue.clock()
        self.is_silent = False
        self.accounts_seen: set[int] = set()
        self._is_return = False
        self._held: list[tuple[str, int]] = []
        self._venue = venue
        self._luck = luck
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, text: str) -> None:
        """Answer one message of the client."""
        self.heard_ms = self._venue.clock()
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            await self.send(self._answer({}, "", success=False, text="Bad request"))
            return
        op = message.get("op")
        if op == "ping":
            await self.send(self._pong(message))
        elif op == "auth":
            await self._login(message)
        elif op in ("subscribe", "unsubscribe"):
            await self._subscription(message, op)
        else:
            await self.send(
                self._answer(message, str(op), success=False, text=f"error:unknown op,{op}")
            )

    async def send(self, message: Message) -> None:
        """Send one message; a socket that is gone is no error."""
        await self.send_text(json.dumps(message, separators=(",", ":")))

    async def send_text(self, text: str) -> None:
        """Send a message that is written already."""
        self.heard_ms = self._venue.clock()
        with suppress(ConnectionError, RuntimeError):
            await self.socket.send_str(text)

    def hold(self, text: str) -> None:
        """Keep a message back until another one went out."""
        self._held.append((text, 0))

    async def flush(self) -> None:
        """Send what was kept back."""
        held, self._held = self._held, []
        for text, _ in held:
            await self.send_text(text)

    async def flush_old(self, *, looks_max: int) -> None:
        """Send what nothing came after for so many looks."""
        self._held = [(text, looks + 1) for text, looks in self._held]
        if self._held and self._held[0][1] > looks_max:
            await self.flush()

    async def expire(self) -> None:
        """The login is no longer good: say so, and close."""
        await self.send(self._answer({}, "auth", success=False, text="Your api key has expired."))
        self.key = None
        self.topics.clear()
        await self.socket.close()

    def end(self) -> None:
        """Stop what still waits to be sent."""
        for task in self._tasks:
            task.cancel()

    def break_off(self) -> None:
        """Break the connection without a closing handshake."""
        if self.transport is not None:
            self.transport.abort()

    def later(self, seconds: float, text: str) -> None:
        """Send something after a while."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await self.send_text(text)

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _login(self, message: Message) -> None:
        now_ms = self._venue.clock()
        try:
            self.key = stream_login(self._venue.keys, message.get("args"), now_ms=now_ms)
        except RefusalError as error:
            await self.send(self._answer(message, "auth", success=False, text=error.text))
            if self._venue.settings.switches.ws_auth_failure == "closes":
                await self.socket.close()
            return
        self._is_return = self.key.account in self.accounts_seen
        self.accounts_seen.add(self.key.account)
        self.is_silent = self.strikes("ws_silent")
        await self.send(self._answer(message, "auth", success=True))

    def strikes(self, name: str) -> bool:
        """Whether a fault strikes this connection."""
        return self._luck.strikes(name, self.name, time_ms=self._venue.clock())

    async def _subscription(self, message: Message, op: str) -> None:
        topics = message.get("args")
        problem = self._problem(topics)
        if problem or self.key is None or not isinstance(topics, list):
            text = problem or "Request not authorized"
            await self.send(self._answer(message, op, success=False, text=text))
            return
        if op == "subscribe":
            await self._subscribe(message, topics)
            return
        self.topics -= set(topics)
        await self.send(self._answer(message, op, success=True))

    async def _subscribe(self, message: Message, topics: list[str]) -> None:
        if self.strikes("ws_event_first"):
            self.topics |= set(topics)
        if not self.strikes("ws_early_ack"):
            # A client that registers what it asked for after asking would miss a quick event.
            await asyncio.sleep(self._venue.settings.switches.ack_ms / MS_A_SECOND)
        if self._is_return and self.strikes("ws_lost_subscription"):
            self.is_silent = True
        self.topics |= set(topics)
        await self.send(self._answer(message, "subscribe", success=True))

    def _problem(self, topics: object) -> str:
        if self.key is None:
            return "Request not authorized"
        if not isinstance(topics, list) or not topics or len(topics) > TOPICS_MAX:
            return "Params Error"
        strange = [topic for topic in topics if not _is_known(topic)]
        if strange:
            return f"error:handler not found,topic:{strange[0]}"
        kinds = {topic in CATEGORISED for topic in topics if CATEGORISED[_stem(topic)]}
        if len(kinds) > 1:
            return "error:all-in-one and categorised topics cannot be in one request"
        return ""

    def _answer(self, message: Message, op: str, *, success: bool, text: str = "") -> Message:
        answer: Message = {"success": success, "ret_msg": text, "op": op, "conn_id": self.name}
        # Echoed as it came: a text stays a text, a number a number.
        return answer | ({"req_id": message["req_id"]} if "req_id" in message else {})

    def _pong(self, message: Message) -> Message:
        answer: Message = {"op": "pong", "args": [str(self._venue.clock())], "conn_id": self.name}
        return ({"req_id": message["req_id"]} if "req_id" in message else {}) | answer


def silence_asked(query: Mapping[str, str]) -> int:
    """How long a connection may be silent, by `max_active_time=30s` or `1m`."""
    text = query.get("max_active_time", "")
    scale = {"s": 1_000, "m": 60_000}.get(text[-1:], 0)
    if not (scale and text[:-1].isascii() and text[:-1].isdigit() and len(text) < len("10000s")):
        return SILENCE_MS_DEFAULT
    return min(SILENCE_MS_MAX, max(SILENCE_MS_MIN, int(text[:-1]) * scale))


def _is_known(topic: object) -> bool:
    return isinstance(topic, str) and bool(_stem(topic))


def _stem(topic: str) -> str:
    """The topic without its category, or nothing when it is not known."""
    if topic in CATEGORISED:
        return topic
    stem, _, category = topic.rpartition(".")
    return stem if category in CATEGORISED.get(stem, ()) else ""
