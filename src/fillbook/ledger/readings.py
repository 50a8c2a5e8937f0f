"""What a reading adds to the facts, and what is known of a record so far.

A reading that differs from the last one is a new revision: a *completion* when empty fields were
filled, a *revision* (and an alarm) when the venue changed its story. A record that turns from a
fill into a payment, or back, leaves a *void* where it was.

What a person said of an execution, a correction or a void, is a revision as well. It stands when
the venue tells the record again: the venue's reading is booked, and what was said on top of it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from fillbook.domain.execution import (
    Execution,
    Reading,
    Told,
    Unreadable,
    completed,
    revision_reason,
)
from fillbook.domain.statement import Correction, Void
from fillbook.ledger import stating
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.copying import copy_rows
from fillbook.ledger.kinds import KIND_OF, VALUES, key_of, kinds_of
from fillbook.ledger.writing import Writing

SQL = queries("facts.sql")

FILLS = frozenset(("fills",))  # the family of executions and of payments that look like them

Addition = tuple[str, tuple[object, ...], str]  # the COPY statement, its row, and the reason


@dataclass(frozen=True, slots=True)
class Latest:
    """What is known of one record: its last revision, what the venue told, what a person said."""

    revision: int
    told: Told
    said: Correction | Void | None = None


Known = dict[UUID, Latest]


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


def _addition(
    chain_seq: int,
    revision: int,
    reading: Told,
    reason: Literal["first", "completion", "revision", "correction", "void"],
) -> Addition:
    kind = type(reading)
    return KIND_OF[kind].copy, (revision, reason, chain_seq, *VALUES[kind](reading)), reason


def with_booked_at(table: str, row: tuple[object, ...], booked_at: datetime) -> tuple[object, ...]:
    """A row of facts with the time it was booked at in its place."""
    if table == "copy_quarantined":
        return (*row, booked_at)
    return (*row[:4], booked_at, *row[4:])


async def put_additions(
    writing: Writing, additions: Iterable[Addition], *, booked_at: datetime
) -> None:
    """Write what readings or statements add."""
    account_id = writing.account_id
    rows: dict[str, list[tuple[object, ...]]] = {}
    for table, values, _ in additions:
        row = with_booked_at(table, (account_id, *values), booked_at)
        rows.setdefault(table, []).append(row)
    for table, table_rows in rows.items():
        await copy_rows(writing.conn, SQL[table], table_rows)


async def latest_readings(
    conn: Connection,
    account_id: int,
    keys: Iterable[UUID],
    *,
    families: Collection[str] = FILLS,
) -> Known:
    """What is known of each of these records that has a reading of some families."""
    keys = list(keys)
    if not keys:
        return {}
    what = {"account_id": account_id, "keys": keys}
    told: dict[UUID, tuple[int, Told]] = {}  # by the venue, with the revision it came as
    last: dict[UUID, int] = {}
    for kind in kinds_of(families):
        found = await conn.execute(SQL[kind.latest], what)
        for key, revision, newest, *rest in await found.fetchall():
            last[key] = max(newest, last.get(key, 0))
            if key not in told or told[key][0] < revision:
                told[key] = revision, kind.tells(key, *rest)
    said = await _said(conn, what) if FILLS & set(families) else {}
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
