"""Booking a paper history by hand: rows and windows in any order, without HTTP in between."""

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec

from fillbook.domain.raw import RawRecord
from fillbook.domain.window import Window, from_milliseconds, milliseconds
from fillbook.ledger import accounts, facts
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.ledger.facts import Booked, Source
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.proofs import Outcome, Proof, prove
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import Verified, verify
from fillbook.ledger.writing import writing
from fillbook.venues.bybit.identity import execution_key, unread_key
from fillbook.venues.bybit.parse import parse_record
from papervenues.bybit import Settings, history_of
from papervenues.bybit.rows import RowEncoder
from papervenues.faults import FaultPlan, parse_fault

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = UUID(int=1)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the venue would send it, and its time."""

    at: datetime
    body: Body

    @property
    def record(self) -> RawRecord:
        """The row as it is booked."""
        return record_of(msgspec.json.encode(self.body), self.body)

    def told_again(self, **changes: object) -> "Row":
        """The same row with another content; a new execTime moves it."""
        body = self.body | changes
        return Row(from_milliseconds(int(body["execTime"])), body)


def record_of(encoded: bytes, body: Body) -> RawRecord:
    """A record with the key that its row tells."""
    try:
        words = [body[name] for name in ("symbol", "execId", "orderId", "side")]
        return RawRecord(execution_key("linear", *words), encoded)
    except (KeyError, TypeError):
        return RawRecord(unread_key("linear", encoded), encoded)


def paper_rows(*faults: str, executions: int, days: int, seed: int) -> list[Row]:
    """A whole paper history in its true order."""
    settings = Settings(
        end_ms=milliseconds(END), seed=seed, days=days, executions=executions,
        faults=FaultPlan(tuple(map(parse_fault, faults))),
    )  # fmt: skip
    (history,) = history_of(settings).accounts
    encoder = RowEncoder(history)
    return [
        Row(
            from_milliseconds(history.executions.time_ms[row]),
            msgspec.json.decode(encoder.row(row)),
        )
        for row in range(len(history))
    ]


@dataclass(slots=True)
class Hand:
    """One account's ledger, fed by hand."""

    pool: Pool
    account_id: int
    now: datetime = END
    settings: dict[str, object] = field(default_factory=dict)

    async def book(self, rows: Iterable[Row], *, run_id: UUID = RUN) -> Booked:
        """Book rows in the order given."""
        return await self.book_records([row.record for row in rows], run_id=run_id)

    async def book_records(self, records: Iterable[RawRecord], *, run_id: UUID = RUN) -> Booked:
        """Book records in the order given."""
        read = [(record, parse_record("executions", "linear", record.body)) for record in records]
        source = Source("executions", "linear", run_id, self.now)
        async with writing(self.pool, self.account_id, lease=None, now=self.now) as open_writing:
            return await facts.book(open_writing, source, read)

    async def prove(self, window: Window, *, outcome: Outcome = "read") -> int:
        """Prove a window; returns by how many completed trades grew."""
        proof = Proof(
            stream="executions", scope="linear", window=window, outcome=outcome, pages=1,
            row_count=0, read_at=self.now, run_id=RUN,
        )  # fmt: skip
        async with writing(self.pool, self.account_id, lease=None, now=self.now) as open_writing:
            return await prove(open_writing, proof)

    async def hash(self) -> str:
        """The ledger hash."""
        return await ledger_hash(self.pool, self.account_id)

    async def verify(self) -> Verified:
        """Verify the account."""
        return await verify(self.pool, self.account_id, parse_record)

    async def rebuild(self) -> None:
        """Lay everything again."""
        await rebuild(self.pool, self.account_id, now=self.now)

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
        await self.rebuild()
        assert before == await self.hash(), f"rebuilding changed the book after: {step}"


@asynccontextmanager
async def hand(url: str) -> AsyncIterator[Hand]:
    """An account of one's own in a database."""
    async with open_pool(url, max_size=2) as pool:
        account = await accounts.find_or_add(
            pool, name="hand", venue="bybit", environment="paper",
            venue_user_id=uuid4().hex, now=END,
        )  # fmt: skip
        yield Hand(pool, account.account_id)


def cut(window: Window, pieces: int, chance: random.Random) -> list[Window]:
    """A window cut into pieces at whole milliseconds."""
    length = milliseconds(window.ends_at) - milliseconds(window.starts_at)
    inner = sorted(chance.sample(range(1, length), pieces - 1))
    bounds = [window.starts_at, *(window.starts_at + timedelta(milliseconds=ms) for ms in inner),
              window.ends_at]  # fmt: skip
    return [Window(*pair) for pair in pairwise(bounds)]


def inside(rows: Iterable[Row], window: Window) -> list[Row]:
    """The rows of a window, newest first, as the venue serves them."""
    found = [row for row in rows if window.starts_at <= row.at < window.ends_at]
    return sorted(found, key=lambda row: row.at, reverse=True)


def fill(name: str, at: datetime, side: str, qty: str, *, order: str, **more: object) -> Row:
    """A fill of one's own making, without a closed size."""
    body: Body = {
        "symbol": "BTCUSDT", "execId": name, "orderId": order, "orderLinkId": "", "side": side,
        "execPrice": "100", "execQty": qty, "execValue": "", "execFee": "0", "feeCurrency": "USDT",
        "execType": "Trade", "execTime": str(milliseconds(at)), "closedSize": "", "markPrice": "",
        "orderType": "Market", "createType": "CreateByUser", "stopOrderType": "UNKNOWN",
        "isMaker": False, "seq": 1,
    }  # fmt: skip
    return Row(at, body | more)
