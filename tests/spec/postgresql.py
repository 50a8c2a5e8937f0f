"""The ledger as an engine: facts of a case are booked, stated and proven, and its books read back.

Three ways to tell a history: all rows and then the proof; the newer half proven before the older
one, so that two stretches become one; or each row as a late fact of time that is proven already.
Rules and prices are stated before; what speaks of an execution or of laid time can only be stated
after.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from fillbook.accounting.leg import (
    Alarm,
    FundingShare,
    Line,
    Match,
    StretchState,
    Trip,
    Unattached,
)
from fillbook.domain.execution import CashFlow, Execution, Reading, Unreadable
from fillbook.domain.instrument import LegName
from fillbook.domain.money import text
from fillbook.domain.order import Order
from fillbook.domain.raw import RawRecord
from fillbook.domain.statement import Assign, Correction, OpeningBalance, Statement, Void
from fillbook.domain.window import Window
from fillbook.ledger import accounts, facts
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger.facts import Source
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.proofs import Proof, prove
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.statements import state
from fillbook.ledger.stating import Said
from fillbook.ledger.verify import verify
from fillbook.ledger.writing import writing
from tests.spec.facts import Told
from tests.spec.laying import Kept, Kit
from tests.spec.stated import LEGS
from tests.spec.tables import Row
from tests.spec.times import STARTED

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HISTORY = Window(STARTED, datetime(2025, 1, 1, tzinfo=UTC))
RUN = UUID(int=1)
SAID = Said("ada", "the case says so")
LATER = (Assign, Correction, Void, OpeningBalance)

Way = Literal["proven at the end", "newer half first", "each row late"]

STRETCHES = """
SELECT leg, opening_qty, opening_evidence FROM derived.stretches WHERE account_id = %(account)s
"""
LINES = """
SELECT b.leg, b.owner, l.side, l.unit_start, l.unit_end, l.executed_at, l.rank, l.execution_key,
    l.order_key, l.share_start, l.execution_qty, l.price, l.fee, l.reason, l.evidence, l.value,
    l.owner_evidence, l.tag_unread
FROM derived.lines l JOIN derived.books b USING (account_id, book_id)
WHERE l.account_id = %(account)s
ORDER BY b.leg, b.owner, l.executed_at, l.rank, l.execution_key IS NOT NULL
"""
MATCHES = """
SELECT b.leg, b.owner, m.unit_start, m.unit_end, m.direction, m.gross, m.entry_fee, m.exit_fee,
    m.funding, m.exit_reason, m.entry_value, m.exit_value, m.realized, m.unvalued
FROM derived.lot_matches m JOIN derived.books b USING (account_id, book_id)
WHERE m.account_id = %(account)s ORDER BY b.leg, b.owner, m.unit_start
"""
PAID = """
SELECT b.leg, b.owner, f.cash_key, f.occurred_at, f.unit_start, f.unit_end, f.amount
FROM derived.funding_shares f JOIN derived.books b USING (account_id, book_id)
WHERE f.account_id = %(account)s ORDER BY b.leg, b.owner, f.occurred_at, f.cash_key
"""
TRIPS = """
SELECT b.leg, b.owner, t.unit_start, t.unit_end, t.ended_at
FROM derived.round_trips t JOIN derived.books b USING (account_id, book_id)
WHERE t.account_id = %(account)s ORDER BY b.leg, b.owner, t.unit_start
"""
ALARMS = """
SELECT leg, kind, executed_at, rank, execution_key FROM derived.alarms
WHERE account_id = %(account)s ORDER BY leg, executed_at, rank, kind
"""
UNATTACHED = """
SELECT leg, kind, fact_key, occurred_at, amount FROM derived.unattached
WHERE account_id = %(account)s ORDER BY leg, occurred_at, fact_key
"""
POSITIONS = """
SELECT leg, bot_id, CASE side WHEN 'Sell' THEN -quantity ELSE quantity END
FROM trading.positions WHERE account_id = %(account)s AND quantity <> 0
"""


@dataclass(slots=True)
class Account:
    """One case's account in a database."""

    pool: Pool
    account_id: int
    category: str
    bodies: dict[bytes, Reading] = field(default_factory=dict)

    async def tell(self, told: Told, way: Way) -> None:
        """Book, prove and state all that a case tells."""
        statements = [told.terms, *told.statements]
        await self._state(one for one in statements if not isinstance(one, LATER))
        readings: list[Reading] = [*told.orders, *told.flows, *told.executions]
        if way == "each row late":
            await self._prove(HISTORY)
            for reading in readings:
                await self._book([reading])
                await self._prove(HISTORY)
        else:
            await self._book(readings)
            for window in _halves(told) if way == "newer half first" else [HISTORY]:
                await self._prove(window)
        await self._state(one for one in statements if isinstance(one, LATER))

    async def _book(self, readings: Sequence[Reading]) -> None:
        records = [(self._record(reading), reading) for reading in readings]
        source = Source("executions", self.category, RUN, NOW)
        async with writing(self.pool, self.account_id, lease=None, now=NOW) as open_writing:
            await facts.book(open_writing, source, records)

    def _record(self, reading: Reading) -> RawRecord:
        """The bytes of a row are of no venue; each telling has its own."""
        body = f"{len(self.bodies)} {reading}".encode()
        self.bodies[body] = reading
        assert isinstance(reading, Execution | CashFlow | Order)
        return RawRecord(facts.key_of(reading), body)

    async def _prove(self, window: Window) -> None:
        proof = Proof("executions", self.category, window, "read", 1, 0, NOW, RUN)
        async with writing(self.pool, self.account_id, lease=None, now=NOW) as open_writing:
            await prove(open_writing, proof)

    async def _state(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            async with writing(self.pool, self.account_id, lease=None, now=NOW) as open_writing:
                await state(open_writing, statement, SAID)

    async def must_stand(self) -> None:
        """Verify finds nothing, and laying everything again changes nothing."""
        verified = await verify(self.pool, self.account_id, self._parse)
        assert verified.ok, [str(finding) for finding in verified.findings]
        before = await ledger_hash(self.pool, self.account_id)
        await rebuild(self.pool, self.account_id, now=NOW)
        assert before == await ledger_hash(self.pool, self.account_id)

    def _parse(self, _stream: str, _scope: str, body: bytes) -> Reading:
        return self.bodies.get(body, Unreadable("not told by this case"))

    async def kits(self) -> dict[str, Kit]:
        """The books as they are stored, leg by leg."""
        found: dict[str, Kit] = {}
        for leg, qty, evidence in await self._rows(STRETCHES):
            name = LegName(self.category, "", LEGS[leg])
            stretch = StretchState(
                name, STARTED, opening_qty=qty, opening_evidence=evidence, is_new=False
            )
            found[leg] = Kit(stretch)
        for leg, owner, *line in await self._rows(LINES):
            _kept(found, leg, owner).lines.append(Line(*line))
        for leg, owner, *match in await self._rows(MATCHES):
            kept = _kept(found, leg, owner)
            kept.matches.append(_match(kept, match))
        for leg, owner, *part in await self._rows(PAID):
            _kept(found, leg, owner).funding.append(FundingShare(*part))
        for leg, owner, *trip in await self._rows(TRIPS):
            _kept(found, leg, owner).trips.append(Trip(*trip))
        for leg, *alarm in await self._rows(ALARMS):
            found[leg].alarms.append(Alarm(*alarm))
        for leg, *cost in await self._rows(UNATTACHED):
            found[leg].unattached.append(Unattached(*cost))
        return found

    async def positions(self) -> list[Row]:
        """What the view says is held."""
        return [
            {"leg": leg, "owner": owner, "qty": text(qty)}
            for leg, owner, qty in await self._rows(POSITIONS)
        ]

    async def _rows(self, query: str) -> list[tuple[Any, ...]]:
        async with transaction(self.pool) as conn:
            found = await conn.execute(query.encode(), {"account": self.account_id})
            return await found.fetchall()


def _kept(kits: dict[str, Kit], leg: str, owner: str) -> Kept:
    return kits[leg].books.setdefault(owner, Kept())


def _match(kept: Kept, stored: Sequence[Any]) -> Match:
    start, end, direction, *money = stored
    entry, leave = (_covering(kept.lines, side, start) for side in (direction, -direction))
    return Match(start, end, direction, entry, leave, *money)


def _covering(lines: Iterable[Line], side: int, unit: Any) -> Line:  # noqa: ANN401
    return next(line for line in lines if line.side == side and line.start <= unit < line.end)


def _halves(told: Told) -> list[Window]:
    """The history cut at the instant in its middle, the newer half first."""
    instants = {one.executed_at for one in told.executions} | {
        one.occurred_at for one in told.flows
    }
    ordered = sorted(instants - {HISTORY.starts_at})
    if not ordered:
        return [HISTORY]
    middle = ordered[len(ordered) // 2]
    return [Window(middle, HISTORY.ends_at), Window(HISTORY.starts_at, middle)]


async def account_of(pool: Pool, told: Told) -> Account:
    """A new account for a case."""
    added = await accounts.find_or_add(
        pool, name="case", venue="bybit", environment="paper", venue_user_id=uuid4().hex, now=NOW
    )
    return Account(pool, added.account_id, told.terms.category)
