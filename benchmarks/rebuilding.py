"""Rebuilding derived state from facts, beside a bare COPY of the same rows; and memory (P11).

The yardstick copies the facts out and every derived row into an empty table of the same columns and
indexes, in the same database, through a file, so that nothing is held in memory. A rebuild runs in
a process of its own, whose peak of resident memory is read when it ends.

`python -m benchmarks.rebuilding WORK URL ACCOUNT` is that process; WORK is `rebuild` or `verify`.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import IO

import psycopg
from psycopg import sql

from benchmarks.booked import BOOKED_AT, Ledger
from fillbook.ledger._pool import open_pool
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import verify
from fillbook.venues.bybit.parse import parse_record

FACTS = ("executions", "cash_flows")
DERIVED = """
SELECT tablename FROM pg_tables WHERE schemaname = 'derived' ORDER BY tablename
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process took."""

    seconds: float
    peak_mib: int


def in_own_process(work: str, ledger: Ledger) -> Ran:
    """Rebuild or verify in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.rebuilding", work]
    command += [ledger.url, str(ledger.account_id)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{work} failed:\n{done.stderr}")
    return Ran(**json.loads(done.stdout))


def bare_copy(url: str) -> float:
    """Seconds to copy the facts out and the derived rows in."""
    with psycopg.connect(url, autocommit=True) as conn, tempfile.TemporaryFile() as file:
        started = time.perf_counter()
        for table in FACTS:
            _copy_out(conn, sql.Identifier("facts", table), file)
        seconds = time.perf_counter() - started
        conn.execute("CREATE SCHEMA bare")
        for (table,) in conn.execute(DERIVED).fetchall():
            _copy_out(conn, sql.Identifier("derived", table), file)
            seconds += _copy_in(conn, table, file)
        conn.execute("DROP SCHEMA bare CASCADE")
    return seconds


def _copy_out(
    conn: "psycopg.Connection[tuple[object, ...]]", table: sql.Identifier, file: IO[bytes]
) -> None:
    file.seek(0)
    file.truncate()
    statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(table)
    with conn.cursor().copy(statement) as copy:
        for part in copy:
            file.write(part)


def _copy_in(conn: "psycopg.Connection[tuple[object, ...]]", table: str, file: IO[bytes]) -> float:
    laid, bare = sql.Identifier("derived", table), sql.Identifier("bare", table)
    conn.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(bare, laid))
    file.seek(0)
    started = time.perf_counter()
    with conn.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(bare)) as copy:
        while part := file.read(1 << 18):
            copy.write(part)
    seconds = time.perf_counter() - started
    conn.execute(sql.SQL("DROP TABLE {}").format(bare))
    return seconds


async def _run(work: str, url: str, account_id: int) -> None:
    started = time.perf_counter()
    async with open_pool(url, max_size=1) as pool:
        if work == "rebuild":
            assert await rebuild(pool, account_id, now=BOOKED_AT), "nothing was laid"
        else:
            verified = await verify(pool, account_id, parse_record)
            assert verified.ok, verified.findings
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": round(seconds, 2), "peak_mib": peak}))


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
