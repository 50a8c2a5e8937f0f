"""What people and programs state in a case, and what it does to the executions that a venue told.

============  =======================  ==========================================
stated        of                       as
============  =======================  ==========================================
assign        an execution             a bot, or a bot and a reason
correct       an execution             fields and what they truly are, by commas
void          an execution             nothing
opening       an instant, or and leg   a quantity, `at` a price, `of` an owner
============  =======================  ==========================================

`withdrawn` as the last column takes back what was stated of the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fillbook.domain.execution import Execution
from fillbook.domain.instrument import Leg, LegName
from fillbook.domain.money import amount, required
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
from tests.spec.tables import Case, Row
from tests.spec.times import instant

WITHDRAWN = "withdrawn"
LEGS: dict[str, Leg] = {"net": "net", "long": "long", "short": "short"}
FIELDS = {"time": "executed_at"}  # others are called as they are


def statements(case: Case, terms: Terms, currency: str) -> Iterator[Statement]:
    """All statements of a case, in the order stated."""
    for row in case.rows("intents"):
        yield Intent(row[""], row["bot"], row["reason"])
    for row in case.rows("pattern"):
        yield TagPattern(row[""])
    for row in case.rows("prices"):
        yield _price(row, currency)
    for row in case.rows("stated"):
        yield _statement(row, terms)


def _price(row: Row, currency: str) -> Price:
    return Price(
        coin=row[""],
        currency=row.get("in", currency),
        starts_at=instant(row["from"]),
        ends_at=instant(row["until"]),
        price=None if row["price"] == WITHDRAWN else required(row["price"], "price"),
    )


def _statement(row: Row, terms: Terms) -> Statement:
    words = () if row["as"] in ("", WITHDRAWN) else tuple(row["as"].split())
    if row[""] == "opening":
        return _opening(row, words, terms)
    key = digest_key(row["of"])
    if row[""] == "assign":
        return Assign(key, *words) if words else Assign(key, None)
    if row[""] == "void":
        return Void(key, voided=row["as"] != WITHDRAWN)
    assert row[""] == "correct", row
    pairs = (part.split() for part in row["as"].split(",")) if words else ()
    return Correction(key, tuple(sorted(_change(name, told) for name, told in pairs)))


def _opening(row: Row, words: Sequence[str], terms: Terms) -> OpeningBalance:
    at, _, leg = row["of"].partition(" ")
    said = dict(zip(words[1::2], words[2::2], strict=True))
    return OpeningBalance(
        name=LegName(terms.category, terms.symbol, LEGS[leg or "net"]),
        at=instant(at),
        qty=amount(words[0]) if words else None,
        price=amount(said.get("at")),
        owner=said.get("of", "unassigned"),
    )


def _change(name: str, told: str) -> tuple[str, str]:
    if name == "side":
        told = told.capitalize()
    return FIELDS.get(name, name), instant(told).isoformat() if name == "time" else told


def in_force(executions: Iterable[Execution], stated: Sequence[Statement]) -> list[Execution]:
    """The executions once all is stated. A void and a correction overrule each other."""
    said: dict[UUID, Correction | Void] = {}
    for one in stated:
        if isinstance(one, Correction | Void):
            said[one.execution_key] = _added(said.get(one.execution_key), one)
    found = []
    for execution in executions:
        last = said.get(execution.execution_key)
        if isinstance(last, Correction):
            found.append(corrected(execution, last.changes))
        elif last is None or not last.voided:
            found.append(execution)
    return found


def _added(before: Correction | Void | None, one: Correction | Void) -> Correction | Void:
    """A correction adds to the one that stands, unless it withdraws."""
    if not isinstance(before, Correction) or not isinstance(one, Correction) or not one.changes:
        return one
    changes = dict(before.changes) | dict(one.changes)
    return Correction(one.execution_key, tuple(sorted(changes.items())))


def corrected(execution: Execution, changes: Iterable[tuple[str, str]]) -> Execution:
    """An execution with some of its fields as a person says they are."""
    read = {name: _value(name, told) for name, told in changes}
    return replace(execution, **read)  # type: ignore[arg-type]


def _value(name: str, told: str) -> datetime | Decimal | str | None:
    if name == "executed_at":
        return datetime.fromisoformat(told)
    return told if name in ("side", "fee_currency") else amount(told)


def assigned(stated: Iterable[Statement]) -> dict[UUID, Assign]:
    """Which executions are assigned in the end."""
    last = {one.execution_key: one for one in stated if isinstance(one, Assign)}
    return {key: one for key, one in last.items() if one.bot is not None}
