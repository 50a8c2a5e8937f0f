"""A wire between a process and its database that sees each statement pass, and may cut it.

The process connects to a port on loopback, the wire to the server behind it. Each statement makes
two points: `before NAME`, when it is about to reach the server, and `after NAME`, when the server
has done it and the answer is about to reach the process. A COPY makes a third one, `amid NAME`,
with its first rows. At each point a watcher decides what becomes of it; the program itself has no
hook for any of this.

========  ==========================================================================================
fate      what the process sees
========  ==========================================================================================
PASS      nothing
CUT       the connection breaks; before a statement the server never sees it, after it the server
          has done it and nobody is told
REFUSE    the statement fails in the server, with an SQLSTATE of the watcher's choice
========  ==========================================================================================
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qs, urlsplit

from tests.crash import frames
from tests.crash.frames import Frame, Framed, text_at
from tests.crash.statements import name_of

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 16
NO_PORTAL = Frame(frames.EXECUTE, b"no such portal\0" + bytes(4))
NO_QUERY = Frame(frames.QUERY, b"SELECT 1/0\0")
OUT_OF_MEMORY = "53200"


class Fate(Enum):
    """What becomes of a statement."""

    PASS = "passes"
    CUT = "the connection breaks"
    REFUSE = "the statement fails"


@dataclass(frozen=True, slots=True)
class Passing:
    """A statement at a point, for the nth time since the wire was watched anew."""

    point: str
    hit: int


Watcher = Callable[[Passing], Fate]


def let_pass(_: Passing) -> Fate:
    """Watch nothing."""
    return Fate.PASS


@dataclass(slots=True)
class Wire:
    """A port on loopback in front of a database server."""

    server_url: str
    port: int = 0
    watcher: Watcher = let_pass
    sqlstate: str = OUT_OF_MEMORY
    hits: Counter[str] = field(default_factory=Counter)
    lines: "set[_Line]" = field(default_factory=set)
    serving: "set[asyncio.Task[None]]" = field(default_factory=set)

    def watch(self, watcher: Watcher = let_pass, *, sqlstate: str = OUT_OF_MEMORY) -> None:
        """Count from nothing, with another watcher; connections that are open are broken."""
        self.cut()
        self.hits.clear()
        self.watcher, self.sqlstate = watcher, sqlstate

    def cut(self) -> None:
        """Break every connection."""
        for line in tuple(self.lines):
            line.cut()

    def url(self, name: str) -> str:
        """The address of a database behind this wire."""
        user = urlsplit(self.server_url).netloc.rpartition("@")[0] or "postgres"
        return f"postgresql://{user}@{HOST}:{self.port}/{name}"

    def through(self, url: str) -> str:
        """The same database, behind this wire."""
        return self.url(urlsplit(url).path.removeprefix("/"))

    def decide(self, point: str) -> Fate:
        """Count a point and ask what becomes of it."""
        self.hits[point] += 1
        return self.watcher(Passing(point, self.hits[point]))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server itself."""
        parts = urlsplit(self.server_url)
        folder = parse_qs(parts.query).get("host", [""])[0]
        port = parts.port or 5432
        if folder:
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname, port)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody connects."""
        task = asyncio.create_task(self._serve(reader, writer))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        server: asyncio.StreamWriter | None = None
        try:
            first = await _first_message(reader, writer)
            answers, server = await self.connect()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
            return
        line = _Line(self, writer, server)
        self.lines.add(line)
        try:
            server.write(first)
            await _first_of(line.asked(reader), line.answered(answers))
        finally:
            self.lines.discard(line)
            line.cut()


async def _first_of(*ways: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The message that opens a connection; encryption is declined."""
    while True:
        size = await reader.readexactly(frames.LENGTH_BYTES)
        body = await reader.readexactly(frames.LENGTH.unpack(size)[0] - frames.LENGTH_BYTES)
        if frames.LENGTH.unpack(body[: frames.LENGTH_BYTES])[0] not in frames.ASKS_TO_ENCRYPT:
            return size + body
        writer.write(frames.NO)


@dataclass(slots=True)
class _Asked:
    """A statement that the server has not answered yet; without a name, the end of a batch."""

    name: str = ""
    is_simple: bool = False
    is_refused: bool = False


@dataclass(slots=True, eq=False)
class _Line:
    """One connection through the wire."""

    wire: Wire
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    texts: dict[str, str] = field(default_factory=dict)  # by the name of a prepared statement
    portals: dict[str, str] = field(default_factory=dict)
    waiting: deque[_Asked] = field(default_factory=deque)
    copying: str = ""  # the COPY whose rows are under way
    rows_came: bool = False
    is_cut: bool = False

    def cut(self) -> None:
        """Break it, in both directions, at once."""
        self.is_cut = True
        self.client.transport.abort()
        self.server.transport.abort()

    async def asked(self, reader: asyncio.StreamReader) -> None:
        """What the process sends."""
        framed = Framed()
        while chunk := await reader.read(CHUNK_BYTES):
            for frame in framed.feed(chunk):
                passed = self._asked(frame)
                if self.is_cut:
                    return
                self.server.write(passed.whole())
            await self.server.drain()

    async def answered(self, reader: asyncio.StreamReader) -> None:
        """What the server sends."""
        framed = Framed()
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK_BYTES):
                for frame in framed.feed(chunk):
                    passed = self._answered(frame)
                    if self.is_cut:
                        return
                    self.client.write(passed.whole())
                await self.client.drain()

    def _asked(self, frame: Frame) -> Frame:
        body = frame.body
        match frame.letter:
            case frames.PARSE:
                name, end = text_at(body, 0)
                self.texts[name] = name_of(text_at(body, end)[0])
            case frames.BIND:
                portal, end = text_at(body, 0)
                self.portals[portal] = self.texts.get(text_at(body, end)[0], "?")
            case frames.EXECUTE:
                return self._statement(frame, self.portals[text_at(body, 0)[0]], instead=NO_PORTAL)
            case frames.QUERY:
                return self._statement(frame, name_of(text_at(body, 0)[0]), instead=NO_QUERY)
            case frames.SYNC:
                if not self.copying:  # in the midst of a COPY the server ignores it
                    self.waiting.append(_Asked())
            case frames.COPY_DATA:
                self._rows()
            case frames.COPY_DONE | frames.COPY_FAIL:
                self.copying = ""
            case _:
                pass
        return frame

    def _statement(self, frame: Frame, name: str, *, instead: Frame) -> Frame:
        asked = _Asked(name, is_simple=frame.letter == frames.QUERY)
        self.waiting.append(asked)
        fate = self.wire.decide(f"before {name}")
        if fate is Fate.CUT:
            self.cut()
        asked.is_refused = fate is Fate.REFUSE
        return instead if asked.is_refused else frame

    def _rows(self) -> None:
        if self.rows_came or not self.copying:
            return
        self.rows_came = True
        if self.wire.decide(f"amid {self.copying}") is Fate.CUT:
            self.cut()

    def _answered(self, frame: Frame) -> Frame:
        match frame.letter:
            case frames.COPY_IN:
                self._begin_copy()
            case frames.COMPLETE | frames.EMPTY | frames.SUSPENDED if self.waiting:
                self._done()
            case frames.ERROR if self.waiting:
                if self.waiting[0].is_refused:
                    frame = frames.refusal(self.wire.sqlstate, "refused for a test")
                while self.waiting and self.waiting[0].name and not self.waiting[0].is_simple:
                    self.waiting.popleft()
            case frames.READY:
                self._end_of_batch()
            case _:
                pass
        return frame

    def _begin_copy(self) -> None:
        self.copying, self.rows_came = self.waiting[0].name, False
        # What was said to end the batch came too early, and is ignored.
        while len(self.waiting) > 1:
            self.waiting.pop()

    def _done(self) -> None:
        asked = self.waiting[0]
        if not asked.is_simple:
            self.waiting.popleft()
        if asked.name and self.wire.decide(f"after {asked.name}") is Fate.CUT:
            self.cut()

    def _end_of_batch(self) -> None:
        while self.waiting:
            asked = self.waiting.popleft()
            if asked.is_simple or not asked.name:
                return


@asynccontextmanager
async def wired(server_url: str) -> AsyncIterator[Wire]:
    """A wire in front of a server."""
    wire = Wire(server_url)
    server = await asyncio.start_server(wire.accept, HOST, 0, limit=CHUNK_BYTES)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        wire.cut()
        await asyncio.gather(*wire.serving, return_exceptions=True)
        await server.wait_closed()
