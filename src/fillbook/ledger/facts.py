"""Booking pages: raw rows, their readings and their places on the chain, once each.

A record whose bytes are those that its stream told last is skipped. With other bytes it is booked
again, and `readings` says what that adds to the facts.

A fill of a hedged account is booked under the leg that its order names (see `legs`); a row that is
under another leg once an order is told is told again from its own bytes.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from fillbook.domain.execution import Reading, Unreadable
from fillbook.domain.raw import RawRecord, content_key
from fillbook.ledger import legs
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import raw_payload
from fillbook.ledger.copying import copy_rows
from fillbook.ledger.kinds import KIND_OF, MAY_CHANGE, key_of
from fillbook.ledger.packing import pack
from fillbook.ledger.readings import (
    Addition,
    Known,
    latest_readings,
    put_additions,
    read_into,
)
from fillbook.ledger.statistics import keep_statistics
from fillbook.ledger.writing import Writing

__all__ = ["Booked", "Prepared", "Source", "book", "book_prepared", "key_of", "prepared"]

SQL = queries("facts.sql")

STATISTICS_FROM = 500  # new rows at once


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

    def __sub__(self, other: "Booked") -> "Booked":
        return Booked(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record, its reading, and what can be worked out of it before it is booked."""

    record_key: UUID
    content: UUID
    reading: Reading
    codec: int
    packed: bytes


def prepared(record: RawRecord, reading: Reading) -> Prepared:
    """A record made ready, while no transaction is open yet."""
    codec, packed = pack(record.body)
    return Prepared(record.record_key, content_key(record.body), reading, codec, packed)


async def book(
    writing: Writing, source: Source, records: Sequence[tuple[RawRecord, Reading]]
) -> Booked:
    """Book the records that are new, in the order given."""
    return await book_prepared(writing, source, [prepared(*row) for row in records])


async def book_prepared(writing: Writing, source: Source, records: Sequence[Prepared]) -> Booked:
    """The same for records that were made ready."""
    if not records:
        return Booked()
    seen_before, known = await _known(writing, source.stream, [row.record_key for row in records])
    new: list[Prepared] = []
    for row in records:
        if known.get(row.record_key) != row.content:
            known[row.record_key] = row.content
            new.append(row)
    if not new:
        return Booked(rows_seen=len(records))
    readings = [row.reading for row in new if not isinstance(row.reading, Unreadable)]
    latest = await latest_readings(
        writing.conn,
        writing.account_id,
        seen_before & {row.record_key for row in new},
        families={KIND_OF[type(reading)].family for reading in readings},
    )
    moved = legs.orders_among(readings, latest)
    added = await _put(writing, source, new, latest, await legs.known_to(writing, readings))
    added += await _tell_again(writing, source, moved)
    if len(new) >= STATISTICS_FROM:
        await keep_statistics(writing.conn, writing.account_id)
    return _booked(added, rows_seen=len(records), rows_new=len(new))


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


async def _put(
    writing: Writing, source: Source, new: Sequence[Prepared], latest: Known, known: legs.Legs
) -> list[Addition]:
    """Put records on the chain, and what they add with them."""
    raw_rows: list[tuple[object, ...]] = []
    added: list[Addition] = []
    for row in new:
        reading, scope = known.placed(row.reading, latest, source.scope)
        told = legs.Telling(
            source.stream, scope, row.record_key, row.content, row.codec, row.packed
        )
        raw_rows.append(_raw_row(writing, source, told))
        added += read_into(writing.head.seq, reading, latest)
    await copy_rows(writing.conn, SQL["copy_raw"], raw_rows)
    await put_additions(writing, added, booked_at=source.received_at)
    return added


async def _tell_again(writing: Writing, source: Source, moved: legs.Moved) -> list[Addition]:
    """Tell rows again that an order has put under another leg, each from its own bytes."""
    latest, again = await legs.told_again(writing, moved)
    raw_rows: list[tuple[object, ...]] = []
    added: list[Addition] = []
    for told, reading in again:
        raw_rows.append(_raw_row(writing, source, told))
        added += read_into(writing.head.seq, reading, latest)
    await copy_rows(writing.conn, SQL["copy_raw"], raw_rows)
    await put_additions(writing, added, booked_at=source.received_at)
    return added


def _raw_row(writing: Writing, source: Source, told: legs.Telling) -> tuple[object, ...]:
    payload = raw_payload(
        told.stream,
        told.scope,
        told.record_key,
        (source.received_at, source.run_id),
        (told.codec, told.packed),
    )
    seq, hashed = writing.extend(b"r", payload)
    return (
        writing.account_id, seq, told.record_key, told.content, source.received_at, source.run_id,
        told.stream, told.scope, told.codec, told.packed, hashed,
    )  # fmt: skip


def _booked(added: Sequence[Addition], *, rows_seen: int, rows_new: int) -> Booked:
    reasons = [(table, reason) for table, _, reason in added]
    return Booked(
        rows_seen=rows_seen,
        rows_new=rows_new,
        executions_new=reasons.count(("copy_executions", "first")),
        quarantined=sum(table == "copy_quarantined" for table, _ in reasons),
        revisions=sum(
            reason == "revision" and table not in MAY_CHANGE for table, reason in reasons
        ),
    )
