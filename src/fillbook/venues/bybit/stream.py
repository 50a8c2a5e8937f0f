"""What does Bybit push over its private stream?

A line is opened, proven to be the key's own, and subscribed to executions, orders, positions and
wallet; only then is it handed out. What arrives before the subscription is confirmed is kept. Every
twenty seconds a ping is sent, and a pong that does not come within ten more ends the line: so does
anything that cannot be read, because it may have been a fill.

There is no replay on a stream: whoever listens reads from history what happened before, and after
each line that ended. And a line may answer pings while its subscription is lost, so a silent line
is no proof that nothing happened.

Rows are handed on verbatim under ``executions.live`` and ``orders.live``, by category. A row of a
category that is not known here is counted, logged and left out: no history of it is read either. A
row that names none ends the line, for it may be any. Positions and wallets are
observations; a message of theirs that cannot be read is left out.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec

from fillbook.domain.observed import Balance, HeldPosition
from fillbook.domain.raw import RawRecord
from fillbook.domain.window import milliseconds
from fillbook.errors import VenueError, VenueKeyError, VenueRequestError
from fillbook.venues._contract import Heard
from fillbook.venues._logger import get_logger
from fillbook.venues._transport import Line
from fillbook.venues.bybit import executions, orders
from fillbook.venues.bybit.balances import UNIFIED, read_wallets
from fillbook.venues.bybit.fields import Unread
from fillbook.venues.bybit.identity import CATEGORIES
from fillbook.venues.bybit.positions import read_position
from fillbook.venues.bybit.rows import RowReader, Text
from fillbook.venues.bybit.session import Session

log = get_logger()

TOPICS = ("execution", "order", "position", "wallet")
AHEAD_MAX = 10_000  # messages that wait for whoever listens
PROOF_HOLDS_MS = 10_000
SUBSCRIPTION = "fillbook"
NAME_LENGTH_MAX = 40  # of a topic, in a log

_ROWS = {
    "execution": ("executions.live", executions.glance),
    "order": ("orders.live", orders.glance),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How long a line may be silent."""

    ping_seconds: float = 20.0
    pong_seconds: float = 10.0
    answer_seconds: float = 10.0


class _Message(msgspec.Struct):
    """A message of any kind."""

    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    op: str = ""
    success: bool | None = None
    ret_msg: str | None = None


class _Categorised(msgspec.Struct, gc=False):
    category: Text = ""


_MESSAGE = msgspec.json.Decoder(_Message)
_DATA = msgspec.json.Decoder(list[msgspec.Raw])
_CATEGORISED = RowReader(_Categorised)


@asynccontextmanager
async def listen(
    session: Session, url: str, limits: StreamLimits
) -> AsyncIterator[AsyncIterator[Heard]]:
    """A line that is proven and subscribed, and what it tells from then on."""
    await session.time_now()  # the proof is valid by the venue's clock
    socket = await _open(session, url)
    line = _Line(socket, session, limits)
    try:
        await line.prove()
        await line.subscribe()
        pumping = asyncio.create_task(line.pump())
        try:
            yield line.heard()
        finally:
            pumping.cancel()
            with suppress(asyncio.CancelledError):
                await pumping
    finally:
        await socket.close()


async def _open(session: Session, url: str) -> Line:
    session.check_silence()
    try:
        return await session.http.open_line(url)
    except VenueError as error:
        session.note(error)
        raise


@dataclass(slots=True)
class _Line:
    """One line from its opening to its end."""

    socket: Line
    session: Session
    limits: StreamLimits
    _waiting: asyncio.Queue[Heard | VenueError] = field(
        default_factory=lambda: asyncio.Queue(AHEAD_MAX)
    )
    _ping_at: float = 0.0
    _pong_by: float | None = None

    async def prove(self) -> None:
        """Say whose line it is."""
        expires = milliseconds(self.session.venue_now()) + PROOF_HOLDS_MS
        await self._say(op="auth", args=self.session.signer.opening(expires_ms=expires))
        answer = await self._answer("auth")
        if answer.success is not True:
            raise VenueKeyError(
                f"{self.socket.host} does not accept the key for its private stream: "
                "check key and secret"
            )

    async def subscribe(self) -> None:
        """Ask for every topic, and wait for the word that they will come."""
        await self._say(op="subscribe", req_id=SUBSCRIPTION, args=TOPICS)
        answer = await self._answer("subscribe")
        if answer.success is not True:
            raise VenueRequestError(f"{self.socket.host} did not accept the subscription")

    async def _say(self, **words: object) -> None:
        await self.socket.send(msgspec.json.encode(words).decode())

    async def _answer(self, op: str) -> _Message:
        """The answer to a question; what else is said meanwhile is kept."""
        until = _now() + self.limits.answer_seconds
        while (left := until - _now()) > 0:
            text = await self.socket.receive(left)
            if text is None:
                break
            message = self._message(text)
            if message.op == op:
                return message
            self._keep(message)
        raise self.socket.broken(f"no answer to {op} in time")

    async def pump(self) -> None:
        """Take in what is said, and see that the line lives, until it ends."""
        try:
            self._ping_at = _now() + self.limits.ping_seconds
            while True:
                await self._turn()
        except VenueError as error:
            await self._waiting.put(error)
        finally:
            # Whatever ended it, whoever listens is told; behind another error this is never read.
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(self.socket.broken("the line ended"))

    async def _turn(self) -> None:
        now = _now()
        if self._pong_by is None and now >= self._ping_at:
            await self._say(op="ping")
            self._pong_by = now + self.limits.pong_seconds
        due = self._ping_at if self._pong_by is None else self._pong_by
        text = await self.socket.receive(max(0.01, due - now))
        if text is not None:
            self._keep(self._message(text))
        elif self._pong_by is not None and _now() >= self._pong_by:
            raise self.socket.broken("no pong in time")

    def _message(self, text: str) -> _Message:
        try:
            return _MESSAGE.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise self.socket.broken("a message cannot be read") from None

    def _keep(self, message: _Message) -> None:
        if message.op == "pong" or message.ret_msg == "pong":
            self._pong_by = None
            self._ping_at = _now() + self.limits.ping_seconds
            return
        if not message.topic:
            return
        try:
            for heard in heard_in(message.topic, bytes(message.data)):
                if heard.left_out:
                    log.warning(
                        "rows of an unknown category left out",
                        host=self.socket.host,
                        topic=message.topic[:NAME_LENGTH_MAX],
                        rows=heard.left_out,
                    )
                self._waiting.put_nowait(heard)
        except asyncio.QueueFull:
            raise self.socket.broken("more was said than could be booked") from None
        except Unread as reason:
            raise self.socket.broken(f"a message cannot be read ({reason})") from None

    async def heard(self) -> AsyncIterator[Heard]:
        """What was said, in order; the error that ended the line comes last."""
        while True:
            next_one = await self._waiting.get()
            if isinstance(next_one, VenueError):
                raise next_one
            yield next_one


def heard_in(topic: str, data: bytes) -> Iterator[Heard]:
    """What a message tells. Raises `Unread` where rows to be booked cannot be taken apart."""
    kind, _, of_category = topic.partition(".")
    if kind in _ROWS:
        yield from _rows_in(kind, of_category, data)
    elif kind == "position":
        yield Heard(positions=tuple(_positions_in(of_category, data)))
    elif kind == "wallet":
        yield Heard(balances=tuple(_balances_in(data)))


def _rows_in(kind: str, of_category: str, data: bytes) -> Iterator[Heard]:
    stream, glance = _ROWS[kind]
    try:
        rows = _DATA.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unread(f"no rows of {kind}") from None
    by_category: dict[str, list[RawRecord]] = {}
    left_out = 0
    for raw in rows:
        body = bytes(raw)
        category = _category(body) or of_category
        if not category:
            raise Unread(f"a row of {kind} names no category")
        if category not in CATEGORIES:
            left_out += 1
            continue
        key, _ = glance(category, body)
        by_category.setdefault(category, []).append(RawRecord(key, body))
    for category, records in by_category.items():
        yield Heard(stream=stream, scope=category, records=tuple(records))
    if left_out:
        yield Heard(left_out=left_out)


def _category(body: bytes) -> str:
    row, _ = _CATEGORISED.read(body)
    return "" if row is None else row.category


def _positions_in(of_category: str, data: bytes) -> Iterator[HeldPosition]:
    for body in _observed(data):
        with suppress(Unread):
            category = _category(body) or of_category
            position = read_position(category, body) if category in CATEGORIES else None
            if position is not None:
                yield position


def _balances_in(data: bytes) -> Iterator[Balance]:
    for body in _observed(data):
        with suppress(Unread):
            yield from read_wallets(UNIFIED, body)


def _observed(data: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in _DATA.decode(data)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return []


def _now() -> float:
    return asyncio.get_running_loop().time()
