"""The way to the paper exchange without sockets: bytes in, bytes out, in virtual time.

What a fault does on the wire is done here to the client: the same bytes, the same sentences as the
product's own transport says them. How each answer truly came is written down, so that it can be
held against what the ledger takes as proven.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from fillbook.errors import VenueUnavailable
from fillbook.venues._transport import BODY_BYTES_MAX, Answer
from papervenues.bybit import live_trading
from papervenues.bybit.pipeline import Incoming, Outgoing
from papervenues.bybit.wire import EXTRA_BYTES, SLOW_PAUSE_SECONDS, SLOW_PIECES
from papervenues.draws import digest_of
from tests.simulation.lines import VirtualLine

if TYPE_CHECKING:
    from tests.simulation.exchange import Exchange
    from tests.simulation.workers import Worker

ADDRESS = "127.0.0.1"
HOST = f"{ADDRESS}:1"
READ_SECONDS_MAX = 15.0
CONNECT_SECONDS_MAX = 10.0
BROKE_OFF = "the answer broke off"
DROPPED = "the connection was dropped"
NO_CONNECTION = "no connection, check the network"
IN_VAIN = "no answer in time"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Served:
    """A listing that reached the client whole: where, of what, from when to when, and its end."""

    path: str
    scope: str
    starts_ms: int
    ends_ms: int
    is_end: bool


@dataclass(slots=True)
class VirtualTransport:
    """One worker's way to the exchange."""

    exchange: "Exchange"
    worker: "Worker"
    base_url: str = f"http://{HOST}"
    host: str = HOST
    lines: list[VirtualLine] = field(default_factory=list)

    async def get(self, target: str, *, headers: Mapping[str, str]) -> Answer:
        """Ask for a path with its raw query."""
        world = self.worker.world
        path, _, query = target.partition("?")
        point = f"page of {path.removeprefix('/v5/')}"
        await self.worker.reach(f"before {point}")
        number = world.next_request()
        await asyncio.sleep(world.latency(number))
        self._must_be_reachable()
        live_trading.catch_up(self.exchange.venue, now_ms=world.now_ms())
        outgoing = self.exchange.pipeline.answer(
            Incoming("GET", path, query, b"", headers, ADDRESS)
        )
        world.trace.note(
            "answer", self.worker.name, target, outgoing.answer.status,
            digest_of(outgoing.answer.body), sorted(outgoing.strikes),
        )  # fmt: skip
        await asyncio.sleep(world.latency(number + 1_000_000))
        answer = await self._over_the_wire(outgoing)
        served = _served(path, query, answer)
        if served is not None:
            world.served.append(served)
        await self.worker.reach(f"after {point}")
        return answer

    async def open_line(self, url: str) -> VirtualLine:
        """Open the private stream."""
        world = self.worker.world
        await self.worker.reach("before line opened")
        await asyncio.sleep(world.latency(world.next_request()))
        self._must_be_reachable()
        line = VirtualLine.opened(self.exchange, self.worker, url, host=HOST)
        self.lines.append(line)
        await self.worker.reach("after line opened")
        return line

    async def close(self) -> None:
        """Close what is open."""
        for line in self.lines:
            await line.close()

    def _must_be_reachable(self) -> None:
        if self.exchange.is_away:
            raise self._failed(NO_CONNECTION)

    async def _over_the_wire(self, outgoing: Outgoing) -> Answer:
        """What comes of an answer whose faults strike it on the wire, as `wire.send` does them."""
        body, strikes, salt = outgoing.answer.body, outgoing.strikes, outgoing.salt
        if "dropped_before" in strikes:
            raise self._failed(DROPPED)
        if "dropped_socket" in strikes:
            raise self._failed(BROKE_OFF if salt % 2 else DROPPED)
        if "dropped_during" in strikes:
            raise self._failed(BROKE_OFF)
        if "dropped_after" in strikes:
            return self._whole(outgoing, body)
        if "wrong_length" in strikes:
            if salt % 2:
                raise self._failed(BROKE_OFF)
            return self._whole(outgoing, body[: max(0, len(body) - EXTRA_BYTES)])
        if "stalled_body" in strikes:
            await asyncio.sleep(READ_SECONDS_MAX)
            raise self._failed(IN_VAIN)
        if "slow_body" in strikes:
            await asyncio.sleep(SLOW_PIECES * SLOW_PAUSE_SECONDS)
        return self._whole(outgoing, body)

    def _whole(self, outgoing: Outgoing, body: bytes) -> Answer:
        answer = outgoing.answer
        headers = {name.lower(): text for name, text in answer.headers.items()}
        if headers.get("content-encoding") == "gzip":
            try:
                body = zlib.decompress(body, wbits=31)
            except zlib.error:
                raise self._failed(BROKE_OFF) from None
        assert len(body) <= BODY_BYTES_MAX
        return Answer(answer.status, headers | {"content-type": answer.content_type}, body)

    def _failed(self, how: str) -> VenueUnavailable:
        return VenueUnavailable(f"{self.host}: {how}; try again later")


class _Envelope(msgspec.Struct):
    retCode: int  # noqa: N815 - the venue's own spelling
    result: dict[str, object]


def _served(path: str, query: str, answer: Answer) -> Served | None:
    """What a whole listing tells; None for everything else."""
    words = dict(parse_qsl(query, keep_blank_values=True))
    if answer.status != 200 or not {"startTime", "endTime"} <= words.keys():
        return None
    try:
        envelope = msgspec.json.decode(answer.body, type=_Envelope)
    except msgspec.MsgspecError:
        return None
    rows = envelope.result.get("list", envelope.result.get("rows"))
    if envelope.retCode or not isinstance(rows, list):
        return None
    scope = words.get("category", words.get("accountType", "all"))
    is_end = not rows or not envelope.result.get("nextPageCursor")
    return Served(path, scope, int(words["startTime"]), int(words["endTime"]), is_end)
