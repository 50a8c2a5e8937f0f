"""One incremental sync of a hundred fills, into a small and into a large ledger (P7).

A round books and proves the next fills of each ledger in turn, through the ledger's own functions;
the rows are read beforehand, as pages are while a sync waits for the venue. The median counts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.booked import BOOKED_AT, RUN, SCOPE, STREAM, Ledger, proof_of, record_of
from fillbook.ledger import facts
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger.facts import Source
from fillbook.ledger.proofs import prove
from fillbook.ledger.writing import writing
from fillbook.venues.bybit.parse import parse_record

FILLS = 100
ROUNDS = 21

WRITTEN = """
SELECT schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
"""
FLUSH = "SELECT pg_stat_force_next_flush()"
WAL_AT = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass(slots=True)
class Rounds:
    """What the rounds of one ledger came to."""

    seconds: list[float] = field(default_factory=list)
    wal_bytes: list[int] = field(default_factory=list)
    written: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def milliseconds(self) -> float:
        """The median of a round."""
        return round(1000 * median(self.seconds), 1)

    @property
    def wal_kib(self) -> float:
        """The median of what a round adds to the write-ahead log."""
        return round(median(self.wal_bytes) / 1024, 1)

    @property
    def rows(self) -> dict[str, str]:
        """Rows inserted, updated and deleted in a round, by table."""
        return {
            table: "/".join(str(round(count / len(self.seconds))) for count in counts)
            for table, counts in sorted(self.written.items())
            if any(counts)
        }


async def measure(ledgers: Sequence[tuple[Pool, Ledger]], *, rounds: int = ROUNDS) -> list[Rounds]:
    """Sync every ledger in turn, several times; the first round only warms up."""
    measured = [Rounds() for _ in ledgers]
    for pool, ledger in ledgers:
        await _sync(pool, ledger)
    before = [await _written(pool) for pool, _ in ledgers]
    for _ in range(rounds):
        for (pool, ledger), found in zip(ledgers, measured, strict=True):
            at = await _wal_at(pool)
            found.seconds.append(await _sync(pool, ledger))
            found.wal_bytes.append(await _wal_at(pool) - at)
    for (pool, _), found, was in zip(ledgers, measured, before, strict=True):
        for table, counts in (await _written(pool)).items():
            zero = (0,) * len(counts)
            pairs = zip(counts, was.get(table, zero), strict=True)
            found.written[table] = tuple(now - then for now, then in pairs)
    return measured


async def _sync(pool: Pool, ledger: Ledger) -> float:
    rows = list(ledger.history.rows(FILLS))
    window = ledger.next_window()
    records = [record_of(row) for row in rows]
    read = [(record, parse_record(STREAM, SCOPE, record.body)) for record in records]
    source = Source(STREAM, SCOPE, RUN, BOOKED_AT)
    started = time.perf_counter()
    async with writing(pool, ledger.account_id, lease=None, now=BOOKED_AT) as open_writing:
        booked = await facts.book(open_writing, source, read)
    async with writing(pool, ledger.account_id, lease=None, now=BOOKED_AT) as open_writing:
        await prove(open_writing, proof_of(window))
    seconds = time.perf_counter() - started
    assert booked.rows_new == len(rows)
    return seconds


async def _written(pool: Pool) -> dict[str, tuple[int, ...]]:
    async with transaction(pool) as conn:  # what a session counted is shown once it is flushed
        await conn.execute(FLUSH)
    async with transaction(pool) as conn:
        found = await conn.execute(WRITTEN)
        return {table: tuple(counts) for table, *counts in await found.fetchall()}


async def _wal_at(pool: Pool) -> int:
    async with transaction(pool) as conn:
        row = await (await conn.execute(WAL_AT)).fetchone()
        assert row is not None
        return int(row[0])
