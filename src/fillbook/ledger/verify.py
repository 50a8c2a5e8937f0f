"""Verifying: is the book what the facts say, and are the facts what was received?

Four questions, each answered by recomputing beside what is stored, in one snapshot:

1. *Chain.* Does every raw record and window hash to its link, is none missing, does the head agree?
2. *Readings.* Do the raw records, read again, give exactly the executions and cash flows booked?
3. *Coverage.* Do the windows fold to the coverage that is shown?
4. *Figures.* Does laying every leg from its facts give exactly the derived rows?

A difference is a value that names its place; the first ones are collected, so that one does not
hide the rest.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from psycopg.rows import TupleRow

from fillbook.domain.execution import Reading
from fillbook.domain.raw import content_key
from fillbook.domain.window import Window
from fillbook.ledger import accounts, chain, facts
from fillbook.ledger._pool import Connection, Pool, snapshot
from fillbook.ledger._queries import queries
from fillbook.ledger.derived import DERIVATION_VERSION
from fillbook.ledger.packing import unpack
from fillbook.ledger.proofs import as_windows
from fillbook.ledger.rebuild import covered_by_windows
from fillbook.ledger.verify_figures import figures_differ, first_difference

SQL = queries("verify.sql")

BATCH_ROWS = 2_000
FINDINGS_MAX = 20

Parse = Callable[[str, str, bytes], Reading]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where what is stored differs from what it must be."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Verified:
    """What verifying an account came to."""

    raw_records: int = 0
    executions: int = 0
    legs: int = 0
    rebuild_needed: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.findings and not self.rebuild_needed

    def add(self, where: str, what: str) -> None:
        """Note a difference, unless there are enough."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(where, what))


async def verify(pool: Pool, account_id: int, parse: Parse) -> Verified:
    """Verify one account, in one snapshot."""
    result = Verified()
    async with snapshot(pool) as conn:
        check = _Check(conn, account_id, parse, result)
        await check.chain_and_readings()
        await check.terms()
        version = await (
            await conn.execute(SQL["laid_version"], {"account_id": account_id})
        ).fetchone()
        if version is not None and version[0] != DERIVATION_VERSION:
            result.rebuild_needed = True
            return result
        await check.coverage()
        async for where, what in figures_differ(conn, account_id):
            if where == "leg":
                result.legs += 1
            else:
                result.add(where, what)
    return result


@dataclass(slots=True)
class _Check:
    conn: Connection
    account_id: int
    parse: Parse
    result: Verified
    latest: facts.Latest = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)  # of the batch at hand

    async def _rows(self, name: str, **more: object) -> list[TupleRow]:
        found = await self.conn.execute(SQL[name], {"account_id": self.account_id, **more})
        return await found.fetchall()

    async def chain_and_readings(self) -> None:
        """Follow the chain from its genesis to its head, reading every raw record again."""
        heads = await self._rows("head_and_genesis")
        if not heads:
            self.result.add("ops.chain_heads", "there is no chain for this account")
            return
        head_seq, head_hash, stored, *opened = heads[0]
        link = b"" if stored is None else bytes(stored)
        if stored is None or link != chain.genesis(chain.Genesis(*opened)):
            self.result.add("facts.geneses", "the first link does not hash to what it commits to")
        repeated = {row[0] for row in await self._rows("repeated_keys")}
        windows = await self._rows("all_windows")
        at = 0
        seq = 0
        async for batch in self._raw_batches():
            self.bodies.clear()
            for row in batch:
                while at < len(windows) and windows[at][0] < row[0]:
                    link, seq = self._window_link(link, seq, windows[at])
                    at += 1
                link, seq = self._raw_link(link, seq, row)
            await self._compare_readings(batch, repeated)
        for window in windows[at:]:
            link, seq = self._window_link(link, seq, window)
        if (seq, link) != (head_seq, bytes(head_hash)):
            self.result.add("ops.chain_heads", f"the chain ends at {seq}, the head says {head_seq}")
        await self._compare_counts()

    async def _raw_batches(self) -> AsyncIterator[list[TupleRow]]:
        after = 0
        while batch := await self._rows("raw_batch", after=after, limit=BATCH_ROWS):
            yield batch
            after = batch[-1][0]

    def _raw_link(self, link: bytes, before: int, row: TupleRow) -> tuple[bytes, int]:
        seq, key, content, received_at, run_id, stream, scope, codec, packed, stored = row
        assert isinstance(seq, int)
        self._follows(before, seq)
        try:
            body = unpack(codec, bytes(packed))
        except ValueError as error:
            self.result.add("facts.raw_records", f"record {seq}: {error}")
            return bytes(stored), seq
        self.bodies[seq] = body
        received, stored_body = (received_at, run_id), (codec, bytes(packed))
        payload = chain.raw_payload(stream, scope, key, received, stored_body)
        expected = chain.link(link, seq, b"r", payload)
        if expected != bytes(stored) or content_key(body) != content:
            self.result.add("facts.raw_records", f"record {seq} does not hash to its link")
        return bytes(stored), seq

    def _follows(self, before: int, seq: int) -> None:
        """Most links are raw records, so a link that is gone is taken for one."""
        if seq <= before:
            self.result.add("facts.windows", f"window {seq} stands where the chain has no place")
        elif seq != before + 1:
            self.result.add("facts.raw_records", f"record {before + 1} is missing from the chain")

    def _window_link(self, link: bytes, before: int, row: TupleRow) -> tuple[bytes, int]:
        (
            seq,
            stream,
            scope,
            starts_at,
            ends_at,
            outcome,
            *counts,
            read_at,
            run_id,
            reason,
            stored,
        ) = row
        self._follows(before, seq)
        payload = chain.window_payload(
            stream,
            scope,
            Window(starts_at, ends_at),
            outcome,
            (counts[0], counts[1]),
            (read_at, run_id),
            reason,
        )
        if chain.link(link, seq, b"w", payload) != bytes(stored):
            self.result.add("facts.windows", f"window {seq} does not hash to its link")
        return bytes(stored), seq

    async def _compare_readings(self, batch: Sequence[TupleRow], repeated: set[UUID]) -> None:
        """Read a batch of raw records again and compare with what was booked from them."""
        expected = self._read_again(batch, repeated)
        keys = [row[1] for row in batch]
        seqs = [row[0] for row in batch]
        booked = {
            "copy_executions": await self._rows("booked_executions", keys=keys),
            "copy_cash_flows": await self._rows("booked_cash_flows", keys=keys),
            "copy_quarantined": await self._rows("booked_quarantined", seqs=seqs),
        }
        wanted = set(seqs)
        for table, rows in booked.items():
            place = 1 if table == "copy_quarantined" else 3
            found = {row[place]: row for row in rows if row[place] in wanted}
            self._compare(table, expected[table], found)

    def _read_again(
        self, batch: Sequence[TupleRow], repeated: set[UUID]
    ) -> dict[str, dict[int, tuple[object, ...]]]:
        expected: dict[str, dict[int, tuple[object, ...]]] = {name: {} for name in _TABLES}
        for seq, key, _, received_at, _, stream, scope, *_ in batch:
            self.result.raw_records += 1
            body = self.bodies.get(seq)
            if body is None:
                continue  # it could not be unpacked, which is named already
            latest = self.latest if key in repeated else {}
            reading = self.parse(stream, scope, body)
            for table, values, _ in facts.read_into(seq, reading, latest):
                row = facts.with_booked_at(table, (self.account_id, *values), received_at)
                expected[table][seq] = row
                self.expected[table] = self.expected.get(table, 0) + 1
        return expected

    def _compare(
        self,
        table: str,
        expected: dict[int, tuple[object, ...]],
        found: dict[int, TupleRow],
    ) -> None:
        name = _TABLES[table]
        self.result.executions += len(found) if table == "copy_executions" else 0
        for seq in sorted(expected.keys() | found.keys()):
            want, have = expected.get(seq), found.get(seq)
            if want is None:
                self.result.add(name, f"the row of record {seq} is not in that record")
            elif have is None:
                self.result.add(name, f"the row of record {seq} is missing")
            elif tuple(have) != want:
                self.result.add(name, f"record {seq}: {first_difference(want, have)}")

    async def _compare_counts(self) -> None:
        """Rows that no raw record accounts for."""
        counted = (await self._rows("count_readings"))[0]
        for (table, name), count in zip(_TABLES.items(), counted, strict=True):
            if count != self.expected.get(table, 0):
                self.result.add(
                    name,
                    f"{count} rows are booked, the raw records hold {self.expected.get(table, 0)}",
                )

    async def terms(self) -> None:
        """Contract terms hash to what was noted when they were booked."""
        for *columns, hashed in await self._rows("all_terms"):
            words = tuple(bytes(w) if isinstance(w, memoryview) else w for w in columns)
            if accounts.terms_hash(words) != bytes(hashed):
                self.result.add(
                    "facts.contract_terms", f"{columns[3]} was changed after it was booked"
                )

    async def coverage(self) -> None:
        """Windows fold to the coverage that is shown."""
        folded = {
            (covered.stream, covered.scope): (
                covered.read,
                covered.settled,
                covered.unavailable,
                covered.proven_seq,
            )
            for covered in await covered_by_windows(self.conn, self.account_id)
        }
        stored = {
            (stream, scope): (*(tuple(as_windows(ranges)) for ranges in three), proven_seq)
            for stream, scope, *three, proven_seq in await self._rows("all_coverage")
        }
        for stream, scope in sorted(folded.keys() | stored.keys()):
            if folded.get((stream, scope)) != stored.get((stream, scope)):
                self.result.add(
                    "derived.coverage", f"{stream} {scope} differs from what the windows prove"
                )


_TABLES = {
    "copy_executions": "facts.executions",
    "copy_cash_flows": "facts.cash_flows",
    "copy_quarantined": "facts.quarantined",
}
