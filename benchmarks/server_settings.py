"""The embedded server's settings beside PostgreSQL's defaults, for the work that a ledger makes.

Run: `python -m benchmarks.server_settings [EXECUTIONS]`. Two servers hold the same history, one
with the product's settings and one with the defaults of what they change for speed; what they
change for safety is on in both. Each rebuilds the book several times, in turns. The hashes must
agree.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.booked import Ledger, book_history
from benchmarks.measured import report
from fillbook import wiring
from fillbook.ledger import _embedded, _migrate
from fillbook.ledger._pool import open_pool
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.rebuild import rebuild
from fillbook.wiring import logs

EXECUTIONS = 100_000
ROUNDS = 3
DEFAULTS = {
    "wal_compression": "off", "max_wal_size": "1GB", "shared_buffers": "128MB", "work_mem": "4MB",
    "maintenance_work_mem": "64MB", "effective_cache_size": "4GB", "random_page_cost": "4",
    "jit": "on",
}  # fmt: skip


def main(executions: int) -> None:
    """Measure and report."""
    logs.log_to_console()
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        kinds: dict[str, dict[str, str]] = {"ours": {}, "defaults": DEFAULTS}
        try:
            asyncio.run(_measure(folder, kinds, executions))
        finally:
            for kind in kinds:
                _embedded.stop(folder / kind)


async def _measure(folder: Path, kinds: dict[str, dict[str, str]], executions: int) -> None:
    ledgers: dict[str, Ledger] = {}
    for kind, settings in kinds.items():
        url = _embedded.ensure_running(folder / kind, settings=settings).url
        _migrate.migrate(url, clock=wiring.now)
        async with open_pool(url) as pool:
            ledgers[kind] = await book_history(pool, url, executions)
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    wal: dict[str, list[int]] = {kind: [] for kind in kinds}
    hashes = set()
    for _ in range(ROUNDS):
        for kind, ledger in ledgers.items():
            before, started = _wal_position(ledger.url), time.perf_counter()
            async with open_pool(ledger.url) as pool:
                await rebuild(pool, ledger.account_id, now=wiring.now())
                seconds[kind].append(time.perf_counter() - started)
                wal[kind].append(_wal_position(ledger.url) - before)
                hashes.add(await ledger_hash(pool, ledger.account_id))
    assert len(hashes) == 1, "the two servers hold different books"
    ours, defaults = median(seconds["ours"]), median(seconds["defaults"])
    report(
        "server settings",
        {
            "executions": executions,
            "rebuild_seconds_ours": round(ours, 2),
            "rebuild_seconds_defaults": round(defaults, 2),
            "ours_of_defaults": round(ours / defaults, 2),
            "wal_bytes_per_execution_ours": round(median(wal["ours"]) / executions),
            "wal_bytes_per_execution_defaults": round(median(wal["defaults"]) / executions),
        },
    )


def _wal_position(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone()
    assert row is not None
    position: int = row[0]
    return position


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXECUTIONS)
