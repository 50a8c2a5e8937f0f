"""What a benchmark plays on: a paper venue in a process of its own, and empty ledgers.

A history is decided by its settings and a fixed end, so that two venues with the same settings but
different limits serve the same history. What truly happened is asked of the venue's own books.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from http.client import HTTPConnection
from pathlib import Path
from re import compile as pattern
from urllib.parse import urlsplit

import msgspec
import psycopg

from fillbook import wiring
from fillbook.ledger import _embedded, _migrate

END = "2026-11-20T12:00:00Z"
STOP_SECONDS_MAX = 10
TRUTH_PATH = "/paper/truth"
TRUTH_SECONDS_MAX = 600
CHUNK_BYTES = 1 << 20
ID_BYTES_MAX = 256  # an id that lies across two chunks is found with this much of the first one
EXECUTION_ID = pattern(rb'"execId":"([^"]*)"')
MODULUS = 1 << 64
BOOKED = """
SELECT execution_id FROM facts.executions WHERE revision = 0
UNION ALL SELECT flow_id FROM facts.cash_flows WHERE revision = 0
"""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper venue that answers, and the key that reads its first account."""

    url: str
    key: str
    secret: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Print:
    """Which ids there are, in a few bytes, whatever their order."""

    ids: int = 0
    total: int = 0

    def __add__(self, execution_id: bytes) -> "Print":
        digest = int.from_bytes(blake2b(execution_id, digest_size=8).digest())
        return Print(self.ids + 1, (self.total + digest) % MODULUS)


@contextmanager
def paper(executions: int, *, days: int, rate: int = 0) -> Iterator[Paper]:
    """A paper venue that allows so many requests a second for each endpoint; 0 is no limit."""
    command = [sys.executable, "-m", "papervenues.bybit", "--port", "0", "--end", END]
    command += ["--days", str(days), "--executions", str(executions), "--rate", str(rate)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, f"the paper venue did not start: {' '.join(command)}"
        line = json.loads(said)
        yield Paper(line["url"], line["api_key"], line["api_secret"], line["start"], line["end"])
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS_MAX)


@dataclass(slots=True)
class Server:
    """An embedded database server with the product's settings, and as many ledgers as are asked."""

    url: str
    _made: int = 0

    def new_ledger(self) -> str:
        """The address of an empty, migrated ledger."""
        self._made += 1
        name = f"ledger_{self._made}"
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}".encode())
        url = self.url.replace("/fillbook?", f"/{name}?")
        _migrate.migrate(url, clock=wiring.now)
        return url


@contextmanager
def server() -> Iterator[Server]:
    """A server in a temporary folder, stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            yield Server(_embedded.ensure_running(folder / "postgres").url)
        finally:
            _embedded.stop(folder / "postgres")


def types_by_id(venue: Paper) -> dict[str, str]:
    """What truly happened: the type of each execution by its id."""
    body = b"".join(_truth(venue))
    rows = msgspec.json.decode(body)["executions"]
    found = {row["execId"]: row["execType"] for row in rows}
    assert len(found) == len(rows), "ids of the history are not unique"
    return found


def true_print(venue: Paper) -> Print:
    """Which executions truly happened, read in little memory."""
    found, rest = Print(), b""
    for chunk in _truth(venue):
        text, last = rest + chunk, 0
        for match in EXECUTION_ID.finditer(text):
            found += match[1]
            last = match.end()
        rest = text[max(last, len(text) - ID_BYTES_MAX) :]
    return found


def booked_ids(url: str) -> set[str]:
    """The ids of all that a ledger holds, fills and funding."""
    with psycopg.connect(url) as conn:
        found = [row[0] for row in conn.execute(BOOKED.encode()).fetchall()]
    assert len(found) == len(set(found)), "something was booked twice"
    return set(found)


def booked_print(url: str) -> Print:
    """The same in little memory."""
    found = Print()
    with psycopg.connect(url) as conn, conn.cursor("booked") as cursor:
        cursor.execute(BOOKED.encode())
        for (execution_id,) in cursor:
            found += execution_id.encode()
    return found


def _truth(venue: Paper) -> Iterator[bytes]:
    address = urlsplit(venue.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=TRUTH_SECONDS_MAX)
    connection.request("GET", TRUTH_PATH)
    with connection.getresponse() as answer:
        assert answer.status == 200, answer.status
        while chunk := answer.read(CHUNK_BYTES):
            yield chunk
    connection.close()
