"""The secrets key: where it is kept, who may read it, and how it is replaced.

It is 32 bytes, handed in from a setting or kept in `secrets.key`, one line of base64 in a folder of
its own. Folder and file belong to their owner alone: what others can read is refused, not mended,
because it may have been read already.

A replacement is written beside the old file before anything is sealed with it, and takes its name
afterwards. Whoever is interrupted in between leaves both: both open what is sealed, the newer one
seals, and the next replacement ends what was begun.
"""

import base64
import binascii
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex

from fillbook.errors import Refused, SettingError

KEY_BYTES = 32
FILE_NAME = "secrets.key"
NEXT_NAME = "secrets.key.next"
FILE_BYTES_MAX = 1_000
SETTING = "FILLBOOK_SECRETS_KEY"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class SecretsKey:
    """A key that seals others. Its representation shows its digest only."""

    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        assert len(self.raw) == KEY_BYTES

    @property
    def key_id(self) -> str:
        """What rows say they are sealed with."""
        return sha256(b"fillbook secrets key\0" + self.raw).hexdigest()[:16]


def new_key() -> SecretsKey:
    """A key nobody had before."""
    return SecretsKey(token_bytes(KEY_BYTES))


def key_from(text: str, *, named: str) -> SecretsKey:
    """The key that a text stands for; the text itself is never shown."""
    raw = b""
    with suppress(binascii.Error, ValueError):
        raw = base64.b64decode(text.strip().encode(), validate=True)
    if len(raw) != KEY_BYTES or len(set(raw)) == 1:
        raise SettingError(
            f"{named} must be {KEY_BYTES} random bytes in base64: `openssl rand -base64 32` makes"
            " them."
        )
    return SecretsKey(raw)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The secrets keys of this installation."""

    folder: Path
    given: SecretsKey | None = None  # from a setting
    older: SecretsKey | None = None  # only to open what is to be sealed again

    @property
    def where(self) -> str:
        """Where a key is looked for, in a sentence."""
        file = self.folder / FILE_NAME
        return f"it is looked for in {SETTING} and in {file}."

    def find(self, key_id: str) -> SecretsKey | None:
        """The key of that digest."""
        known = [key for key in (self.given, self.older) if key is not None]
        found = next((key for key in known if key.key_id == key_id), None)
        return found or next((key for key in self._kept() if key.key_id == key_id), None)

    def sealing(self) -> SecretsKey:
        """The key that seals from now on; the file is made when it is first needed."""
        if self.given is not None:
            return self.given
        return (
            read_key_file(self.folder / NEXT_NAME)
            or read_key_file(self.folder / FILE_NAME)
            or self._create(FILE_NAME, new_key())
        )

    def propose(self) -> SecretsKey:
        """A new key beside the one in force; one that was left there is taken up again."""
        return read_key_file(self.folder / NEXT_NAME) or self._create(NEXT_NAME, new_key())

    def accept(self) -> None:
        """Let the proposed key take the name of the old one, which is gone then."""
        (self.folder / NEXT_NAME).replace(self.folder / FILE_NAME)
        _sync_folder(self.folder)

    def _kept(self) -> Sequence[SecretsKey]:
        found = (read_key_file(self.folder / name) for name in (FILE_NAME, NEXT_NAME))
        return [key for key in found if key is not None]

    def _create(self, name: str, key: SecretsKey) -> SecretsKey:
        """Write a key file whole or not at all; of two writers the first one wins."""
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        _refuse_open_folder(self.folder)
        path, draft = self.folder / name, self.folder / f".{name}.{token_hex(4)}"
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(base64.b64encode(key.raw) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(self.folder)
        written = read_key_file(path)
        assert written is not None
        return written


def read_key_file(path: Path) -> SecretsKey | None:
    """The key in a file; None where there is no file. One that others can reach is refused."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"The secrets key in {path} cannot be read: {error.strerror}.") from None
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
            raise Refused(f"{path} is not a file of your own: it is not used as secrets key.")
        if found.st_mode & _OTHERS:
            raise Refused(
                f"Others can read the secrets key in {path}: run `chmod 600 {path}`, then"
                " `fillbook accounts rekey`, and make new keys at the venue if somebody may have"
                " read it."
            )
        text = file.read(FILE_BYTES_MAX)
    _refuse_open_folder(path.parent)
    return key_from(text.decode(errors="replace"), named=f"The secrets key in {path}")


def _refuse_open_folder(folder: Path) -> None:
    if folder.stat().st_mode & _OTHERS:
        raise Refused(f"Others can enter the folder of the secrets key: run `chmod 700 {folder}`.")


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
