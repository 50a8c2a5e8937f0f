"""Proving a window: the proof, its coverage and the books that rest on it, in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.types.multirange import TimestamptzMultirange
from psycopg.types.range import TimestamptzRange

from fillbook.domain.instrument import LegName
from fillbook.domain.statement import Terms
from fillbook.domain.window import Window, minus
from fillbook.errors import LedgerError
from fillbook.ledger import chain_breaks, derived, disputes
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import window_payload
from fillbook.ledger.derived import DERIVATION_VERSION, Task, all_tasks, together
from fillbook.ledger.knowing import Knowing, knowing
from fillbook.ledger.restating import Cause
from fillbook.ledger.stating import Said, add_statement
from fillbook.ledger.writing import Writing

COVERAGE = queries("coverage.sql")
LAYING = queries("laying.sql")
TOUCHED = queries("touched.sql")
FACTS = queries("facts.sql")

Outcome = Literal["read", "settled", "unavailable", "live"]


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
    """Add a proof and lay what it covers; returns by how many completed trades grew.

    A *live* outcome proves nothing: it says that a stream was heard without interruption, so that
    what it told may be laid until a window confirms it. A window may span any number of requests;
    its pages and rows are their sums.
    """
    since = await check_version(writing)
    is_witness = proof.stream.partition(".")[0] in disputes.WITNESSES
    witnessed = await disputes.witnessed(writing.conn, writing.account_id) if is_witness else None
    before = await laid_pieces(writing, proof.scope) if lays(proof.stream) else []
    seq = await add_window(writing, proof)
    words = _words(writing, proof) | {"outcome": proof.outcome}
    row = await (await writing.conn.execute(COVERAGE["prove"], words)).fetchone()
    assert row is not None
    await writing.conn.execute(COVERAGE["clear_failures"], words | {"read": row[0]})
    await disputes.note(writing, since=since, before=witnessed)
    if proof.stream.partition(".")[0] == chain_breaks.WITNESS:
        await chain_breaks.note(writing.conn, writing.account_id, proof.window)
    laid = lays(proof.stream)
    touched = await waiting(
        writing,
        since,
        category=proof.scope if laid else "",
        fresh=minus([proof.window], before) if laid else (),
    )
    cause = Cause(seq, "late_fact", proof.read_at)
    return await lay_touched(writing, touched, cause)


def lays(stream: str) -> bool:
    """Whether a stream tells executions, so that its time is laid."""
    return stream.partition(".")[0] == "executions"


async def laid_pieces(writing: Writing, category: str) -> list[Window]:
    """The time in which a category is laid."""
    words = {"account_id": writing.account_id, "category": category}
    found = await (await writing.conn.execute(TOUCHED["laid_pieces"], words)).fetchone()
    return as_windows(found[0]) if found else []


async def lay_touched(writing: Writing, tasks: Iterable[Task], cause: Cause) -> int:
    """Lay what facts have touched; facts count up to the chain's end from now on."""
    tasks = together(tasks)
    if not tasks:
        await _count_through(writing, writing.head.seq)
        return 0
    known = await knowing(writing.conn, writing.account_id, through=writing.head.seq)
    stated = await _state_terms(writing, known, {_contract(task.name) for task in tasks})
    if stated:  # what was laid before they were known is laid again whole
        known = await knowing(writing.conn, writing.account_id, through=writing.head.seq)
        tasks = [task.whole if _contract(task.name) in stated else task for task in tasks]
        tasks = together([*tasks, *await all_tasks(known, stated)])
    grown = 0
    for task in tasks:
        grown += await derived.lay_leg(known, task, _cause_of(task, cause))
    await _count_through(writing, known.through)
    return grown


async def _count_through(writing: Writing, through: int) -> None:
    await writing.conn.execute(
        LAYING["move_through"], {"account_id": writing.account_id, "through": through}
    )


def _contract(name: LegName) -> tuple[str, str]:
    return name.category, name.symbol


def _cause_of(task: Task, cause: Cause) -> Cause:
    if cause.cause != "late_fact":
        return cause
    if task.joined:
        return replace(cause, cause="gap_closed")
    return replace(cause, cause="revision") if task.is_revised else cause


async def _state_terms(
    writing: Writing, known: Knowing, contracts: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """State the terms of contracts that are laid for the first time since they are known.

    They go on the chain as statements, so that a figure rests on nothing outside of it.
    """
    missing = sorted(contracts - known.terms.keys())
    if not missing:
        return set()
    found = await writing.conn.execute(
        TOUCHED["unstated_terms"],
        {
            "account_id": writing.account_id,
            "categories": [category for category, _ in missing],
            "symbols": [symbol for _, symbol in missing],
        },
    )
    stated = [Terms(*row) for row in await found.fetchall()]
    for terms in stated:
        await add_statement(writing, terms, Said("fillbook", "as the venue lists it"))
    return {(terms.category, terms.symbol) for terms in stated}


async def add_window(writing: Writing, proof: Proof) -> int:
    """Put a proof on the chain; returns its sequence."""
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


async def check_version(writing: Writing) -> int:
    """Refuse to mix figures of two versions of the rules; up to which link facts count so far."""
    found = await writing.conn.execute(
        LAYING["laid_by"],
        {"account_id": writing.account_id, "derivation_version": DERIVATION_VERSION},
    )
    row = await found.fetchone()
    if row is None:
        return 0
    if row[0] != DERIVATION_VERSION:
        raise LedgerError(
            "The figures of this account were laid by another version of the rules:"
            " run `fillbook rebuild` first."
        )
    return int(row[1])


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


async def waiting(
    writing: Writing, since: int, *, category: str = "", fresh: Sequence[Window] = ()
) -> list[Task]:
    """The legs that facts since a link of the chain touch, from the first instant that changed.

    Where a proof adds time, the facts that lie in it count whenever they were booked.
    """
    words = {
        "account_id": writing.account_id,
        "category": category,
        "fresh": as_multirange(fresh),
        "since": since,
    }
    starts: dict[tuple[LegName, Window], tuple[datetime, bool]] = {}
    for *name, piece, at, revised in await (
        await writing.conn.execute(TOUCHED["unlaid"], words)
    ).fetchall():
        starts[LegName(*name), Window(piece.lower, piece.upper)] = at, revised
    joined: dict[tuple[LegName, Window], list[datetime]] = {}
    for *name, piece, at in await (
        await writing.conn.execute(TOUCHED["joined_stretches"], words)
    ).fetchall():
        key = LegName(*name), Window(piece.lower, piece.upper)
        joined.setdefault(key, []).append(at)
    return [
        Task(
            name,
            piece,
            *starts.get((name, piece), (piece.ends_at, False)),
            tuple(joined.get((name, piece), ())),
        )
        for name, piece in {*starts, *joined}
    ]
