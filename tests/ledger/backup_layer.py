"""Backup, restore on an empty server, verify: again and again, with drawn histories.

    python -m tests.ledger.backup_layer COUNT SEED

Each round draws a history, seals the backup or not, restores it into a database of a server that
was empty when the layer began, and compares every row of facts and figures. A flipped bit in the
same file must be refused. What was done is a `LayerReport`.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from fillbook.errors import BackupUnusable
from fillbook.ledger._embedded import ensure_running, stop
from fillbook.ledger._migrate import migrate
from fillbook.ledger.backup_reading import check_backup
from tests.conftest import UNSAFE, with_database
from tests.ledger.backed_up import (
    PASSPHRASE,
    back_up,
    booked,
    bring_back,
    contents,
    fill_every_table,
)
from tests.ledger.handed_in import END
from tests.simulation.report import LayerReport

NAME = "backup"
EXECUTIONS_MAX = 400


@contextmanager
def empty_servers() -> Iterator[tuple[str, str]]:
    """Two servers of their own, in a folder that goes with them."""
    with tempfile.TemporaryDirectory(prefix="fillbook-backup-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        places = (folder / "here", folder / "there")
        try:
            yield (
                ensure_running(places[0], settings=UNSAFE).url,
                ensure_running(places[1], settings=UNSAFE).url,
            )
        finally:
            for place in places:
                stop(place)


def run(count: int, seed: int) -> LayerReport:
    """Do so many rounds; those that fail are named by their number."""
    begun, failures, rows = time.monotonic(), list[str](), 0
    with empty_servers() as (here, there), tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            try:
                rows += asyncio.run(_round(here, there, Path(folder), f"r{number}", seed + number))
            except Exception as error:  # noqa: BLE001 - one round's failure is a figure
                failures.append(f"{seed + number}: {type(error).__name__}: {error}")
    return LayerReport(
        name=NAME, planned=count, done=count, failed=len(failures),
        seconds=time.monotonic() - begun, detail={"rows": rows, "failures": failures},
    )  # fmt: skip


async def _round(here: str, there: str, folder: Path, name: str, seed: int) -> int:
    chance = random.Random(seed)
    source, target = (_database(url, name) for url in (here, there))
    migrate(source, clock=lambda: END)
    await booked(source, executions=chance.randrange(10, EXECUTIONS_MAX), seed=seed)
    if chance.random() < 0.5:
        fill_every_table(source)
    passphrase = PASSPHRASE if chance.random() < 0.3 else None
    manifest = await back_up(source, folder / name, passphrase=passphrase)
    restored = await bring_back(target, folder / name, passphrase=passphrase)
    assert restored.ok, [one.findings for one in restored.accounts]
    assert contents(source, schemas=["facts", "derived"]) == contents(
        target, schemas=["facts", "derived"]
    )
    _flip(folder / name, passphrase, chance)
    for url in (here, there):
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    return manifest.rows


def _flip(path: Path, passphrase: str | None, chance: random.Random) -> None:
    """A backup in which one bit is another must not be taken for whole."""
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    try:
        check_backup(path, passphrase)
    except BackupUnusable:
        path.unlink()
    else:
        raise AssertionError("a flipped bit was not noticed")


def _database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    return with_database(url, name)


if __name__ == "__main__":
    done = run(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps(done.as_json()) + "\n")
    sys.exit(1 if done.failed else 0)
