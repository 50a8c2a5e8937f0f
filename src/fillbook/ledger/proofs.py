"""Proving a window: the proof, its coverage and the books that rest on it, in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.types.multirange import TimestamptzMultirange
from psycopg.types.range import TimestamptzRange

from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window, minus
from fillbook.errors import LedgerError
from fillbook.ledger import derived
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import window_payload
from fillbook.ledger.derived import DERIVATION_VERSION, Task
from fillbook.ledger.writing import Writing

COVERAGE = queries("coverage.sql")
LAYING = queries("laying.sql")
FACTS = queries("facts.sql")

Outcome = Literal["read", "settled", "retracted", "unavailable"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was read, and how it ended."""

    stream: str
    scope: str
    window: Window
    outcome: Outcome
    pages: int
    row_count: int
    read_at: datetime
    run_id: UUID
    reason: str = ""


async def prove(writing: Writing, proof: Proof) -> int:
    """Add a proof and lay what it covers; returns by how many completed trades grew."""
    await check_version(writing)
    before, since = await _coverage_before(writing, proof)
    seq = await add_window(writing, proof)
    words = _words(writing, proof) | {"chain_seq": seq, "outcome": proof.outcome}
    row = await (await writing.conn.execute(COVERAGE["prove"], words)).fetchone()
    assert row is not None
    after: TimestamptzMultirange = row[0]
    await writing.conn.execute(COVERAGE["clear_failures"], words | {"read": after})
    fresh = minus([proof.window], before)
    grown = 0
    for task in await _tasks(writing, proof, after, fresh, since):
        grown += await derived.lay_leg(writing.conn, writing.account_id, task)
    return grown


async def add_window(writing: Writing, proof: Proof) -> int:
    """Put a proof or its retraction on the chain; returns its sequence."""
    seq, hashed = writing.extend(
        b"w",
        window_payload(
            proof.stream,
            proof.scope,
            proof.window,
            proof.outcome,
            (proof.pages, proof.row_count),
            (proof.read_at, proof.run_id),
            proof.reason,
        ),
    )
    await writing.conn.execute(
        FACTS["add_window"],
        _words(writing, proof)
        | {
            "chain_seq": seq,
            "outcome": proof.outcome,
            "pages": proof.pages,
            "row_count": proof.row_count,
            "read_at": proof.read_at,
            "run_id": proof.run_id,
            "reason": proof.reason,
            "chain_hash": hashed,
        },
    )
    return seq


def _words(writing: Writing, proof: Proof) -> dict[str, object]:
    return {
        "account_id": writing.account_id,
        "stream": proof.stream,
        "scope": proof.scope,
        "starts_at": proof.window.starts_at,
        "ends_at": proof.window.ends_at,
    }


async def check_version(writing: Writing) -> None:
    """Refuse to mix figures of two versions of the rules."""
    found = await writing.conn.execute(
        LAYING["laid_by"],
        {"account_id": writing.account_id, "derivation_version": DERIVATION_VERSION},
    )
    row = await found.fetchone()
    if row is not None and row[0] != DERIVATION_VERSION:
        raise LedgerError(
            "The figures of this account were laid by another version of the rules:"
            " run `fillbook rebuild` first."
        )


async def _coverage_before(writing: Writing, proof: Proof) -> tuple[list[Window], int]:
    found = await writing.conn.execute(COVERAGE["get_coverage"], _words(writing, proof))
    row = await found.fetchone()
    return (as_windows(row[0]), row[3]) if row else ([], 0)


def as_windows(ranges: TimestamptzMultirange) -> list[Window]:
    """The pieces of a multirange, oldest first."""
    return [
        Window(piece.lower, piece.upper)
        for piece in ranges
        if piece.lower is not None and piece.upper is not None
    ]


def as_multirange(windows: Iterable[Window]) -> TimestamptzMultirange:
    """A multirange of these windows."""
    return TimestamptzMultirange(
        [TimestamptzRange(window.starts_at, window.ends_at) for window in windows]
    )


async def _tasks(
    writing: Writing,
    proof: Proof,
    after: TimestamptzMultirange,
    fresh: list[Window],
    since: int,
) -> list[Task]:
    """The legs to lay, each from the first instant that changed."""
    words = {
        "account_id": writing.account_id,
        "category": proof.scope,
        "stream": proof.stream,
        "read": after,
        "fresh": as_multirange(fresh),
        "since": since,
    }
    starts: dict[tuple[LegName, Window], datetime] = {}
    for symbol, leg, piece, at in await (
        await writing.conn.execute(LAYING["unlaid"], words)
    ).fetchall():
        starts[LegName(proof.scope, symbol, leg), Window(piece.lower, piece.upper)] = at
    joined: dict[tuple[LegName, Window], list[datetime]] = {}
    for symbol, leg, piece, at in await (
        await writing.conn.execute(LAYING["joined_stretches"], words)
    ).fetchall():
        key = LegName(proof.scope, symbol, leg), Window(piece.lower, piece.upper)
        joined.setdefault(key, []).append(at)
    return [
        Task(
            name,
            piece,
            starts.get((name, piece), piece.ends_at),
            writing.head.seq,
            tuple(joined.get((name, piece), ())),
        )
        for name, piece in sorted({*starts, *joined})
    ]
