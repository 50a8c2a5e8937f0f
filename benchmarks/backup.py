"""A backup, its check and a dump by pg_dump, of one ledger, in turns.

Run: `python -m benchmarks.backup ADDRESS [ROUNDS]`, with the address of any ledger, such as `url`
of `fillbook db status --format json` after `fillbook demo --executions 100000 --no-serve`. Seconds
are those of the processor in the program itself; the server's own are not in them. What is compared
is pg_dump's custom format, of everything and without the schema `derived`, which a backup of ours
leaves out.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.tabled import report_rows
from fillbook import __version__, wiring
from fillbook.ledger._embedded import programs
from fillbook.ledger._pool import open_pool
from fillbook.ledger.backup import write_backup
from fillbook.ledger.backup_contents import Manifest
from fillbook.ledger.backup_reading import check_backup

ROUNDS = 3
MEGABYTE = 1_000_000
PASSPHRASE = "for the benchmark"  # noqa: S105 - nothing is kept under it
Round = tuple[float, float]  # wall, processor


def main(url: str, rounds: int) -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as name:
        folder, taken = Path(name), dict[str, list[Round]]()
        for _ in range(rounds):
            for what, work in _works(url, folder).items():
                (folder / what).unlink(missing_ok=True)
                taken.setdefault(what, []).append(_timed(work))
        manifest = check_backup(folder / "backup", None).manifest
        rows = [_row(what, times, folder, manifest) for what, times in taken.items()]
    text = sum(table.bytes for table in manifest.tables)
    figures = {"rows": manifest.rows, "megabytes_of_text": round(text / MEGABYTE, 1)}
    report_rows("backup", rows, figures)


def _works(url: str, folder: Path) -> dict[str, Callable[[], object]]:
    dump = [str(programs() / "pg_dump"), "--format=custom"]
    return {
        "backup": lambda: asyncio.run(_back_up(url, folder / "backup", None)),
        "backup sealed": lambda: asyncio.run(_back_up(url, folder / "backup sealed", PASSPHRASE)),
        "check": lambda: check_backup(folder / "backup", None),
        "pg_dump": lambda: _run([*dump, "--file", str(folder / "pg_dump"), url]),
        "pg_dump without derived": lambda: _run(
            [*dump, "-N", "derived", "--file", str(folder / "pg_dump without derived"), url]
        ),
    }


async def _back_up(url: str, path: Path, passphrase: str | None) -> Manifest:
    async with open_pool(url, max_size=2) as pool:
        return await write_backup(
            pool, path, passphrase=passphrase, now=wiring.now(), program=__version__
        )


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _timed(work: Callable[[], object]) -> Round:
    before, begun = _processor(), time.monotonic()
    work()
    return time.monotonic() - begun, _processor() - before


def _processor() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def _row(what: str, times: list[Round], folder: Path, manifest: Manifest) -> dict[str, object]:
    processor = median(one[1] for one in times)
    size = (folder / what).stat().st_size if (folder / what).exists() else 0
    return {
        "what": what,
        "processor_seconds": round(processor, 2),
        "wall_seconds": round(median(one[0] for one in times), 2),
        "fastest_wall": round(min(one[0] for one in times), 2),
        "rows_a_second": round(manifest.rows / processor),
        "megabytes": round(size / MEGABYTE, 1),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
