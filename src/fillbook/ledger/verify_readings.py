"""Verifying an account's chain, and that what was booked is what raw records and statements say."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from fillbook.domain.execution import Reading
from fillbook.domain.raw import content_key
from fillbook.domain.statement import Correction, Void
from fillbook.domain.window import Window
from fillbook.ledger import chain, readings, stating
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.kinds import KINDS
from fillbook.ledger.packing import unpack
from fillbook.ledger.verify_figures import first_difference

SQL = queries("verify.sql")

BATCH_ROWS = 2_000
FINDINGS_MAX = 20

Parse = Callable[[str, str, bytes], Reading]
Place = tuple[object, ...]

# In the order of `count_readings`.
_TABLES = {kind.copy: kind.table for kind in KINDS} | {"copy_quarantined": "facts.quarantined"}
_SAYS = ("correction", "void")  # statements that make revisions of executions


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


async def chain_and_readings(
    conn: Connection, account_id: int, parse: Parse, result: Verified
) -> None:
    """Follow the chain from its genesis to its head, reading every raw record again."""
    check = _Check(conn, account_id, parse, result)
    heads = await check.rows("head_and_genesis")
    if not heads:
        result.add("ops.chain_heads", "there is no chain for this account")
        return
    head_seq, head_hash, stored, *opened = heads[0]
    check.link = b"" if stored is None else bytes(stored)
    if stored is None or check.link != chain.genesis(chain.Genesis(*opened)):
        result.add("facts.geneses", "the first link does not hash to what it commits to")
    check.counted = dict(zip(_TABLES, (await check.rows("count_readings"))[0], strict=True))
    check.repeated = {row[0] for row in await check.rows("repeated_keys")}
    async for links in check.links():
        await check.batch(links)
    if (check.seq, check.link) != (head_seq, bytes(head_hash)):
        result.add("ops.chain_heads", f"the chain ends at {check.seq}, the head says {head_seq}")
    check.counts()


@dataclass(slots=True)
class _Check:
    conn: Connection
    account_id: int
    parse: Parse
    result: Verified
    link: bytes = b""  # the last one followed
    seq: int = 0
    repeated: set[UUID] = field(default_factory=set)
    latest: readings.Known = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)  # rows that are there, by table
    booked: dict[str, int] = field(default_factory=dict)  # rows that must be there, by table

    async def rows(self, name: str, **more: object) -> list[TupleRow]:
        found = await self.conn.execute(SQL[name], {"account_id": self.account_id, **more})
        return await found.fetchall()

    async def links(self) -> AsyncIterator[list[tuple[str, TupleRow]]]:
        """The links of the chain with their kind, in order, a batch at a time."""
        after = 0
        while True:
            raw = await self.rows("raw_batch", after=after, limit=BATCH_ROWS)
            span = {"after": after, "until": raw[-1][0] if len(raw) == BATCH_ROWS else None}
            found = [("raw", row) for row in raw]
            found += [("window", row) for row in await self.rows("windows_between", **span)]
            found += [("statement", row) for row in await self.rows("statements_between", **span)]
            yield sorted(found, key=lambda link: link[1][0])
            if span["until"] is None:
                return
            after = raw[-1][0]

    async def batch(self, links: Sequence[tuple[str, TupleRow]]) -> None:
        """Follow some links, and compare what they say with what was booked."""
        expected: dict[str, dict[Place, tuple[object, ...]]] = {name: {} for name in _TABLES}
        for kind, row in links:
            self._follows(row[0], kind)
            if kind == "window":
                self._window(row)
            elif kind == "statement":
                self._expect(expected, self._statement(row), booked_at=row[4])
            else:
                self._expect(expected, self._raw(row), booked_at=row[3])
        await self._compare_booked(links, expected)

    def _follows(self, seq: int, kind: str) -> None:
        """Most links are raw records, so a link that is gone is taken for one."""
        if seq <= self.seq:
            self.result.add(f"facts.{kind}s", f"link {seq} stands where the chain has no place")
        elif seq != self.seq + 1:
            self.result.add("facts.raw_records", f"record {self.seq + 1} is missing from the chain")

    def _linked(self, seq: int, kind: bytes, payload: bytes, stored: object) -> bool:
        assert isinstance(stored, bytes | memoryview)
        fits = chain.link(self.link, seq, kind, payload) == bytes(stored)
        self.link, self.seq = bytes(stored), seq
        return fits

    def _raw(self, row: TupleRow) -> list[readings.Addition]:
        seq, key, content, received_at, run_id, stream, scope, codec, packed, stored = row
        self.result.raw_records += 1
        try:
            body = unpack(codec, bytes(packed))
        except ValueError as error:
            self.result.add("facts.raw_records", f"record {seq}: {error}")
            self.link, self.seq = bytes(stored), seq
            return []
        received, stored_body = (received_at, run_id), (codec, bytes(packed))
        payload = chain.raw_payload(stream, scope, key, received, stored_body)
        if not self._linked(seq, b"r", payload, stored) or content_key(body) != content:
            self.result.add("facts.raw_records", f"record {seq} does not hash to its link")
        latest = self.latest if key in self.repeated else {}
        return readings.read_into(seq, self.parse(stream, scope, body), latest)

    def _window(self, row: TupleRow) -> None:
        (
            seq,
            stream,
            scope,
            starts_at,
            ends_at,
            outcome,
            pages,
            rows,
            read_at,
            run_id,
            reason,
            stored,
        ) = row
        payload = chain.window_payload(
            stream,
            scope,
            Window(starts_at, ends_at),
            outcome,
            (pages, rows),
            (read_at, run_id),
            reason,
        )
        if not self._linked(seq, b"w", payload, stored):
            self.result.add("facts.windows", f"window {seq} does not hash to its link")

    def _statement(self, row: TupleRow) -> list[readings.Addition]:
        seq, kind, target, body, stated_at, stated_by, reason, stored = row
        payload = chain.statement_payload(kind, target, body, (stated_at, stated_by), reason)
        if not self._linked(seq, b"s", payload, stored):
            self.result.add("facts.statements", f"statement {seq} does not hash to its link")
            return []
        said = stating.read(kind, body)
        if not isinstance(said, Correction | Void) or said.execution_key not in self.latest:
            return []
        return readings.say_into(seq, said, self.latest)

    def _expect(
        self,
        expected: dict[str, dict[Place, tuple[object, ...]]],
        additions: Iterable[readings.Addition],
        *,
        booked_at: datetime,
    ) -> None:
        for table, values, _ in additions:
            row = readings.with_booked_at(table, (self.account_id, *values), booked_at)
            expected[table][_place(table, row)] = row
            self.booked[table] = self.booked.get(table, 0) + 1

    async def _compare_booked(
        self,
        links: Sequence[tuple[str, TupleRow]],
        expected: dict[str, dict[Place, tuple[object, ...]]],
    ) -> None:
        keys = [row[1] for kind, row in links if kind == "raw"]
        keys += [row[2] for kind, row in links if kind == "statement" and row[1] in _SAYS]
        seqs = [row[0] for kind, row in links if kind != "window"]
        booked = {
            kind.copy: await self.rows(kind.booked, keys=keys)
            for kind in KINDS
            if self.counted[kind.copy]
        }
        booked["copy_quarantined"] = await self.rows("booked_quarantined", seqs=seqs)
        wanted = set(seqs)
        for table in _TABLES:
            rows = booked.get(table, [])
            found = {_place(table, row): row for row in rows}
            found = {place: row for place, row in found.items() if place[0] in wanted}
            self._compare(table, expected[table], found)

    def _compare(
        self,
        table: str,
        expected: dict[Place, tuple[object, ...]],
        found: dict[Place, TupleRow],
    ) -> None:
        name = _TABLES[table]
        if table == "copy_executions":
            self.result.executions += sum(revision == 0 for _, revision in found)
        if expected == found:
            return
        for place in sorted(expected.keys() | found.keys()):
            want, have = expected.get(place), found.get(place)
            if want is None:
                self.result.add(name, f"the row of record {place[0]} is not in that record")
            elif have is None:
                self.result.add(name, f"the row of record {place[0]} is missing")
            elif tuple(have) != want:
                self.result.add(name, f"record {place[0]}: {first_difference(want, have)}")

    def counts(self) -> None:
        """Rows that no link of the chain accounts for."""
        for table, name in _TABLES.items():
            count, must = self.counted[table], self.booked.get(table, 0)
            if count != must:
                self.result.add(name, f"{count} rows are booked, the raw records hold {must}")


def _place(table: str, row: Sequence[object]) -> Place:
    """Where a row belongs: its link of the chain, and which of that link's rows it is."""
    return (row[1],) if table == "copy_quarantined" else (row[3], row[1])
