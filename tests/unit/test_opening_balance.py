"""Stated openings: which statement a stretch begins with, and what it brings."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import BookState, Cause, StretchState
from fillbook.accounting.opening_balance import is_settled, narrowed
from fillbook.domain.instrument import ContractKind, Leg, LegName
from fillbook.domain.statement import OpeningBalance, Terms
from tests.unit.test_contract import AT, fill

HOUR = timedelta(hours=1)
FIRST = AT + timedelta(seconds=1)  # the first fill of all cases


def known(
    *stated: tuple[timedelta, str | None], kind: ContractKind = "linear", leg: Leg = "net"
) -> Known:
    name = LegName("category", "SYMBOL", leg)
    openings = [
        OpeningBalance(name, AT + after, None if qty is None else Decimal(qty), Decimal(50), "beta")
        for after, qty in stated
    ]
    return Known(Terms("category", "SYMBOL", kind), openings=openings)


def new(leg: Leg = "net") -> StretchState:
    return StretchState(LegName("category", "SYMBOL", leg), AT)


NOW, SECOND = timedelta(0), timedelta(seconds=1)

CHOICES = [
    ([(NOW, "7")], "7"),
    ([(SECOND, "7")], "7"),  # just before the first fill
    ([(2 * SECOND, "7")], None),
    ([(-SECOND, "7")], None),
    ([(SECOND, "7"), (NOW, "8")], "8"),  # the last one stated
    ([(NOW, "8"), (SECOND, "7"), (NOW, "9")], "9"),  # said again
    ([(NOW, "8"), (SECOND, "7"), (SECOND, None)], "8"),  # withdrawn
    ([(NOW, None)], None),
    ([(NOW, "0")], "0"),
]


@pytest.mark.parametrize(("stated", "expected"), CHOICES)
def test_which_statement_counts(
    stated: list[tuple[timedelta, str | None]], expected: str | None
) -> None:
    """The last one stated that lies between the start and the first fill; search and lay agree."""
    told = known(*stated)
    found = lay(new(), [fill(1, "1", "100")], [], told).stretch
    searched = narrowed(new(), [fill(1, "1", "100")], told)

    assert (expected is not None) == (found.opening_evidence == "stated")
    assert Decimal(expected or 0) == found.opening_qty
    assert (found.opening_qty, found.opening_evidence) == (
        searched.opening_qty,
        searched.opening_evidence,
    )
    assert is_settled(searched) == (expected is not None)


def test_a_fill_without_quantity_is_a_first_fill_too() -> None:
    """What was stated for a later instant was held after it, and says nothing of the start."""
    empty = replace(fill(1, "1", "100"), qty=Decimal(0))
    told = known((2 * SECOND, "7"))

    assert lay(new(), [fill(3, "1", "1")], [], told).stretch.opening_evidence == "stated"
    assert lay(new(), [empty, fill(3, "1", "1")], [], told).stretch.opening_qty == 0


def test_without_fills_a_statement_counts_until_an_earlier_fill_comes() -> None:
    """It lies after the start; a fill before it makes the stretch begin anew."""
    found = lay(new(), [], [], known((HOUR, "7"))).stretch

    assert found.opening_qty == Decimal(7)
    assert found.opening_evidence == "stated"
    assert not found.may_resume_at(AT + HOUR)
    assert found.may_resume_at(AT + 2 * HOUR)
    assert not is_settled(narrowed(new(), [], known((HOUR, "7"))))


def test_a_stated_opening_has_an_owner_a_price_and_a_time() -> None:
    """A known cost makes a known result; closed sizes that contradict it are named."""
    sold = replace(fill(1, "-2", "60", bot="beta"), closed=Decimal(1))
    found = lay(new(), [sold], [], known((NOW, "3")))
    (book,) = found.books

    assert [("beta", Decimal(20))] == [(book.owner, match.gross) for match in book.matches]
    opening = book.lines[0]
    assert (opening.at, opening.evidence, opening.owner_evidence) == (
        AT,
        "opening_balance",
        "stated",
    )
    assert ["chain_break"] == [alarm.kind for alarm in found.alarms]
    assert (None, None) == (found.stretch.opening_low, found.stretch.opening_high)


def test_a_stated_opening_of_an_inverse_contract_has_a_value() -> None:
    """Quantity / price, as for a fill that prints none."""
    found = lay(new(), [fill(1, "100", "40", bot="beta")], [], known((NOW, "-100"), kind="inverse"))

    (match,) = found.books[0].matches
    assert (Decimal(2), Decimal("2.5"), Decimal("0.5")) == (
        match.entry_value,
        match.exit_value,
        match.gross,
    )


@pytest.mark.parametrize(("leg", "qty"), [("long", "-1"), ("short", "1")])
def test_a_statement_on_the_wrong_side_says_nothing(leg: Leg, qty: str) -> None:
    """A leg that holds one side only cannot begin on the other."""
    found = lay(new(leg), [], [], known((NOW, qty), leg=leg)).stretch

    assert found.opening_qty == Decimal(0)
    assert found.opening_evidence == "assumed_flat"


def test_round_trips_leave_dust_to_the_next() -> None:
    """Less than the smallest order is flat; a fill that turns the position ends a trip as well."""
    terms = Terms("category", "SYMBOL", qty_min=Decimal("0.1"))
    fills = [
        replace(fill(number, qty, "100"), cause=Cause.TAGGED)
        for number, qty in enumerate(["1", "-0.95", "1", "-2", "0.95"], start=1)
    ]
    (book,) = lay(new(), fills, [], Known(terms)).books

    bounds = [("0", "0.95", 2), ("0.95", "2", 4), ("2", "2.95", 5)]
    assert [
        (Decimal(start), Decimal(end), AT + timedelta(seconds=second))
        for start, end, second in bounds
    ] == [(trip.start, trip.end, trip.ended_at) for trip in book.trips]


def test_a_stretch_is_laid_once_anything_lies_on_a_line() -> None:
    """An empty book is none; what was bought and sold again still lies there."""
    empty = replace(new(), books={"alpha": BookState()})
    flat = replace(new(), books={"alpha": BookState(bought=Decimal(2), sold=Decimal(2))})

    assert not empty.is_laid
    assert flat.is_laid
