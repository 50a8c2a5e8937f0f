"""Statements as they are kept: a kind, a target, a canonical text, a link of the chain, and back.

The target is a digest of what a statement is about, so that the last word on it is found at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from fillbook.domain import money
from fillbook.domain.execution import Execution
from fillbook.domain.instrument import LegName
from fillbook.domain.raw import digest_key
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
from fillbook.errors import LedgerError, UsageError
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import statement_payload
from fillbook.ledger.writing import Writing

FACTS = queries("facts.sql")

KINDS: Mapping[str, type[Statement]] = {
    "assign": Assign,
    "opening_balance": OpeningBalance,
    "correction": Correction,
    "void": Void,
    "intent": Intent,
    "price": Price,
    "tag_pattern": TagPattern,
    "terms": Terms,
}
_ALWAYS_THERE = frozenset(("price", "qty", "side", "executed_at"))
_CLOSES = frozenset(("qty", "side"))
_NAMES = {type_: kind for kind, type_ in KINDS.items()}

# What a correction may say, and how its text is read.
CORRECTABLE: Mapping[str, Literal["amount", "text", "time", "side"]] = {
    "price": "amount",
    "qty": "amount",
    "fee": "amount",
    "value": "amount",
    "closed_qty": "amount",
    "fee_currency": "text",
    "side": "side",
    "executed_at": "time",
    "client_order_id": "text",
}

TAG_PATTERN = digest_key("tag pattern")  # an account has one


@dataclass(frozen=True, slots=True)
class Said:
    """Who states something, and why."""

    by: str
    why: str


async def add_statement(writing: Writing, statement: Statement, said: Said) -> int:
    """Put a statement on the chain; returns its link. What follows from it is laid elsewhere."""
    kind, target, body = kind_of(statement), target_of(statement), write(statement)
    payload = statement_payload(kind, target, body, (writing.now, said.by), said.why)
    seq, hashed = writing.extend(b"s", payload)
    await writing.conn.execute(
        FACTS["add_statement"],
        {
            "account_id": writing.account_id,
            "chain_seq": seq,
            "kind": kind,
            "target": target,
            "body": body,
            "stated_at": writing.now,
            "stated_by": said.by,
            "reason": said.why,
            "chain_hash": hashed,
        },
    )
    return seq


def kind_of(statement: Statement) -> str:
    """The word for this kind of statement."""
    return _NAMES[type(statement)]


def write(statement: Statement) -> str:
    """The canonical text of a statement."""
    return msgspec.json.encode(statement, order="deterministic").decode()


def read(kind: str, body: str) -> Statement:
    """The statement behind a text."""
    try:
        statement: Statement = msgspec.json.decode(body, type=KINDS[kind])
    except (KeyError, msgspec.MsgspecError) as error:
        raise LedgerError(f"A statement cannot be read ({kind}): run `fillbook verify`.") from error
    return statement


def target_of(statement: Statement) -> UUID:
    """A digest of what a statement is about."""
    match statement:
        case Assign() | Correction() | Void():
            return statement.execution_key
        case OpeningBalance():
            return leg_target(statement.name)
        case Intent():
            return client_target(statement.client_order_id)
        case Price():
            return digest_key("coin", statement.coin, statement.currency)
        case Terms():
            return terms_target(statement.category, statement.symbol)
        case TagPattern():
            return TAG_PATTERN


def leg_target(name: LegName) -> UUID:
    """The target of statements about a leg."""
    return digest_key("leg", name.category, name.symbol, name.leg)


def terms_target(category: str, symbol: str) -> UUID:
    """The target of statements about a contract's terms."""
    return digest_key("terms", category, symbol)


def client_target(client_order_id: str) -> UUID:
    """The target of statements about a client id."""
    return digest_key("client id", client_order_id)


def is_withdrawn(said: Correction | Void) -> bool:
    """Whether it takes back what was said before."""
    return not said.voided if isinstance(said, Void) else not said.changes


def as_said(
    said: Correction | Void, execution: Execution
) -> tuple[Execution, Literal["correction", "void"]]:
    """An execution as a person says it was, and the reason of that revision."""
    if isinstance(said, Void):
        return execution, "void" if said.voided else "correction"
    changes = {name: _value(name, text) for name, text in said.changes}
    if changes.keys() & _CLOSES:  # what the venue printed belongs to what it told
        changes.setdefault("closed_qty", None)
    return replace(execution, **changes), "correction"  # type: ignore[arg-type]


def check_correction(said: Correction, execution: Execution) -> None:
    """Refuse a correction that no execution could be."""
    unknown = [name for name, _ in said.changes if name not in CORRECTABLE]
    if unknown:
        raise UsageError(f"{unknown[0]} cannot be corrected; there are: {', '.join(CORRECTABLE)}.")
    empty = [name for name, text in said.changes if not text and name in _ALWAYS_THERE]
    if empty:
        raise UsageError(f"An execution always has a {empty[0]}.")
    try:
        corrected, _ = as_said(said, execution)
    except ValueError as error:
        raise UsageError(f"That is no value for an execution: {error}.") from error
    if corrected.side not in ("Buy", "Sell"):
        raise UsageError("A side is Buy or Sell.")
    if corrected.executed_at.tzinfo is None:
        raise UsageError("A time needs a time zone: end it with Z for UTC.")
    if not corrected.qty or corrected.qty < 0:
        raise UsageError("A quantity is greater than zero: void the execution to take it out.")
    if corrected.price.is_signed() and corrected.price:
        raise UsageError("A price is not negative.")


def _value(name: str, text: str) -> Decimal | datetime | str | None:
    kind = CORRECTABLE[name]
    if kind == "amount":
        return money.amount(text)
    return datetime.fromisoformat(text) if kind == "time" else text


assert set(CORRECTABLE) <= {field.name for field in fields(Execution)}
