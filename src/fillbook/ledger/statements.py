"""Stating something by hand: the statement, what it says of facts, and the figures that rest on it.

All in one transaction. What was stated stands until another statement withdraws it; it is never
edited, so that the chain shows who said what, when and why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fillbook.domain.execution import Execution
from fillbook.domain.statement import (
    Assign,
    Correction,
    Intent,
    OpeningBalance,
    Price,
    Statement,
    TagPattern,
    Terms,
    Void,
)
from fillbook.domain.window import Window
from fillbook.errors import NotFound, UsageError
from fillbook.ledger import disputes, readings, stating
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.derived import Task, all_tasks, tasks_of
from fillbook.ledger.knowing import Knowing, knowing
from fillbook.ledger.leg_facts import read_leg
from fillbook.ledger.proofs import check_version, laid_pieces, lay_touched, waiting
from fillbook.ledger.restating import Cause, count_restated
from fillbook.ledger.stating import Said
from fillbook.ledger.writing import Writing

TOUCHED = queries("touched.sql")

FOUND_MAX = 100


@dataclass(frozen=True, slots=True)
class Stated:
    """What a statement came to."""

    chain_seq: int
    restated: int  # completed trades that say something else now


@dataclass(frozen=True, slots=True)
class Found:
    """An execution as a person would recognise it."""

    execution_key: UUID
    category: str
    symbol: str
    leg: str
    side: str
    qty: Decimal
    price: Decimal
    executed_at: datetime
    execution_id: str
    order_id: str
    client_order_id: str


async def state(writing: Writing, statement: Statement, said: Said) -> Stated:
    """Put a statement on the chain and lay what rests on it."""
    since = await check_version(writing)
    if isinstance(statement, Assign | Correction | Void):
        statement = await _of_known_execution(writing, statement)
    elif isinstance(statement, OpeningBalance):
        await _laid_instant(writing, statement)
    before = await _touched(writing, statement)
    seq = await stating.add_statement(writing, statement, said)
    if isinstance(statement, Correction | Void):
        latest = await readings.latest_readings(
            writing.conn, writing.account_id, [statement.execution_key]
        )
        additions = readings.say_into(seq, statement, latest)
        await readings.put_additions(writing, additions, booked_at=writing.now)
    await disputes.note(writing, since=since, before=None)
    pending = await waiting(writing, since)  # what other writers have booked in laid time
    touched = [*before, *await _touched(writing, statement), *pending]
    cause = Cause(seq, stating.kind_of(statement), writing.now)
    await lay_touched(writing, touched, cause)
    restated = await count_restated(writing.conn, writing.account_id, seq)
    return Stated(seq, restated)


async def find_executions(conn: Connection, account_id: int, text: str) -> list[Found]:
    """Executions by their own id, their order's id or their client id."""
    words = {"account_id": account_id, "id": text, "limit": FOUND_MAX}
    found = await conn.execute(TOUCHED["find_executions"], words)
    return [Found(*row) for row in await found.fetchall()]


async def _of_known_execution(
    writing: Writing, statement: Assign | Correction | Void
) -> Assign | Correction | Void:
    """The statement, if there is such an execution. A correction adds to the one that stands."""
    key = statement.execution_key
    latest = (await readings.latest_readings(writing.conn, writing.account_id, [key])).get(key)
    if latest is None or not isinstance(latest.told, Execution):
        raise NotFound("There is no such execution in this account.")
    if isinstance(statement, Assign):
        await _standing_assignment(writing, statement)
        return statement
    if stating.is_withdrawn(statement):
        if latest.said is None:
            raise UsageError("Nothing was said of that execution that could be taken back.")
        return statement
    if isinstance(statement, Void):
        return statement
    if isinstance(latest.said, Correction):
        changes = dict(latest.said.changes) | dict(statement.changes)
        statement = Correction(key, tuple(sorted(changes.items())))
    stating.check_correction(statement, latest.told)
    corrected, _ = stating.as_said(statement, latest.told)
    pieces = await laid_pieces(writing, corrected.category)
    if corrected.executed_at != latest.told.executed_at and not _holds(
        pieces, corrected.executed_at
    ):
        raise UsageError("That instant lies outside of proven history: the fill would vanish.")
    return statement


async def _standing_assignment(writing: Writing, statement: Assign) -> None:
    """An assignment can only be taken back where one stands."""
    if statement.bot is not None:
        return
    words = {
        "account_id": writing.account_id,
        "kind": "assign",
        "targets": [statement.execution_key],
        "through": writing.head.seq,
    }
    found = await (await writing.conn.execute(TOUCHED["stated_of"], words)).fetchone()
    said = None if found is None else stating.read("assign", found[1])
    if not isinstance(said, Assign) or said.bot is None:
        raise UsageError("Nothing was said of that execution that could be taken back.")


async def _laid_instant(writing: Writing, statement: OpeningBalance) -> None:
    name, at = statement.name, statement.at
    pieces = await laid_pieces(writing, name.category)
    piece = next((one for one in pieces if one.starts_at <= at < one.ends_at), None)
    if piece is None:
        raise UsageError(
            "That instant lies outside of proven history: state what was held where it begins,"
            " or fetch the history first."
        )
    words = {"account_id": writing.account_id, "category": name.category, "symbol": name.symbol}
    found = await writing.conn.execute(TOUCHED["legs_of_symbol"], words)
    legs = {row[0] for row in await found.fetchall()}
    if legs and (name.leg == "net") not in {leg == "net" for leg in legs}:
        raise UsageError(f"{name.symbol} is held as {', '.join(sorted(legs))}, not {name.leg}.")


async def refuse_dormant(writing: Writing, statement: OpeningBalance) -> None:
    """Refuse a balance that fills stand before: it would say nothing until they are gone."""
    for piece in await laid_pieces(writing, statement.name.category):
        if not piece.starts_at < statement.at < piece.ends_at:
            continue
        reader = await read_leg(await _known_now(writing), statement.name, piece)
        if await reader.any_fill(Window(piece.starts_at, statement.at)):
            raise UsageError(
                "There are fills before that instant: history begins at"
                f" {piece.starts_at.isoformat()}, so state what was held then."
            )


def _holds(pieces: Iterable[Window], at: datetime) -> bool:
    return any(piece.starts_at <= at < piece.ends_at for piece in pieces)


async def _known_now(writing: Writing) -> Knowing:
    return await knowing(writing.conn, writing.account_id, through=writing.head.seq)


async def _touched(writing: Writing, statement: Statement) -> list[Task]:
    """Which legs rest on a statement, and from when on."""
    conn, words = writing.conn, {"account_id": writing.account_id}
    keys: list[UUID] = []
    match statement:
        case Assign() | Correction() | Void():
            keys = [statement.execution_key]
        case Intent():
            found = await conn.execute(
                TOUCHED["executions_of_client"],
                words | {"client_order_id": statement.client_order_id},
            )
            keys = [row[0] for row in await found.fetchall()]
        case Price():
            what = {
                "coin": statement.coin,
                "starts_at": statement.starts_at,
                "ends_at": statement.ends_at,
            }
            found = await conn.execute(TOUCHED["touched_by_price"], words | what)
            return tasks_of(await found.fetchall())
        case OpeningBalance():
            return [
                Task(statement.name, piece, piece.starts_at)
                for piece in await laid_pieces(writing, statement.name.category)
                if piece.starts_at <= statement.at < piece.ends_at
            ]
        case TagPattern():
            return await all_tasks(await _known_now(writing))
        case Terms():
            contract = statement.category, statement.symbol
            return await all_tasks(await _known_now(writing), [contract])
    found = await conn.execute(TOUCHED["touched_by_executions"], words | {"keys": keys})
    return tasks_of(await found.fetchall())
