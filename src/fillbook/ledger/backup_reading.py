"""Reading a backup: is the file whole, and what does it hold?

Checking needs no database. It reads the file once, from end to end: the container, each part, and
for each table the number of rows and their digest, as the manifest at the end says them. A restore
reads the file a second time and checks all of it again, in the transaction that loads it.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final

import msgspec

from fillbook.errors import BackupUnusable, NotFound
from fillbook.ledger.backup_archive import Source, damaged, members
from fillbook.ledger.backup_contents import FORMAT, MANIFEST, Manifest
from fillbook.ledger.backup_seal import MAGIC, SealedReader

GZIP: Final = 31
PART_BYTES_MAX = 128 << 20
ROW_DIGEST_BYTES = 16


@dataclass(slots=True)
class _Counted:
    rows: int = 0
    bytes: int = 0
    parts: int = 0


class Tally:
    """What the parts of a file come to, table by table; compared with the manifest at its end."""

    def __init__(self) -> None:
        self._counts: dict[str, _Counted] = {}
        self._digests = {"": sha256()}

    def add(self, table: str, number: int, part: bytes) -> None:
        """Count a part in; parts are numbered without a gap."""
        counted = self._counts.setdefault(table, _Counted())
        counted.parts += 1
        if counted.parts != number:
            raise damaged(f"a part of {table} is missing")
        counted.rows += part.count(b"\n")
        counted.bytes += len(part)
        self._digests.setdefault(table, sha256()).update(part)

    def compare(self, manifest: Manifest) -> None:
        """Refuse what is not as the manifest says."""
        nothing = sha256().hexdigest()
        known = {table.name for table in manifest.tables}
        for table in manifest.tables:
            counted = self._counts.get(table.name, _Counted())
            digest = self._digests.get(table.name)
            found = (counted.rows, counted.bytes, counted.parts)
            if found != (table.rows, table.bytes, table.parts):
                raise damaged(f"{table.name} has {counted.rows} rows instead of {table.rows}")
            if (digest.hexdigest() if digest else nothing) != table.sha256:
                raise damaged(f"the rows of {table.name} are not those that were written")
        if unknown := sorted(self._counts.keys() - known):
            raise damaged(f"its manifest does not know {unknown[0]}")


class RowSum:
    """A digest of rows in whatever order: a server gives them back in another one."""

    def __init__(self) -> None:
        self._total = 0

    def add(self, lines: bytes) -> None:
        """Count whole lines in."""
        for line in lines.removesuffix(b"\n").split(b"\n"):
            hashed = blake2b(line, digest_size=ROW_DIGEST_BYTES).digest()
            self._total += int.from_bytes(hashed, "big")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowSum) and self._total == other._total

    def __hash__(self) -> int:
        return hash(self._total)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that is whole."""

    manifest: Manifest
    digest: str  # of every byte before the end of the container
    size: int
    sealed: bool


def check_backup(path: Path, passphrase: str | None) -> Checked:
    """Read a file from end to end; returns what it says of itself, or raises BackupUnusable."""
    tally = Tally()
    said: bytes | None = None
    ended: list[str] = []
    with opened(path, passphrase) as (source, sealed):
        for name, data in members(source, ended=ended.append):
            if said is not None:
                raise damaged("there is something behind its manifest")
            if name == MANIFEST:
                said = data
            elif is_part(name):
                tally.add(*numbered(name), unsqueezed(data))
        size = path.stat().st_size
    if said is None:
        raise damaged("it has no manifest")
    manifest = _manifest(said)
    tally.compare(manifest)
    return Checked(manifest, ended[0], size, sealed)


def parts_of(source: Source) -> Iterator[tuple[str, int, bytes]]:
    """The parts of every table in the order of the file: table, number, rows as text."""
    for name, data in members(source):
        if is_part(name):
            yield (*numbered(name), unsqueezed(data))


@contextmanager
def opened(path: Path, passphrase: str | None) -> Iterator[tuple[Source, bool]]:
    """The content of a file, and whether it is sealed."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no backup {path}.") from None
    except OSError as error:
        raise BackupUnusable(f"The backup {path} cannot be read: {error.strerror}.") from None
    with file:
        if os.fstat(file.fileno()).st_size == 0:
            raise damaged("it is empty")
        sealed = file.peek(len(MAGIC)).startswith(MAGIC[: len("FILLBOOK SEALED")])
        if not sealed:
            yield file, False
        elif passphrase is None:
            raise BackupUnusable(
                "The backup is sealed: set FILLBOOK_BACKUP_PASSPHRASE or"
                " FILLBOOK_BACKUP_PASSPHRASE_FILE to its passphrase."
            )
        else:
            yield SealedReader(file, passphrase), True


def is_part(name: str) -> bool:
    """Whether a member is a part of a table."""
    return name.endswith(".copy.gz")


def numbered(name: str) -> tuple[str, int]:
    """The table of a part and the part's number."""
    table, _, rest = name.partition("/")
    number = rest.removesuffix(".copy.gz")
    if not number.isdecimal():
        raise damaged("a part has no number")
    return table, int(number)


def unsqueezed(data: bytes) -> bytes:
    """A part as it was; more than a part can hold is refused."""
    try:
        opener = zlib.decompressobj(GZIP)
        part = opener.decompress(data, PART_BYTES_MAX)
    except zlib.error:
        raise damaged("a part cannot be unpacked") from None
    if not opener.eof or opener.unused_data or opener.unconsumed_tail:
        raise damaged("a part cannot be unpacked")
    return part


def _manifest(data: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, ValueError):
        raise damaged("its manifest cannot be read") from None
    if manifest.format != FORMAT:
        raise BackupUnusable(
            f"The backup has format {manifest.format} and this Fillbook knows {FORMAT}: use the"
            f" Fillbook that made it ({manifest.program}), or a newer one."
        )
    return manifest
