"""Booking pages: raw rows, their readings and their places on the chain, once each.

A record whose bytes are those that its stream told last is skipped. With other bytes it is booked
again; when its reading differs too, the reading becomes a new revision: a *completion* when empty
fields were filled, a *revision* (and an alarm) when the venue changed its story. A record that
turns from a fill into a payment, or back, leaves a *void* where it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from uuid import UUID

from fillbook.domain.execution import (
    CashFlow,
    Execution,
    Reading,
    Unreadable,
    completed,
    revision_reason,
)
from fillbook.domain.raw import RawRecord, content_key
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import raw_payload
from fillbook.ledger.copying import copy_rows
from fillbook.ledger.packing import pack
from fillbook.ledger.writing import Writing

SQL = queries("facts.sql")

EXECUTION_FIELDS = tuple(field.name for field in fields(Execution))
CASH_FLOW_FIELDS = tuple(field.name for field in fields(CashFlow))

Latest = dict[UUID, tuple[int, Execution | CashFlow]]  # key: its latest revision and reading
Addition = tuple[str, tuple[object, ...], str]  # the COPY statement, its row, and the reason


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
    writing: Writing, source: Source, new: Sequence[_New], latest: Latest, *, rows_seen: int
) -> Booked:
    rows: dict[str, list[tuple[object, ...]]] = {
        "copy_executions": [],
        "copy_cash_flows": [],
        "copy_quarantined": [],
    }
    executions_new = revisions = 0
    for row in new:
        for table, values, reason in read_into(row.chain_seq, row.reading, latest):
            stamped = (writing.account_id, *values)
            rows[table].append(with_booked_at(table, stamped, source.received_at))
            executions_new += table == "copy_executions" and reason == "first"
            revisions += reason == "revision"
    for table, table_rows in rows.items():
        await copy_rows(writing.conn, SQL[table], table_rows)
    return Booked(
        rows_seen=rows_seen,
        rows_new=len(new),
        executions_new=executions_new,
        quarantined=len(rows["copy_quarantined"]),
        revisions=revisions,
    )


def read_into(chain_seq: int, reading: Reading, latest: Latest) -> list[Addition]:
    """What a reading adds to the facts, given the latest readings, which it moves on.

    Booking and verifying both go through here, so that a book can be compared with its raw rows.
    """
    if isinstance(reading, Unreadable):
        return [("copy_quarantined", (chain_seq, reading.reason), "quarantined")]
    key = reading.execution_key if isinstance(reading, Execution) else reading.cash_key
    revision, reason = 0, "first"
    added: list[Addition] = []
    if key in latest:
        number, before = latest[key]
        reading = completed(before, reading)
        changed = revision_reason(before, reading)
        if changed is None:
            return []
        revision, reason = number + 1, changed
        if type(before) is not type(reading):  # it must not count as both
            added.append(_addition(chain_seq, revision, before, "void"))
    latest[key] = (revision, reading)
    added.append(_addition(chain_seq, revision, reading, reason))
    return added


def _addition(
    chain_seq: int, revision: int, reading: Execution | CashFlow, reason: str
) -> Addition:
    table = "copy_executions" if isinstance(reading, Execution) else "copy_cash_flows"
    names = EXECUTION_FIELDS if isinstance(reading, Execution) else CASH_FLOW_FIELDS
    values = tuple(getattr(reading, name) for name in names)
    return table, (revision, reason, chain_seq, *values), reason


def with_booked_at(table: str, row: tuple[object, ...], booked_at: datetime) -> tuple[object, ...]:
    """A row of facts with the time it was booked at in its place."""
    if table == "copy_quarantined":
        return (*row, booked_at)
    return (*row[:4], booked_at, *row[4:])


async def latest_readings(conn: Connection, account_id: int, keys: Iterable[UUID]) -> Latest:
    """The latest reading of each of these records that has one."""
    keys = list(keys)
    if not keys:
        return {}
    what = {"account_id": account_id, "keys": keys}
    latest: Latest = {}
    found = await conn.execute(SQL["latest_executions"], what)
    for key, revision, *rest in await found.fetchall():
        latest[key] = (revision, Execution(key, *rest))
    found = await conn.execute(SQL["latest_cash_flows"], what)
    for key, revision, *rest in await found.fetchall():
        latest[key] = (revision, CashFlow(key, *rest))
    return latest
