"""Other servers for the tests: Debian's PostgreSQL, and pgbouncer in front of any server.

As a script it starts one and prints its address until it is interrupted:

    python -m tests.servers postgres
    python -m tests.servers pgbouncer postgresql://...

so that `FILLBOOK_TEST_DATABASE_URL` can point a whole test run at it.
"""

import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import psycopg
from psycopg.conninfo import conninfo_to_dict

from fillbook.ledger._server_user import ServerUser

DEBIAN_BIN = Path("/usr/lib/postgresql/15/bin")
UNPRIVILEGED = "postgres"  # made by Debian's package
START_SECONDS_MAX = 30


class MissingProgramError(AssertionError):
    """A program that these tests need is not installed."""


@contextmanager
def debian_postgres(folder: Path) -> Iterator[str]:
    """Run Debian's PostgreSQL 15 in an empty folder; yields its address on a unix socket."""
    if not (DEBIAN_BIN / "initdb").exists():
        raise MissingProgramError("Install PostgreSQL 15: apt-get install postgresql-15")
    user = _unprivileged(DEBIAN_BIN)
    folder.mkdir(mode=0o700, exist_ok=True)
    user.own(folder)
    data = folder / "data"
    make = ["-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    _must(user.run("initdb", [*make, "--auth=trust"], seconds_max=START_SECONDS_MAX))
    options = f"-c fsync=off -c listen_addresses= -c unix_socket_directories={folder}"
    start = ["-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start"]
    _must(user.run("pg_ctl", start, seconds_max=START_SECONDS_MAX))
    try:
        yield f"postgresql://postgres@:5432/postgres?host={folder}"
    finally:
        stop = ["-D", str(data), "-m", "immediate", "-w", "stop"]
        _must(user.run("pg_ctl", stop, seconds_max=START_SECONDS_MAX))


@contextmanager
def pgbouncer(target: str, folder: Path, *, pool_mode: str = "transaction") -> Iterator[str]:
    """Run pgbouncer before the server at `target` (a unix socket); yields the pooled address."""
    program = which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise MissingProgramError("Install pgbouncer: apt-get install pgbouncer")
    parts = conninfo_to_dict(target)
    socket_dir = Path(str(parts["host"]))
    # The server's folder is closed to others, so pgbouncer runs as the same user.
    owner = pwd.getpwuid(socket_dir.stat().st_uid)
    user = ServerUser(bin_dir=Path(program).parent, other=owner if os.geteuid() == 0 else None)
    folder.mkdir(mode=0o700, exist_ok=True)
    port = _free_port()
    config = folder / "pgbouncer.ini"
    config.write_text(_pgbouncer_config(socket_dir, folder, port=port, pool_mode=pool_mode))
    (folder / "users.txt").write_text('"postgres" ""\n')
    for path in (folder, config, folder / "users.txt"):
        user.own(path)
    process = subprocess.Popen(
        [program, "-q", str(config)],
        user=owner.pw_uid if user.other else None,
        group=owner.pw_gid if user.other else None,
        extra_groups=() if user.other else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/{parts['dbname']}"
        _wait_for(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS_MAX)


def _pgbouncer_config(socket_dir: Path, folder: Path, *, port: int, pool_mode: str) -> str:
    return f"""\
[databases]
* = host={socket_dir} port=5432

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = {pool_mode}
default_pool_size = 5
logfile = {folder}/log
pidfile =
"""


def _unprivileged(bin_dir: Path) -> ServerUser:
    if os.geteuid() != 0:
        return ServerUser(bin_dir=bin_dir)
    return ServerUser(bin_dir=bin_dir, other=pwd.getpwnam(UNPRIVILEGED))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _must(done: tuple[int, str]) -> None:
    code, said = done
    assert code == 0, said


def _main(arguments: list[str]) -> None:
    kind, *rest = arguments or [""]
    with tempfile.TemporaryDirectory(prefix="fillbook-server-") as temporary:
        Path(temporary).chmod(0o755)
        folder = Path(temporary) / "server"
        running = debian_postgres(folder) if kind == "postgres" else pgbouncer(rest[0], folder)
        with running as url:
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    _main(sys.argv[1:])
