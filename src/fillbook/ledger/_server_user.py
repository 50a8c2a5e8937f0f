"""As whom the server runs, and that this user gets to its files.

PostgreSQL refuses to run as root. Anybody else runs it as themselves. As root it runs as the owner
of the existing cluster, else as the system user `fillbook`, which is made when it is missing.

That user must pass through the parents of the data folder. Where it cannot (root's own folders are
closed), it alone is let through by an access list, without a right to list or read; where the file
system has no access lists, the passage is opened to all, except through a home, which is refused:
guessable file names in it would become readable to everybody.
"""

import os
import pwd
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fillbook.errors import DatabaseRefused
from fillbook.ledger._place import Place, programs

SYSTEM_USER = "fillbook"
ADD_USER_TRIES = 20
PROBE_SECONDS_MAX = 30
ACCESS_LIST = "system.posix_acl_access"
ACL_HEADER = struct.Struct("<I")
ACL_ENTRY = struct.Struct("<HHI")
ACL_VERSION = 2
ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK, ACL_OTHER = 1, 2, 4, 8, 16, 32
ACL_NO_ID = 0xFFFFFFFF
PASS = 1
NOT_ITS_OWN = ("PG", "LC_", "FILLBOOK_", "BYBIT_", "DATABASE_", "DB_", "POSTGRES_")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that runs PostgreSQL's programs: ourselves, or somebody root steps down to."""

    bin_dir: Path
    other: pwd.struct_passwd | None = None

    def run(
        self,
        program: str | Path,
        args: Sequence[str],
        *,
        seconds_max: float,
        folder: Path = Path("/"),
        keep_fd: int | None = None,
    ) -> tuple[int, str]:
        """Run a program in `folder`; returns its exit code and what it said."""
        # To a file and not to a pipe: a server that kept the pipe would make us wait for its end.
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            done = subprocess.run(  # noqa: S603 - our own programs, no shell
                [str(self.bin_dir / program), *args],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=_environment(),
                timeout=seconds_max,
                pass_fds=() if keep_fd is None else (keep_fd,),
                user=self.other.pw_uid if self.other else None,
                group=self.other.pw_gid if self.other else None,
                extra_groups=() if self.other else None,
            )
            said.seek(0)
            return done.returncode, said.read().strip()

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.other is not None:
            os.chown(path, self.other.pw_uid, self.other.pw_gid)


def server_user(place: Place) -> ServerUser:
    """Choose the user, and make sure that the programs and the data folder are within reach."""
    if os.geteuid() != 0:
        return ServerUser(bin_dir=programs())
    found = _owner(place.cluster) or _system_user()
    user = ServerUser(bin_dir=programs(), other=found)
    _let_pass(user, place.data_dir)
    if not _can_run(user):
        user = ServerUser(bin_dir=_copied_programs(place), other=found)
    return user


def _owner(cluster: Path) -> pwd.struct_passwd | None:
    if not cluster.exists() or cluster.stat().st_uid == 0:
        return None
    try:
        return pwd.getpwuid(cluster.stat().st_uid)
    except KeyError:
        raise DatabaseRefused(
            f"{cluster} belongs to user number {cluster.stat().st_uid}, who has no name on this"
            f" machine: give it to {SYSTEM_USER} with `chown -R {SYSTEM_USER}` and try again."
        ) from None


def _system_user() -> pwd.struct_passwd:
    said = ""
    for _ in range(ADD_USER_TRIES):
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            said = _add_system_user()
            time.sleep(0.05)
    raise DatabaseRefused(
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made"
        f" ({said}): run Fillbook as an ordinary user, or set DATABASE_URL."
    )


def _add_system_user() -> str:
    """Try to make the user; another process may be faster, or hold the list of users."""
    command = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if command is None:
        return "useradd is missing"
    args = ["--system", "--no-create-home", "--home-dir", "/nonexistent"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        [command, *args, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        check=False,
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
    )
    return done.stderr.strip()


def _environment() -> dict[str, str]:
    """Return our environment without what would change PostgreSQL's programs behind our back.

    The server outlives its starter, and what it was given is on show: no secret goes along either.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_ITS_OWN)}
    return kept | {"LC_ALL": "C"}


def _can_run(user: ServerUser) -> bool:
    try:
        code, _ = user.run("postgres", ["--version"], seconds_max=PROBE_SECONDS_MAX)
    except PermissionError:
        return False
    return code == 0


def _copied_programs(place: Place) -> Path:
    """Copy the programs into the data folder, under the folder's lock; once for each version."""
    installed = programs().parent
    stamp = (installed / "bin" / "postgres").stat().st_mtime_ns
    copy = place.data_dir / f"programs-{stamp:x}"
    if not copy.exists():
        unfinished = place.data_dir / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, unfinished / part, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        for path in (unfinished / "bin").iterdir():
            path.chmod(0o755)
        unfinished.rename(copy)
    return copy / "bin"


def _let_pass(user: ServerUser, data_dir: Path) -> None:
    if _passes(user, data_dir) or user.other is None:
        return
    homes = {entry.pw_dir for entry in pwd.getpwall()}
    for folder in (*reversed(data_dir.parents), data_dir):
        if _passes(user, folder):
            continue
        if not _grant_passage(folder, user.other.pw_uid) and str(folder) not in homes:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
        if not _passes(user, folder):
            raise DatabaseRefused(
                f"PostgreSQL does not run as root but as {user.other.pw_name}, who cannot pass"
                f" through {folder}: set FILLBOOK_HOME to a folder such as /var/lib/fillbook,"
                f" or allow the passage with `chmod o+x {folder}`."
            )


def _passes(user: ServerUser, folder: Path) -> bool:
    go = ["-c", 'cd "$1"', "sh", str(folder)]
    code, _ = user.run(Path("/bin/sh"), go, seconds_max=PROBE_SECONDS_MAX)
    return code == 0


def _grant_passage(folder: Path, uid: int) -> bool:
    """Let one user pass through a folder, by its access list; False where there is none."""
    if sys.platform != "linux":
        return False
    try:
        os.setxattr(folder, ACCESS_LIST, _with_passage(_access_list(folder), uid))
    except OSError:
        return False
    return True


def _access_list(folder: Path) -> dict[tuple[int, int], int]:
    """Return the folder's access list, or what its mode amounts to."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    entries = {
        (ACL_USER_OBJ, ACL_NO_ID): mode >> 6 & 7,
        (ACL_GROUP_OBJ, ACL_NO_ID): mode >> 3 & 7,
        (ACL_OTHER, ACL_NO_ID): mode & 7,
    }
    try:
        packed = os.getxattr(folder, ACCESS_LIST)
    except OSError:
        return entries
    return {
        (tag, number): rights
        for tag, rights, number in ACL_ENTRY.iter_unpack(packed[ACL_HEADER.size :])
    }


def _with_passage(entries: dict[tuple[int, int], int], uid: int) -> bytes:
    """Return the access list, packed as the kernel wants it, in which `uid` may pass."""
    mask = (ACL_MASK, ACL_NO_ID)
    granted = entries | {(ACL_USER, uid): entries.get((ACL_USER, uid), 0) | PASS}
    granted[mask] = entries.get(mask, entries[(ACL_GROUP_OBJ, ACL_NO_ID)]) | PASS
    return ACL_HEADER.pack(ACL_VERSION) + b"".join(
        ACL_ENTRY.pack(tag, rights, number) for (tag, number), rights in sorted(granted.items())
    )
