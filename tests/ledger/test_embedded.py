"""The embedded server starts, is joined, and comes back after whatever kills it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from fillbook.errors import DatabaseRefused
from fillbook.ledger._embedded import EmbeddedServer, ensure_running, programs, status, stop
from fillbook.ledger._folder_lock import folder_lock
from fillbook.ledger._place import place_at
from fillbook.ledger._postmaster import find_postmaster
from fillbook.ledger._server_user import _copied_programs, server_user

FAST = {"fsync": "off"}
WAIT_SECONDS_MAX = 30
STARTER = """
import sys, time
from pathlib import Path
from fillbook.ledger._embedded import ensure_running
server = ensure_running(Path(sys.argv[1]), settings={'fsync': 'off'})
print(server.pid, server.started_now, flush=True)
time.sleep(float(sys.argv[2]))
"""


def ask(url: str, query: bytes) -> object:
    """Ask the database one thing."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query).fetchone()
        return row[0] if row else None


@contextmanager
def starter(data_dir: Path, *, linger_seconds: float = 0) -> Iterator[subprocess.Popen[str]]:
    """Run a process that starts or joins the server, then lingers."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(data_dir), str(linger_seconds)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def kill_server(pid: int) -> None:
    """Kill the server without notice, and wait until it is gone."""
    process = psutil.Process(pid)
    process.kill()
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_created_joined_stopped(data_dir: Path) -> None:
    """The first call creates and starts, the second joins, stop ends it, and data stay."""

    assert (status(data_dir).created, status(data_dir).running) == (False, False)
    first = ensure_running(data_dir, settings=FAST)
    assert (first.started_now, first.version.partition(".")[0]) == (True, "18")
    with psycopg.connect(first.url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS value")
    second = ensure_running(data_dir)
    assert (first.pid, first.url, False) == (second.pid, second.url, second.started_now)
    found = status(data_dir)
    assert (True, True, first.url, first.pid) == (
        found.created,
        found.running,
        found.url,
        found.pid,
    )
    assert (stop(data_dir), stop(data_dir)) == (True, False)
    assert (status(data_dir).created, status(data_dir).running) == (True, False)
    third = ensure_running(data_dir, settings=FAST)
    assert (third.started_now, ask(third.url, b"SELECT value FROM kept")) == (True, 7)


def test_any_client_can_use_the_address(data_dir: Path) -> None:
    """Psql understands the address, whatever PGPORT and PGHOST say, and no TCP port is open."""

    server = ensure_running(data_dir, settings=FAST)
    said = subprocess.run(
        [programs() / "psql", "-X", "-At", server.url, "-c", "SELECT current_database()"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PGPORT": "1", "PGHOST": "example.invalid"},
    )
    assert said.stdout.strip() == "fillbook"
    assert psutil.Process(server.pid).net_connections("inet") == []


def test_settings_hold_and_owners_tuning_wins(data_dir: Path) -> None:
    """Durable settings hold from the first start on; ALTER SYSTEM stays after a restart."""

    server = ensure_running(data_dir)
    durable = [b"fsync", b"synchronous_commit", b"full_page_writes"]
    assert [ask(server.url, b"SHOW " + name) for name in durable] == ["on"] * 3
    assert [
        ask(server.url, b"SHOW " + name) for name in (b"jit", b"timezone", b"max_wal_size")
    ] == ["off", "UTC", "512MB"]
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET work_mem = '32MB'")
    stop(data_dir)
    again = ensure_running(data_dir, settings={**FAST, "max_wal_size": "256MB"})
    assert [
        ask(again.url, b"SHOW work_mem"),
        ask(again.url, b"SHOW max_wal_size"),
    ] == ["32MB", "256MB"]


def test_three_processes_at_once(data_dir: Path) -> None:
    """Of three processes that find an empty folder one starts the server and all get the same."""

    with starter(data_dir) as a, starter(data_dir) as b, starter(data_dir) as c:
        said = [process.communicate(timeout=WAIT_SECONDS_MAX)[0].split() for process in (a, b, c)]
    assert len({pid for pid, _ in said}) == 1
    assert sorted(started for _, started in said) == ["False", "False", "True"]


def test_outlives_its_starter(data_dir: Path) -> None:
    """Kill -9 of the process that started the server leaves the server running."""

    with starter(data_dir, linger_seconds=60) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline().split()[0])
        process.kill()
        process.wait()
    joined = ensure_running(data_dir)
    assert (pid, False, 1) == (joined.pid, joined.started_now, ask(joined.url, b"SELECT 1"))


@pytest.mark.slow
@pytest.mark.parametrize("pause_seconds", [0.0, 0.1, 0.3, 0.6])
def test_starter_killed_during_creation(data_dir: Path, pause_seconds: float) -> None:
    """Kill -9 at any time of the first second leaves a folder that the next start can use."""

    with starter(data_dir, linger_seconds=60) as process:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not list(data_dir.glob("cluster*")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(pause_seconds)
        process.kill()
        process.wait()
    server = ensure_running(data_dir, settings=FAST)
    assert ask(server.url, b"SELECT 1") == 1
    assert list(data_dir.glob("cluster.new-*")) == []


def test_server_killed(data_dir: Path) -> None:
    """After kill -9 of the server the next call starts it, and what was committed is there."""

    first = ensure_running(data_dir, settings=FAST)
    with psycopg.connect(first.url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS value")
    kill_server(first.pid)
    assert not status(data_dir).running
    second = ensure_running(data_dir, settings=FAST)
    assert (second.started_now, ask(second.url, b"SELECT value FROM kept")) == (True, 7)


@pytest.mark.slow
def test_server_killed_under_a_busy_query(data_dir: Path) -> None:
    """Orphans that hold the shared memory of a killed server do not stop the next start."""

    first = ensure_running(data_dir, settings=FAST)
    with psycopg.connect(first.url, autocommit=True) as conn, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(conn.execute, b"SELECT count(*) FROM generate_series(1, 1000000000)")
        time.sleep(0.3)
        kill_server(first.pid)
        second = ensure_running(data_dir, settings=FAST)
        assert (second.started_now, ask(second.url, b"SELECT 1")) == (True, 1)
        assert isinstance(busy.exception(WAIT_SECONDS_MAX), psycopg.OperationalError)


@pytest.mark.parametrize("first_line", ["{own}", "-{own}", "999999", "", "rubbish"])
def test_stale_claim(data_dir: Path, first_line: str) -> None:
    """A postmaster.pid of a crash is seen through: even one that names a living process."""

    server = ensure_running(data_dir, settings=FAST)
    claim = place_at(data_dir).cluster / "postmaster.pid"
    lines = claim.read_text().splitlines()
    stop(data_dir)
    lines[0] = first_line.format(own=os.getpid())
    claim.write_text("\n".join(lines) + "\n")
    claim.chmod(0o600)
    server_user(place_at(data_dir)).own(claim)
    again = ensure_running(data_dir, settings=FAST)
    assert (again.started_now, again.pid != server.pid) == (True, True)


def test_stop_while_somebody_works(data_dir: Path) -> None:
    """Stop does not wait for others; their transaction is rolled back and the data are whole."""

    server = ensure_running(data_dir, settings=FAST)
    with psycopg.connect(server.url) as conn:
        conn.execute("CREATE TABLE kept (value int)")
        conn.commit()
        conn.execute("INSERT INTO kept VALUES (1)")
        assert stop(data_dir)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    again = ensure_running(data_dir, settings=FAST)
    assert ask(again.url, b"SELECT count(*) FROM kept") == 0


def test_waits_for_who_works_on_the_folder(data_dir: Path) -> None:
    """Nothing is started while another process holds the folder's lock."""

    data_dir.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with folder_lock(place_at(data_dir).lock, seconds_max=1):
            starting = pool.submit(ensure_running, data_dir, settings=FAST)
            time.sleep(0.3)
            assert not starting.done()
            assert find_postmaster(place_at(data_dir).cluster) is None
        assert isinstance(starting.result(WAIT_SECONDS_MAX), EmbeddedServer)


def test_other_major_version_is_refused(data_dir: Path) -> None:
    """Data of another major version are named and left alone, with the way out."""

    ensure_running(data_dir, settings=FAST)
    stop(data_dir)
    mark = place_at(data_dir).cluster / "PG_VERSION"
    mark.write_text("17\n")
    with pytest.raises(
        DatabaseRefused, match=r"written by PostgreSQL 17 .* brings 18: .* db restore"
    ):
        ensure_running(data_dir, settings=FAST)
    mark.write_text("18\n")
    assert ensure_running(data_dir, settings=FAST).started_now


def test_foreign_folder_is_refused(data_dir: Path) -> None:
    """A folder that holds something else is not overwritten."""

    (data_dir / "cluster").mkdir(parents=True)
    (data_dir / "cluster" / "thesis.txt").write_text("mine")
    with pytest.raises(DatabaseRefused, match="not a database"):
        ensure_running(data_dir)
    assert (data_dir / "cluster" / "thesis.txt").read_text() == "mine"


def test_unusable_folder_is_said(tmp_path: Path) -> None:
    """A path that cannot be a folder is named, with what to do."""

    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseRefused, match=r"file.*set FILLBOOK_HOME"):
        ensure_running(tmp_path / "file" / "db")


def test_long_path(data_dir: Path) -> None:
    """A path too long for a socket works: the socket lies elsewhere, and goes with the server."""

    deep = data_dir.joinpath(*["a-rather-long-name"] * 6)
    try:
        server = ensure_running(deep, settings=FAST)
        assert ask(server.url, b"SELECT 1") == 1
        assert str(deep) not in server.url
        assert server.url == status(deep).url
        assert place_at(deep).socket_dir.exists()
    finally:
        stop(deep)
    assert not place_at(deep).socket_dir.exists()


def test_strange_path(data_dir: Path) -> None:
    """A path with blanks, quotes, commas and letters from elsewhere works."""

    strange = data_dir / 'it\'s, "mine" & ünlike 100% $(touch ran) `touch ran`'
    try:
        assert ask(ensure_running(strange, settings=FAST).url, b"SELECT 1") == 1
    finally:
        stop(strange)


def test_moved_folder(data_dir: Path) -> None:
    """A stopped folder may be moved."""

    ensure_running(data_dir, settings=FAST)
    stop(data_dir)
    moved = data_dir.with_name("moved")
    data_dir.rename(moved)
    try:
        assert ask(ensure_running(moved, settings=FAST).url, b"SELECT 1") == 1
    finally:
        stop(moved)
        moved.rename(data_dir)


def test_only_the_servers_user_passes(as_root: None, data_dir: Path) -> None:
    """As root, a closed parent is opened to the server's user alone, and to nobody else."""

    data_dir.parent.chmod(0o700)
    server = ensure_running(data_dir, settings=FAST)
    assert data_dir.parent.stat().st_mode & 0o007 == 0
    assert psutil.Process(server.pid).uids().real != 0
    assert Path(place_at(data_dir).run_dir).stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_programs_out_of_reach_are_copied(as_root: None, data_dir: Path) -> None:
    """A copy of the programs, made for a user who cannot read the installed ones, starts."""

    ensure_running(data_dir, settings=FAST)
    place = place_at(data_dir)
    copy = _copied_programs(place)
    code, said = server_user(place).run(copy / "postgres", ["--version"], seconds_max=30)
    assert (code, "(PostgreSQL) 18" in said) == (0, True)
    assert copy == _copied_programs(place)


@pytest.mark.slow
def test_full_disk_is_said(as_root: None, data_dir: Path) -> None:
    """On a full disk nothing is begun, and the message says how much to free."""

    data_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(data_dir)]
    subprocess.run(mount, check=True)
    try:
        with pytest.raises(DatabaseRefused, match="is full: free at least"):
            ensure_running(data_dir)
        subprocess.run(["mount", "-o", "remount,size=400m", str(data_dir)], check=True)
        server = ensure_running(data_dir, settings=FAST)
        stop(data_dir)
        _fill(data_dir / "ballast")
        with pytest.raises(DatabaseRefused, match="is full"):
            ensure_running(data_dir, settings=FAST)
        (data_dir / "ballast").unlink()
        assert ask(ensure_running(data_dir, settings=FAST).url, b"SELECT 1") == 1
        assert server.started_now
    finally:
        stop(data_dir)
        subprocess.run(["umount", str(data_dir)], check=True)


def _fill(path: Path) -> None:
    """Write until the disk is full."""

    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    assert shutil.disk_usage(path.parent).free == 0
