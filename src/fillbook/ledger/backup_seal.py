r"""A backup under a passphrase: sealed as a stream, with AES-256-GCM in chunks.

::

    FILLBOOK SEALED BACKUP 1\n
    {"kdf": "scrypt", "n": ..., "r": ..., "p": ..., "salt": "..."}\n
    chunks of 1 MiB and 16 bytes, the last one shorter (or as long)

The key comes from the passphrase and a salt that is drawn for each file, so that no two files share
one. A chunk's nonce is its number and whether it is the last: chunks that are swapped, repeated,
cut off or taken from another file do not open. The two lines above are bound in as associated data.
"""

import json
import os
import stat
from pathlib import Path
from secrets import token_bytes

from fillbook.errors import BackupUnusable, Refused, SettingError
from fillbook.ledger.backup_archive import Sink, Source, damaged

MAGIC = b"FILLBOOK SEALED BACKUP 1\n"
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
KEY_BYTES = 32
SALT_BYTES = 16
HEAD_BYTES_MAX = 1_000
# 64 MiB of memory and a tenth of a second for each guess of a passphrase.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 16, 8, 1
SCRYPT_N_MAX = 1 << 20
PASSPHRASE_LENGTH_MIN = 12
PASSPHRASE_BYTES_MAX = 10_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SealedWriter:
    """Seals what is written to it; `close` seals the last chunk."""

    def __init__(self, sink: Sink, passphrase: str) -> None:
        salt = token_bytes(SALT_BYTES)
        said = {"kdf": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "salt": salt.hex()}
        self._head = MAGIC + json.dumps(said).encode() + b"\n"
        self._sink = sink
        self._chunks = _Chunks(said, passphrase, self._head)
        self._waiting = bytearray()
        sink.write(self._head)

    def write(self, data: bytes, /) -> None:
        """Seal whole chunks; the rest waits, because the last chunk is marked."""
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:
            self._sink.write(self._chunks.seal(bytes(self._waiting[:CHUNK_BYTES]), last=False))
            del self._waiting[:CHUNK_BYTES]

    def close(self) -> None:
        """Seal what is left."""
        self._sink.write(self._chunks.seal(bytes(self._waiting), last=True))
        self._waiting.clear()


class SealedReader:
    """Opens what was sealed, chunk by chunk."""

    def __init__(self, source: Source, passphrase: str) -> None:
        head, said = _read_head(source)
        self._source = source
        self._chunks = _Chunks(said, passphrase, head)
        self._ahead = source.read(CHUNK_BYTES + TAG_BYTES)
        self._opened = bytearray()
        self._ended = False
        self._first = True

    def read(self, size: int, /) -> bytes:
        """So many bytes, or fewer at the end."""
        while len(self._opened) < size and not self._ended:
            self._opened += self._next()
        data = bytes(self._opened[:size])
        del self._opened[:size]
        return data

    def _next(self) -> bytes:
        chunk = self._ahead
        self._ahead = self._source.read(CHUNK_BYTES + TAG_BYTES)
        self._ended = not self._ahead
        opened = self._chunks.open(chunk, last=self._ended)
        if opened is None and self._first:
            raise BackupUnusable(
                "The backup does not open: the passphrase is another one, or the file is damaged."
            )
        if opened is None:
            raise damaged("a sealed chunk was changed, or is missing")
        self._first = False
        return opened


class _Chunks:
    """The cipher of one file, and which chunk comes next."""

    def __init__(self, said: dict[str, object], passphrase: str, head: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # many commands need none
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        n, r, p, salt = (said[name] for name in ("n", "r", "p", "salt"))
        assert isinstance(n, int) and isinstance(r, int) and isinstance(p, int)  # noqa: PT018
        derive = Scrypt(salt=bytes.fromhex(str(salt)), length=KEY_BYTES, n=n, r=r, p=p)
        self._cipher = AESGCM(derive.derive(passphrase.encode()))
        self._head = head
        self._number = 0

    def seal(self, plain: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), plain, self._head)

    def open(self, sealed: bytes, *, last: bool) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        if len(sealed) < TAG_BYTES:
            return None
        try:
            return self._cipher.decrypt(self._nonce(last=last), sealed, self._head)
        except InvalidTag:
            return None

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._number.to_bytes(11, "big") + bytes([last])
        self._number += 1
        return nonce


def _read_head(source: Source) -> tuple[bytes, dict[str, object]]:
    head = source.read(len(MAGIC))
    if head != MAGIC:
        raise damaged("it does not begin as a sealed backup does")
    while not head.endswith(b"\n") or head == MAGIC:
        one = source.read(1)
        if not one or len(head) > HEAD_BYTES_MAX:
            raise damaged("its first lines cannot be read")
        head += one
    said = _sound(head[len(MAGIC) :])
    if said is None:
        raise damaged("its first lines cannot be read")
    return head, said


def _sound(line: bytes) -> dict[str, object] | None:
    """What the head says, when a writer could have said it; a cost beyond reason is refused."""
    try:
        said = json.loads(line)
        n, r, p = (int(said[name]) for name in ("n", "r", "p"))
        salt = bytes.fromhex(said["salt"])
    except (ValueError, KeyError, TypeError):
        return None
    cost = 1 < n <= SCRYPT_N_MAX and n & (n - 1) == 0 and (r, p) == (SCRYPT_R, SCRYPT_P)
    if not cost or len(salt) != SALT_BYTES or said.get("kdf") != "scrypt":
        return None
    return {"n": n, "r": r, "p": p, "salt": salt.hex()}


def check_passphrase(text: str, *, named: str) -> str:
    """The passphrase as it is used: without the line end of a file, and long enough."""
    passphrase = text.strip("\r\n")
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise SettingError(
            f"{named} must have {PASSPHRASE_LENGTH_MIN} characters or more: a backup lies where"
            " others may try for long."
        )
    return passphrase


def read_passphrase(path: Path) -> str:
    """The passphrase in a file of the user's own; one that others can read is refused."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"The passphrase in {path} cannot be read: {error.strerror}.") from None
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
            raise Refused(f"{path} is not a file of your own: it is not used as passphrase.")
        if found.st_mode & _OTHERS:
            raise Refused(f"Others can read the passphrase in {path}: run `chmod 600 {path}`.")
        text = file.read(PASSPHRASE_BYTES_MAX)
    return check_passphrase(text.decode(errors="replace"), named=f"The passphrase in {path}")
