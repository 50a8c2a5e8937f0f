"""`fillbook run` is gone within five seconds also where a database hangs, or nobody hears it."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

from tests.cli.command import environment
from tests.cli.test_run import STOP_SECONDS_MAX, buy, exchange, laid_after, service

CHUNK_BYTES = 1 << 16
SETTLED_SECONDS = 1.5


class Wire:
    """A port in front of a database server that may fall silent, as a machine that hangs does."""

    def __init__(self, url: str) -> None:
        """Listen; what is connected is led to the server."""
        self._server = urlsplit(url)
        self._flows = threading.Event()
        self._flows.set()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The same database, behind this wire."""
        user = self._server.netloc.rpartition("@")[0] or "postgres"
        port = self._listener.getsockname()[1]
        return urlunsplit(("postgresql", f"{user}@127.0.0.1:{port}", self._server.path, "", ""))

    def hang(self) -> None:
        """Nothing passes any more, and nothing is closed."""
        self._flows.clear()

    def close(self) -> None:
        """Close all."""
        self._flows.set()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connected()
                self._open += [client, server]
                for way in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=way, daemon=True).start()

    def _connected(self) -> socket.socket:
        folder = parse_qs(self._server.query).get("host", [""])[0]
        port = self._server.port or 5432
        if folder:
            one = socket.socket(socket.AF_UNIX)
            one.connect(f"{folder}/.s.PGSQL.{port}")
            return one
        return socket.create_connection((self._server.hostname or "127.0.0.1", port))

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._flows.wait()
                target.sendall(chunk)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def wired(url: str) -> Iterator[Wire]:
    """A wire in front of a server."""
    wire = Wire(url)
    try:
        yield wire
    finally:
        wire.close()


@pytest.mark.parametrize("words", [(), ("--serve", "--port", "0")], ids=["alone", "serving"])
def test_stopped_while_the_database_hangs(
    tmp_path: Path, database_url: str, words: tuple[str, ...]
) -> None:
    """It neither answers nor closes: nobody waits for the queries that it owes."""
    with (
        exchange() as (_, given),
        wired(database_url) as wire,
        service(tmp_path, given | {"DATABASE_URL": wire.url}, *words) as one,
    ):
        one.until("bybit: live")
        wire.hang()
        time.sleep(SETTLED_SECONDS)
        code, took = one.end()

    assert code == 0
    assert took < STOP_SECONDS_MAX


def test_stopped_before_the_database_ever_answered(tmp_path: Path, database_url: str) -> None:
    """The thread that prepares it may take as long as it likes: it is not waited for."""
    given = {"BYBIT_API_KEY": "somekey1234567", "BYBIT_API_SECRET": "somesecret1234567"}
    with wired(database_url) as wire:
        wire.hang()
        with service(tmp_path, given | {"DATABASE_URL": wire.url}) as one:
            one.until("The service runs")
            time.sleep(SETTLED_SECONDS)
            code, took = one.end()

    assert code == 0
    assert took < STOP_SECONDS_MAX


def test_a_pipe_that_nobody_reads_stops_nothing(tmp_path: Path, database_url: str) -> None:
    """The reader is gone from the start: fills are booked, and the end is an ordinary one."""
    reading, writing = os.pipe()
    os.close(reading)
    with exchange() as (line, given):
        process = subprocess.Popen(
            [sys.executable, "-m", "fillbook", "run", "--serve", "--port", "0"],
            env=environment(tmp_path, given | {"DATABASE_URL": database_url}),
            cwd=tmp_path,
            stdout=writing,
            stderr=subprocess.STDOUT,
        )
        os.close(writing)
        try:
            laid_after(database_url, buy(line))
            process.terminate()
            code = process.wait(timeout=STOP_SECONDS_MAX)
        finally:
            process.kill()
            process.wait(timeout=STOP_SECONDS_MAX)

    assert code == 0
