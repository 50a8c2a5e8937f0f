"""The container of a backup: a plain tar file, written and read as a stream.

Any tar program opens it, so that a backup outlives this one. What a tar file lacks is added by a
last member that holds nothing and is named after the SHA-256 of every byte before it. A reader
checks that name, and that each header is what a writer would have written: so no bit of the file
can change, and no part of it be missing, without being noticed.

Members are small: a table is cut into parts. Neither side holds more than one.
"""

import re
import tarfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Protocol

from fillbook.errors import BackupUnusable

BLOCK = tarfile.BLOCKSIZE
MEMBER_BYTES_MAX = 256 << 20
MEMBERS_MAX = 10_000_000
END = bytes(2 * BLOCK)

_END_NAME = re.compile(r"end-(?P<digest>[0-9a-f]{64})")


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


class Source(Protocol):
    """Where bytes come from. Fewer than asked for means that it has ended."""

    def read(self, size: int, /) -> bytes: ...


Member = tuple[str, bytes]


class ArchiveWriter:
    """Writes members one after the other; `close` makes the file whole."""

    def __init__(self, sink: Sink, *, made_at_seconds: int) -> None:
        self._sink = sink
        self._mtime = made_at_seconds
        self._digest = sha256()

    def add(self, name: str, data: bytes) -> None:
        """Write one member."""
        assert len(data) <= MEMBER_BYTES_MAX, name
        for piece in (_header(name, len(data), self._mtime), data, _padding(len(data))):
            self._digest.update(piece)
            self._sink.write(piece)

    def close(self) -> str:
        """Write the end; returns the digest of all before it."""
        digest = self._digest.hexdigest()
        self._sink.write(_header(f"end-{digest}", 0, self._mtime))
        self._sink.write(END)
        return digest


def members(source: Source, *, ended: Callable[[str], object] = lambda _: None) -> Iterator[Member]:
    """The members in order; `ended` hears the digest once the file proved to be whole."""
    digest = sha256()
    for _ in range(MEMBERS_MAX):
        block = _exactly(source, BLOCK)
        name, size = _read_header(block)
        finished = _END_NAME.fullmatch(name)
        if finished:
            if finished["digest"] != digest.hexdigest():
                raise damaged("its content does not hash to what its end says")
            if size or _exactly(source, len(END)) != END or source.read(1):
                raise damaged("there is something behind its end")
            ended(finished["digest"])
            return
        data = _exactly(source, size)
        padding = _exactly(source, -size % BLOCK)
        if padding.strip(b"\0"):
            raise damaged("there is something between its members")
        for piece in (block, data, padding):
            digest.update(piece)
        yield name, data
    raise damaged("it has too many members")


def damaged(how: str) -> BackupUnusable:
    """The one sentence for a file that is not what was written."""
    return BackupUnusable(
        f"The backup is damaged or incomplete ({how}): use another one, and look after the disk"
        " that this one lies on."
    )


def _header(name: str, size: int, mtime: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o600
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def _read_header(block: bytes) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        known = _header(info.name, info.size, int(info.mtime))
    except (tarfile.TarError, ValueError):
        raise damaged("a header cannot be read") from None
    if known != block or info.size > MEMBER_BYTES_MAX:
        raise damaged("a header cannot be read")
    return info.name, info.size


def _exactly(source: Source, size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        raise damaged("it ends too early")
    return data


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)
