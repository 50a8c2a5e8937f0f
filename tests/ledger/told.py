"""A ledger that is told readings of every kind, without a venue's JSON in between."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from fillbook.domain.execution import CashFlow, Execution, Reading, Unreadable
from fillbook.domain.execution import Told as AnyTold
from fillbook.domain.raw import RawRecord
from fillbook.domain.window import Window
from fillbook.ledger import accounts, facts
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.ledger.facts import Booked, Source
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.proofs import Outcome, Proof, prove
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import Verified, verify
from fillbook.ledger.writing import writing
from tests.ledger.handed_in import END, RUN


@dataclass(slots=True)
class Told:
    """One account's ledger; a record's bytes are of no venue, and read as what it was made from."""

    pool: Pool
    account_id: int
    bodies: dict[bytes, Reading] = field(default_factory=dict)

    async def book(
        self, stream: str, readings: Sequence[AnyTold], *, scope: str = "linear"
    ) -> Booked:
        """Book readings in the order given."""
        return await self._book(stream, scope, [(self._record(row), row) for row in readings])

    async def set_aside(self, stream: str, key: UUID, *, scope: str = "linear") -> Booked:
        """Book a row that tells which record it is, and nothing that can be read."""
        unreadable = Unreadable(f"nobody can read {key}")
        record = RawRecord(key, repr(unreadable).encode())
        self.bodies[record.body] = unreadable
        return await self._book(stream, scope, [(record, unreadable)])

    async def _book(
        self, stream: str, scope: str, records: Sequence[tuple[RawRecord, Reading]]
    ) -> Booked:
        source = Source(stream, scope, RUN, END)
        async with writing(self.pool, self.account_id, lease=None, now=END) as open_writing:
            return await facts.book(open_writing, source, records)

    def _record(self, reading: AnyTold) -> RawRecord:
        body = repr(reading).encode()
        self.bodies[body] = reading
        return RawRecord(facts.key_of(reading), body)

    def read(self, _: str, scope: str, body: bytes) -> Reading:
        """Read a record again: a scope may name the leg."""
        reading = self.bodies[body]
        leg = scope.partition(".")[2]
        if isinstance(reading, Execution | CashFlow) and leg in ("long", "short"):
            return replace(reading, leg="long" if leg == "long" else "short")
        return reading

    async def prove(
        self,
        stream: str,
        scope: str,
        window: Window,
        *,
        outcome: Outcome = "settled",
        pages: int = 1,
    ) -> int:
        """Prove a window."""
        proof = Proof(stream, scope, window, outcome, pages, 0, END, RUN)
        async with writing(self.pool, self.account_id, lease=None, now=END) as open_writing:
            return await prove(open_writing, proof)

    async def hash(self) -> str:
        """The ledger hash."""
        return await ledger_hash(self.pool, self.account_id)

    async def verify(self) -> Verified:
        """Verify the account."""
        return await verify(self.pool, self.account_id, self.read)

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, or tell it something."""
        async with transaction(self.pool) as conn:
            found = await conn.execute(query.encode(), values or None)
            return await found.fetchall() if found.description else []

    async def must_stand(self, step: str) -> None:
        """Verify finds nothing, and laying everything again changes nothing."""
        verified = await self.verify()
        assert verified.ok, f"{step}: {[str(finding) for finding in verified.findings]}"
        before = await self.hash()
        await rebuild(self.pool, self.account_id, now=END)
        assert before == await self.hash(), f"rebuilding changed the book after: {step}"


@asynccontextmanager
async def told(url: str) -> AsyncIterator[Told]:
    """An account of one's own in a database."""
    async with open_pool(url, max_size=2) as pool:
        account = await accounts.find_or_add(
            pool, name=f"told-{uuid4().hex[:8]}", venue="bybit", environment="paper",
            venue_user_id=uuid4().hex, now=END,
        )  # fmt: skip
        yield Told(pool, account.account_id)
