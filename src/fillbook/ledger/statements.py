"""Stating something by hand: the statement, what it says of facts, and the figures that rest on it.

All in one transaction. What was stated stands until another statement withdraws it; it is never
edited, so that the chain shows who said what, when and why.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fillbook.domain.instrument import LegName
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
from fillbook.ledger import facts, stating
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.knowing import knowing
from fillbook.ledger.proofs import Touched, check_version, laid_pieces, lay_touched
from fillbook.ledger.rebuild import all_tasks
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
    await check_version(writing)
    if isinstance(statement, Assign | Correction | Void):
        await _known_execution(writing, statement)
    elif isinstance(statement, OpeningBalance):
        await _laid_instant(writing, statement)
    before = await _touched(writing, statement)
    seq = await stating.add_statement(writing, statement, said)
    if isinstance(statement, Correction | Void):
        latest = await facts.latest_readings(
            writing.conn, writing.account_id, [statement.execution_key]
        )
        additions = facts.say_into(seq, statement, latest)
        await facts.put_additions(writing, additions, booked_at=writing.now)
    touched = _together([*before, *await _touched(writing, statement)])
    cause = Cause(seq, stating.kind_of(statement), writing.now)
    await lay_touched(writing, touched, cause)
    restated = await count_restated(writing.conn, writing.account_id, seq)
    return Stated(seq, restated)


async def find_executions(conn: Connection, account_id: int, text: str) -> list[Found]:
    """Executions by their own id, their order's id or their client id."""
    words = {"account_id": account_id, "id": text, "limit": FOUND_MAX}
    found = await conn.execute(TOUCHED["find_executions"], words)
    return [Found(*row) for row in await found.fetchall()]


async def _known_execution(writing: Writing, statement: Assign | Correction | Void) -> None:
    key = statement.execution_key
    latest = (await facts.latest_readings(writing.conn, writing.account_id, [key])).get(key)
    if latest is None:
        raise NotFound("There is no such execution in this account.")
    if isinstance(statement, Assign):
        return
    if stating.is_withdrawn(statement) and latest.said is None:
        raise UsageError("Nothing was said of that execution that could be taken back.")


async def _laid_instant(writing: Writing, statement: OpeningBalance) -> None:
    pieces = await laid_pieces(writing, statement.name.category)
    if not any(piece.starts_at <= statement.at < piece.ends_at for piece in pieces):
        raise UsageError(
            "That instant lies outside of proven history: state what was held where it begins,"
            " or fetch the history first."
        )


async def _touched(writing: Writing, statement: Statement) -> list[Touched]:
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
            return await _asked(conn, "touched_by_price", words | what)
        case OpeningBalance():
            return [
                Touched(statement.name, piece, piece.starts_at)
                for piece in await laid_pieces(writing, statement.name.category)
                if piece.starts_at <= statement.at < piece.ends_at
            ]
        case TagPattern() | Terms():
            known = await knowing(conn, writing.account_id, through=writing.head.seq)
            symbol = statement.symbol if isinstance(statement, Terms) else None
            return [
                Touched(task.name, task.piece, task.piece.starts_at)
                for task in await all_tasks(known)
                if symbol in (None, task.name.symbol)
            ]
    return await _asked(conn, "touched_by_executions", words | {"keys": keys})


async def _asked(conn: Connection, name: str, words: dict[str, object]) -> list[Touched]:
    found = await conn.execute(TOUCHED[name], words)
    return [
        Touched(LegName(*leg), Window(piece.lower, piece.upper), at)
        for *leg, piece, at in await found.fetchall()
    ]


def _together(touched: list[Touched]) -> list[Touched]:
    """One for each leg and piece, from the earliest instant."""
    first: dict[tuple[LegName, Window], Touched] = {}
    for one in touched:
        key = one.name, one.piece
        if key not in first or one.since < first[key].since:
            first[key] = one
    return list(first.values())
