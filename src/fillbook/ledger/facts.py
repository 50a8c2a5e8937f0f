"""Booking pages: raw rows, their readings and their places on the chain, once each.

A record whose bytes are those that its stream told last is skipped. With other bytes it is booked
again; when its reading differs too, the reading becomes a new revision: a *completion* when empty
fields were filled, a *revision* (and an alarm) when the venue changed its story. A record that
turns from a fill into a payment, or back, leaves a *void* where it was.

What a person said of an execution, a correction or a void, is a revision as well. It stands when
the venue tells the record again: the venue's reading is booked, and what was said on top of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from fillbook.domain.execution import (
    CashFlow,
    Execution,
    Reading,
    Told,
    Unreadable,
    completed,
    revision_reason,
)
from fillbook.domain.order import Order
from fillbook.domain.raw import RawRecord, content_key
from fillbook.domain.statement import Correction, Void
from fillbook.ledger import stating
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import raw_payload
from fillbook.ledger.copying import copy_rows
from fillbook.ledger.packing import pack
from fillbook.ledger.writing import Writing

SQL = queries("facts.sql")

EXECUTION_FIELDS = tuple(field.name for field in fields(Execution))
CASH_FLOW_FIELDS = tuple(field.name for field in fields(CashFlow))
ORDER_FIELDS = tuple(field.name for field in fields(Order))
_TABLES: dict[type, tuple[str, tuple[str, ...]]] = {
    Execution: ("copy_executions", EXECUTION_FIELDS),
    CashFlow: ("copy_cash_flows", CASH_FLOW_FIELDS),
    Order: ("copy_orders", ORDER_FIELDS),
}

Addition = tuple[str, tuple[object, ...], str]  # the COPY statement, its row, and the reason


@dataclass(frozen=True, slots=True)
class Latest:
    """What is known of one record: its last revision, what the venue told, what a person said."""

    revision: int
    told: Told
    said: Correction | Void | None = None


Known = dict[UUID, Latest]


@dataclass(frozen=True, slots=True)
class Source:
    """Where pages came from."""

    stream: str
    scope: str
    run_id: UUID
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Booked:
    """What booking some records came to."""

    rows_seen: int = 0
    rows_new: int = 0
    executions_new: int = 0
    quarantined: int = 0
    revisions: int = 0

    def __add__(self, other: "Booked") -> "Booked":
        return Booked(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class _New:
    """A record that was not booked before, at its place on the chain."""

    chain_seq: int
    record: RawRecord
    reading: Reading


async def book(
    writing: Writing, source: Source, records: Sequence[tuple[RawRecord, Reading]]
) -> Booked:
    """Book the records that are new, in the order given."""
    if not records:
        return Booked()
    seen_before, known = await _known(
        writing, source.stream, [record.record_key for record, _ in records]
    )
    new: list[_New] = []
    raw_rows: list[tuple[object, ...]] = []
    for record, reading in records:
        content = content_key(record.body)
        if known.get(record.record_key) == content:
            continue
        known[record.record_key] = content
        raw_rows.append(_raw_row(writing, source, record, content))
        new.append(_New(writing.head.seq, record, reading))
    if not new:
        return Booked(rows_seen=len(records))
    await copy_rows(writing.conn, SQL["copy_raw"], raw_rows)
    latest = await latest_readings(
        writing.conn, writing.account_id, seen_before & {row.record.record_key for row in new}
    )
    return await _book_readings(writing, source, new, latest, rows_seen=len(records))


async def _known(
    writing: Writing, stream: str, keys: list[UUID]
) -> tuple[frozenset[UUID], dict[UUID, UUID]]:
    """The records that any stream has told of, and what this one told last."""
    found = await writing.conn.execute(
        SQL["known_contents"], {"account_id": writing.account_id, "keys": keys}
    )
    rows = await found.fetchall()
    told = {key: content for key, teller, content in rows if teller == stream}
    return frozenset(key for key, _, _ in rows), told


def _raw_row(
    writing: Writing, source: Source, record: RawRecord, content: UUID
) -> tuple[object, ...]:
    codec, packed = pack(record.body)
    payload = raw_payload(
        source.stream,
        source.scope,
        record.record_key,
        (source.received_at, source.run_id),
        (codec, packed),
    )
    seq, hashed = writing.extend(b"r", payload)
    return (
        writing.account_id, seq, record.record_key, content, source.received_at, source.run_id,
        source.stream, source.scope, codec, packed, hashed,
    )  # fmt: skip


async def _book_readings(
    writing: Writing, source: Source, new: Sequence[_New], latest: Known, *, rows_seen: int
) -> Booked:
    additions = [
        addition for row in new for addition in read_into(row.chain_seq, row.reading, latest)
    ]
    await put_additions(writing, additions, booked_at=source.received_at)
    reasons = [(table, reason) for table, _, reason in additions]
    return Booked(
        rows_seen=rows_seen,
        rows_new=len(new),
        executions_new=reasons.count(("copy_executions", "first")),
        quarantined=sum(table == "copy_quarantined" for table, _ in reasons),
        revisions=sum(
            reason == "revision" and table != "copy_orders"  # an order changes while it lives
            for table, reason in reasons
        ),
    )


async def put_additions(
    writing: Writing, additions: Iterable[Addition], *, booked_at: datetime
) -> None:
    """Write what readings or statements add."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    for table, values, _ in additions:
        row = with_booked_at(table, (writing.account_id, *values), booked_at)
        rows.setdefault(table, []).append(row)
    for table, table_rows in rows.items():
        await copy_rows(writing.conn, SQL[table], table_rows)


def read_into(chain_seq: int, reading: Reading, latest: Known) -> list[Addition]:
    """What a reading adds to the facts, given the latest readings, which it moves on.

    Booking and verifying both go through here, so that a book can be compared with its raw rows.
    """
    if isinstance(reading, Unreadable):
        return [("copy_quarantined", (chain_seq, reading.reason), "quarantined")]
    key = key_of(reading)
    known = latest.get(key)
    if known is None:
        latest[key] = Latest(0, reading)
        return [_addition(chain_seq, 0, reading, "first")]
    before = known.told
    reading = completed(before, reading)
    changed = revision_reason(before, reading)
    if changed is None:
        return []
    revision = known.revision + 1
    added: list[Addition] = []
    if type(before) is not type(reading):  # it must not count as both
        added.append(_addition(chain_seq, revision, before, "void"))
    added.append(_addition(chain_seq, revision, reading, changed))
    latest[key] = replace(known, revision=revision, told=reading)
    if known.said is not None and isinstance(reading, Execution):
        added += say_into(chain_seq, known.said, latest)
    return added


def say_into(chain_seq: int, said: Correction | Void, latest: Known) -> list[Addition]:
    """What a person's word on an execution adds; it stands until it is withdrawn."""
    known = latest[said.execution_key]
    assert isinstance(known.told, Execution)
    reading, reason = stating.as_said(said, known.told)
    revision = known.revision + 1
    stands = said if reason == "void" or reading != known.told else None
    latest[said.execution_key] = Latest(revision, known.told, stands)
    return [_addition(chain_seq, revision, reading, reason)]


def key_of(reading: Told) -> UUID:
    """Under which key a reading is kept."""
    if isinstance(reading, Execution):
        return reading.execution_key
    return reading.cash_key if isinstance(reading, CashFlow) else reading.order_key


def _addition(
    chain_seq: int,
    revision: int,
    reading: Told,
    reason: Literal["first", "completion", "revision", "correction", "void"],
) -> Addition:
    table, names = _TABLES[type(reading)]
    values = tuple(getattr(reading, name) for name in names)
    return table, (revision, reason, chain_seq, *values), reason


def with_booked_at(table: str, row: tuple[object, ...], booked_at: datetime) -> tuple[object, ...]:
    """A row of facts with the time it was booked at in its place."""
    if table == "copy_quarantined":
        return (*row, booked_at)
    return (*row[:4], booked_at, *row[4:])


async def latest_readings(conn: Connection, account_id: int, keys: Iterable[UUID]) -> Known:
    """What is known of each of these records that has a reading."""
    keys = list(keys)
    if not keys:
        return {}
    what = {"account_id": account_id, "keys": keys}
    told: dict[UUID, tuple[int, Told]] = {}  # by the venue, with the revision it came as
    last: dict[UUID, int] = {}
    readings: tuple[tuple[str, type[Execution | CashFlow | Order]], ...] = (
        ("latest_executions", Execution),
        ("latest_cash_flows", CashFlow),
        ("latest_orders", Order),
    )
    for name, kind in readings:
        found = await conn.execute(SQL[name], what)
        for key, revision, newest, *rest in await found.fetchall():
            last[key] = max(newest, last.get(key, 0))
            if key not in told or told[key][0] < revision:
                told[key] = revision, kind(key, *rest)
    said = await _said(conn, what)
    return {key: Latest(last[key], reading, said.get(key)) for key, (_, reading) in told.items()}


async def _said(conn: Connection, what: dict[str, object]) -> dict[UUID, Correction | Void]:
    """The last word on each execution, where it was not withdrawn."""
    found = await conn.execute(SQL["said_of_executions"], what)
    said: dict[UUID, Correction | Void] = {}
    for target, kind, body in await found.fetchall():
        statement = stating.read(kind, body)
        assert isinstance(statement, Correction | Void)
        if not stating.is_withdrawn(statement):
            said[target] = statement
    return said
