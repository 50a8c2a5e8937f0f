"""The pooler of compose.yaml, started by its own script: the way of the containers, without any."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.servers import debian_postgres
from tests.tidy.source import ROOT

pytestmark = pytest.mark.debian

PASSWORD = 'odd "password" with : / @ % and ä'
WAIT_SECONDS_MAX = 20


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def pooler(folder: Path, socket_folder: Path) -> Iterator[int]:
    """deploy/pgbouncer/start on loopback, as the user that owns the server's socket."""
    port, owner = _free_port(), pwd.getpwuid(socket_folder.stat().st_uid)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/bin", "POSTGRES_HOST": str(socket_folder),
        "POSTGRES_DB": "trading_db", "POSTGRES_USER": "trading_user",
        "POSTGRES_PASSWORD": PASSWORD, "LISTEN_ADDRESS": "127.0.0.1", "LISTEN_PORT": str(port),
        "SETTINGS_FOLDER": str(folder),
    }  # fmt: skip
    root = os.geteuid() == 0
    process = subprocess.Popen(
        ["/bin/sh", str(ROOT / "deploy" / "pgbouncer" / "start")],
        env=environment, cwd="/", stderr=subprocess.DEVNULL,
        user=owner.pw_uid if root else None, group=owner.pw_gid if root else None,
        extra_groups=() if root else None,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not _answers(port):
            assert process.poll() is None and time.monotonic() < deadline  # noqa: PT018
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(WAIT_SECONDS_MAX)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the service of compose.yaml is told, with addresses that lead to real servers."""
    parent = Path(tempfile.mkdtemp(prefix="fb-"))
    parent.chmod(0o755)
    try:
        with debian_postgres(parent / "postgres") as url:
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute("SET password_encryption = 'scram-sha-256'")
                quoted = PASSWORD.replace("'", "''")
                conn.execute(f"CREATE USER trading_user PASSWORD '{quoted}'".encode())
                conn.execute("CREATE DATABASE trading_db OWNER trading_user ENCODING 'UTF8'")
            owner = (parent / "postgres").stat()
            (parent / "pooler").mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(parent / "pooler", owner.st_uid, owner.st_gid)
            with pooler(parent / "pooler", parent / "postgres") as port:
                host = urlsplit(url).query
                yield {
                    "PATH": os.environ["PATH"],
                    "HOME": str(tmp_path),
                    "FILLBOOK_HOME": str(tmp_path / "home"),
                    "DATABASE_URL": f"postgresql://trading_user@127.0.0.1:{port}/trading_db",
                    "DATABASE_DIRECT_URL": f"postgresql://trading_user@/trading_db?{host}",
                    "PGPASSWORD": PASSWORD,
                    # Debian 12's pgbouncer is older than the image's.
                    "FILLBOOK_DATABASE_PREPARE": "false",
                }
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def main_py(*words: str, given: dict[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """What a container runs."""
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *words], check=False, capture_output=True,
        text=True, cwd=folder, env=given, timeout=90,
    )  # fmt: skip


def test_the_containers_commands_work_through_the_pooler(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """Migrate on the direct address, ask and back up; a password may have any character."""
    migrated = main_py("db", "migrate", given=settings, folder=tmp_path)
    again = main_py("db", "migrate", given=settings, folder=tmp_path)
    asked = main_py("stats", given=settings, folder=tmp_path)
    saved = main_py("db", "backup", "--keep", "2", given=settings, folder=tmp_path)

    assert (0, "") == (migrated.returncode, migrated.stderr)
    assert "The schema is up to date.\n" == again.stdout
    assert (0, 0) == (asked.returncode, saved.returncode), asked.stderr + saved.stderr
    (backup,) = (tmp_path / "home" / "backups").glob("fillbook-*.tar")
    assert f"{backup}: " in saved.stdout


def test_another_password_is_refused(settings: dict[str, str], tmp_path: Path) -> None:
    """The pooler asks everybody for the password, though the server behind it may not."""
    refused = main_py("db", "status", given=settings | {"PGPASSWORD": "x"}, folder=tmp_path)
    direct = settings | {"PGPASSWORD": "x", "DATABASE_DIRECT_URL": settings["DATABASE_URL"]}
    pooled = main_py("db", "status", given=direct, folder=tmp_path)

    assert 0 == refused.returncode  # the direct way, where this server trusts its own user
    assert 1 == pooled.returncode
    assert "does not accept this user or password" in pooled.stderr
