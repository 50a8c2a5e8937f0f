"""Backfill from a venue without a limit, beside a bare COPY of the same rows into the same tables.

Run: `python -m benchmarks.backfill [EXECUTIONS]`. The book is verified before a figure is printed.
The yardstick copies every row that the backfill wrote, all tables and indexes, into a second,
equally migrated database of the same server.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.measured import report
from fillbook import wiring
from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import _embedded, _migrate, accounts
from fillbook.ledger._pool import open_pool
from fillbook.ledger.verify import verify
from fillbook.sync.engine import Engine, Passed
from fillbook.venues.bybit import connect
from fillbook.wiring import logs

DAYS = 90
EXECUTIONS = 60_000
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('facts', 'ops', 'derived') AND tablename <> 'schema_migrations'
ORDER BY 1
"""


def main(executions: int) -> None:
    """Measure and report."""
    logs.log_to_console()
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as folder:
        Path(folder).chmod(0o755)
        server = _embedded.ensure_running(Path(folder) / "postgres")
        try:
            asyncio.run(_measure(server.url, executions))
        finally:
            _embedded.stop(Path(folder) / "postgres")


async def _measure(url: str, executions: int) -> None:
    _migrate.migrate(url, clock=wiring.now)
    with paper_venue(executions) as paper:
        passed = await _backfill(url, paper)
    seconds = passed.seconds.total_seconds()
    booked = passed.run.booked.executions_new
    copied, bytes_used = _bare_copy(url)
    report(
        "backfill",
        {
            "executions": booked,
            "requests": passed.run.requests,
            "seconds": round(seconds, 2),
            "executions_a_second": round(booked / seconds),
            "bare_copy_seconds": round(copied, 2),
            "of_bare_copy_percent": round(100 * copied / seconds, 1),
            "bytes_per_execution_on_disk": round(bytes_used / booked),
        },
    )


@contextmanager
def paper_venue(executions: int) -> Iterator[dict[str, Any]]:
    """A paper venue in a process of its own, as a real venue would be."""
    command = [sys.executable, "-m", "papervenues.bybit", "--port", "0", "--days", str(DAYS)]
    command += ["--executions", str(executions), "--end", "2026-11-20T12:00:00Z"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)


async def _backfill(url: str, paper: dict[str, Any]) -> Passed:
    async with open_pool(url) as pool:
        venue = connect(
            key=paper["api_key"],
            secret=paper["api_secret"],
            clock=wiring.now,
            base_url=paper["url"],
            streams=("executions",),  # the others are measured elsewhere
            categories=("linear",),
        )
        key = await venue.key_facts()
        account = await accounts.find_or_add(
            pool,
            name="bench",
            venue="bybit",
            environment="paper",
            venue_user_id=key.venue_user_id,
            now=wiring.now(),
        )
        start, end = from_milliseconds(paper["start"]), from_milliseconds(paper["end"] + 1)
        passed = await Engine(pool, venue, account, wiring.now).sync("backfill", Window(start, end))
        await venue.close()
        verified = await verify(pool, account.account_id, wiring.parser_of(account))
        assert verified.ok, verified.findings
        return passed


def _bare_copy(url: str) -> tuple[float, int]:
    """Copy every row into a second database; returns the seconds of writing, and the bytes."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE bare")
        size = conn.execute("SELECT pg_database_size(current_database())").fetchone()
        empty_url = url.replace("/fillbook?", "/bare?")
        _migrate.migrate(empty_url, clock=wiring.now)
        tables = [row[0] for row in conn.execute(TABLES).fetchall()]
        seconds = 0.0
        with psycopg.connect(empty_url) as bare:
            empty = bare.execute("SELECT pg_database_size(current_database())").fetchone()
            for table in tables:
                rows = _out(conn, table)
                started = time.perf_counter()
                with bare.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
                    copy.write(rows)
                bare.commit()
                seconds += time.perf_counter() - started
    assert size is not None
    assert empty is not None
    return seconds, size[0] - empty[0]


def _out(conn: "psycopg.Connection[Any]", table: str) -> bytes:
    with conn.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
        return b"".join(bytes(part) for part in copy)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXECUTIONS)
