"""The ledger as it grows: rebuild, incremental sync, positions as of any instant, and memory.

Run: `python -m benchmarks.ledger [EXECUTIONS]`. Two ledgers lie on one embedded server with the
product's own settings: one of SMALL executions, and one of as many as are asked for. What is
compared between the two is measured in turn. A made history fills them (see `history`); before a
figure is printed, the books are compared with sums of the facts, and up to VERIFIED_MAX executions
`verify` recomputes everything.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg

from benchmarks import as_of, incremental, rebuilding
from benchmarks.booked import Ledger, book_history
from benchmarks.measured import report
from fillbook import wiring
from fillbook.ledger import _embedded, _migrate
from fillbook.ledger._pool import Pool, open_pool
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.wiring import logs

SMALL = 100_000
EXECUTIONS = 1_000_000
VERIFIED_MAX = 1_000_000

Opened = tuple[Pool, Ledger]


def main(executions: int) -> None:
    """Measure and report."""
    logs.log_to_console()
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as folder:
        Path(folder).chmod(0o755)
        server = _embedded.ensure_running(Path(folder) / "postgres")
        try:
            asyncio.run(_measure(server.url, sorted({SMALL, executions})))
        finally:
            _embedded.stop(Path(folder) / "postgres")


async def _measure(url: str, sizes: Sequence[int]) -> None:
    async with AsyncExitStack() as stack:
        opened = []
        for size in sizes:
            pool, ledger = await stack.enter_async_context(_ledger(url, f"bench_{size}", size))
            _rebuild(ledger, size)
            await as_of.check(pool, ledger, None)
            opened.append((pool, ledger))
        await _positions(opened, sizes)
        await _incremental(opened, sizes)


@asynccontextmanager
async def _ledger(url: str, database: str, executions: int) -> AsyncIterator[Opened]:
    """A ledger in a database of its own, full but not laid."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {database}".encode())
    own = url.replace("/fillbook?", f"/{database}?")
    _migrate.migrate(own, clock=wiring.now)
    async with open_pool(own, max_size=1) as pool:
        ledger = await book_history(pool, own, executions)
        _settle(own)
        yield pool, ledger


def _settle(url: str) -> None:
    """What a server at rest has done by itself."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM (ANALYZE)")
        conn.execute("CHECKPOINT")


def _rebuild(ledger: Ledger, size: int) -> None:
    """P11: the first time there is nothing to drop, the second time there is."""
    first = rebuilding.in_own_process("rebuild", ledger)
    _settle(ledger.url)
    copied = rebuilding.bare_copy(ledger.url)
    again = rebuilding.in_own_process("rebuild", ledger)
    _settle(ledger.url)
    figures: dict[str, object] = {
        "executions": size,
        "bare_copy_seconds": round(copied, 2),
        "lay_seconds": first.seconds,
        "rebuild_seconds": again.seconds,
        "lay_of_bare_copy": round(first.seconds / copied, 2),
        "rebuild_of_bare_copy": round(again.seconds / copied, 2),
        "peak_mib": max(first.peak_mib, again.peak_mib),
    }
    if size <= VERIFIED_MAX:
        verified = rebuilding.in_own_process("verify", ledger)
        figures |= {"verify_seconds": verified.seconds, "verify_peak_mib": verified.peak_mib}
    _say("rebuild", figures)


async def _positions(opened: Sequence[Opened], sizes: Sequence[int]) -> None:
    """P8."""
    measured = await as_of.measure(opened)
    figures: dict[str, object] = {}
    for size, found in zip(sizes, measured, strict=True):
        figures |= {f"{kind}_at_{size}": value for kind, value in found.items()}
    figures |= {
        f"{kind.removesuffix('_ms')}_growth": round(measured[-1][kind] / measured[0][kind], 2)
        for kind in measured[0]
    }
    _say("positions", figures)


async def _incremental(opened: Sequence[Opened], sizes: Sequence[int]) -> None:
    """P7; what was appended is what a rebuild would lay."""
    measured = await incremental.measure(opened)
    for pool, ledger in opened:
        await as_of.check(pool, ledger, None)
    pool, ledger = opened[0]
    appended = await ledger_hash(pool, ledger.account_id)
    rebuilding.in_own_process("rebuild", ledger)
    assert appended == await ledger_hash(pool, ledger.account_id), "rebuilding changed the book"
    figures: dict[str, object] = {}
    for size, found in zip(sizes, measured, strict=True):
        figures |= {f"ms_at_{size}": found.milliseconds, f"wal_kib_at_{size}": found.wal_kib}
    figures["growth"] = round(measured[-1].milliseconds / measured[0].milliseconds, 2)
    figures |= {f"rows_{table}": counts for table, counts in measured[-1].rows.items()}
    _say("incremental", figures)


def _say(name: str, figures: Mapping[str, object]) -> None:
    """Report at once: a large run takes hours."""
    report(name, figures)
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXECUTIONS)
