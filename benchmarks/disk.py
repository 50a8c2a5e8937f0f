"""Bytes on disk and in the write-ahead log for each execution, after a real backfill (P16).

Run: `python -m benchmarks.disk [EXECUTIONS]`. A whole sync books a paper venue's history; then
every table and index is measured, and the log from the first page to the last proof. The book is
verified before a figure is printed.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import psycopg

from benchmarks.backfill import paper_venue
from benchmarks.measured import report
from fillbook import wiring
from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import _embedded, _migrate, accounts
from fillbook.ledger._pool import open_pool
from fillbook.ledger.verify import verify
from fillbook.sync.engine import Engine
from fillbook.venues.bybit import connect
from fillbook.wiring import logs

EXECUTIONS = 60_000
SHOWN_MIN = 10  # bytes for each execution; smaller relations are summed up as the rest

WAL_AT = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
SIZES = """
SELECT n.nspname || '.' || c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('facts', 'ops', 'derived') AND c.relkind = 'r'
ORDER BY pg_total_relation_size(c.oid) DESC
"""


def main(executions: int) -> None:
    """Measure and report."""
    logs.log_to_console()
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as folder:
        Path(folder).chmod(0o755)
        server = _embedded.ensure_running(Path(folder) / "postgres")
        try:
            _migrate.migrate(server.url, clock=wiring.now)
            empty, before = _sizes(server.url), _wal_at(server.url)
            booked = asyncio.run(_backfill(server.url, executions))
            figures = _figures(server.url, booked, empty)
            figures["wal_bytes"] = round((_wal_at(server.url) - before) / booked)
            report("bytes for each execution", {"executions": booked, **figures})
        finally:
            _embedded.stop(Path(folder) / "postgres")


async def _backfill(url: str, executions: int) -> int:
    with paper_venue(executions) as paper:
        async with open_pool(url) as pool:
            venue = connect(
                key=paper["api_key"],
                secret=paper["api_secret"],
                clock=wiring.now,
                base_url=paper["url"],
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
            window = Window(from_milliseconds(paper["start"]), from_milliseconds(paper["end"] + 1))
            passed = await Engine(pool, venue, account, wiring.now).sync("backfill", window)
            await venue.close()
            verified = await verify(pool, account.account_id, wiring.parser_of(account))
            assert verified.ok, verified.findings
            return passed.run.booked.executions_new


def _figures(url: str, executions: int, empty: dict[str, tuple[int, int]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    total = rest = 0
    for table, (heap, indexes) in _sizes(url).items():
        grown = heap - empty[table][0], indexes - empty[table][1]
        total += sum(grown)
        if sum(grown) < SHOWN_MIN * executions:
            rest += sum(grown)
            continue
        figures[table] = f"{round(grown[0] / executions)} + {round(grown[1] / executions)} indexes"
    return figures | {"rest": round(rest / executions), "disk_bytes": round(total / executions)}


def _sizes(url: str) -> dict[str, tuple[int, int]]:
    with psycopg.connect(url) as conn:
        return {table: (heap, indexes) for table, heap, indexes in conn.execute(SIZES).fetchall()}


def _wal_at(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(WAL_AT).fetchone()
        assert row is not None
        return int(row[0])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXECUTIONS)
