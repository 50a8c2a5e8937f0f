"""Frames of PostgreSQL's protocol (version 3): where one message ends and the next begins.

Every message but a client's first is a letter, a length that counts itself, and a body. A client's
first has no letter; it may ask for encryption, in which case the true first message comes after.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

HEADER = struct.Struct("!cI")
LENGTH = struct.Struct("!I")
LENGTH_BYTES = 4
ASKS_TO_ENCRYPT = frozenset({80877103, 80877104})  # SSL, GSSAPI
NO = b"N"

# Letters of a client.
QUERY, PARSE, BIND, EXECUTE, SYNC = b"Q", b"P", b"B", b"E", b"S"
COPY_DATA, COPY_DONE, COPY_FAIL = b"d", b"c", b"f"
# Letters of a server.
COMPLETE, EMPTY, SUSPENDED, ERROR, READY, COPY_IN = b"C", b"I", b"s", b"E", b"Z", b"G"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, whole."""

    letter: bytes
    body: bytes

    def whole(self) -> bytes:
        """As it goes over the wire."""
        return HEADER.pack(self.letter, len(self.body) + LENGTH_BYTES) + self.body


@dataclass(slots=True)
class Framed:
    """Cuts a stream of bytes into messages."""

    _left: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The messages that are complete with this chunk."""
        self._left += chunk
        at = 0
        while len(self._left) - at >= HEADER.size:
            letter, length = HEADER.unpack_from(self._left, at)
            end = at + 1 + length
            if end > len(self._left):
                break
            yield Frame(letter, bytes(self._left[at + HEADER.size : end]))
            at = end
        del self._left[:at]


def text_at(body: bytes, start: int) -> tuple[str, int]:
    """A text that ends in a zero, and where the next one begins."""
    end = body.index(0, start)
    return body[start:end].decode(), end + 1


def refusal(sqlstate: str, message: str) -> Frame:
    """What a server says when it refuses a statement."""
    fields = (b"SERROR", b"VERROR", b"C" + sqlstate.encode(), b"M" + message.encode())
    return Frame(ERROR, b"\0".join(fields) + b"\0\0")
