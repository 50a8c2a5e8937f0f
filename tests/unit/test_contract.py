"""What contracts make of prices, and what legs that never flip make of too large a close."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from fillbook.accounting.contract import inverse_value
from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import Cause, Fill, LaidLeg, Match, StretchState
from fillbook.domain.instrument import ContractKind, Leg, LegName
from fillbook.domain.statement import Terms

AT = datetime(2024, 1, 1, tzinfo=UTC)


def fill(number: int, qty: str, price: str, *, bot: str | None = "alpha", value: str = "") -> Fill:
    """The n-th fill, a second after the one before; a negative quantity was sold."""
    signed = Decimal(qty)
    return Fill(
        key=UUID(int=number),
        order_key=UUID(int=number),
        at=AT + timedelta(seconds=number),
        tie=(number, "", ""),
        side=1 if signed > 0 else -1,
        qty=abs(signed),
        price=Decimal(price),
        fee=Decimal(0),
        closed=None,
        cause=Cause.MANUAL if bot is None else Cause.TAGGED,
        bot=bot,
        reason="exit",
        evidence="client_tag",
        value=Decimal(value) if value else None,
        owner_evidence="client_tag",
    )


def laid(fills: list[Fill], kind: ContractKind, leg: Leg = "net", multiplier: str = "1") -> LaidLeg:
    terms = Terms("category", "SYMBOL", kind, multiplier=Decimal(multiplier))
    return lay(StretchState(LegName("category", "SYMBOL", leg), AT), fills, [], Known(terms))


def matches(found: LaidLeg) -> list[Match]:
    return [match for book in found.books for match in book.matches]


@pytest.mark.parametrize(
    ("qty", "multiplier", "price", "expected"),
    [
        ("300", "1", "27464.504", "0.010923190165749944"),
        ("1", "100", "3", "33.333333333333333333"),
        ("1", "1", "2E+18", "0"),  # half a unit in the last place: to even
        ("3", "1", "2E+18", "0.000000000000000002"),
        ("5", "1", "2E+18", "0.000000000000000002"),
        ("5", "1", "2", "2.5"),
        ("1E+3", "0.01", "0.5", "20"),
    ],
)
def test_values_of_inverse_contracts(qty: str, multiplier: str, price: str, expected: str) -> None:
    """Quantity x multiplier / price, half to even at 18 decimals."""

    assert expected == format(
        inverse_value(Decimal(qty), Decimal(multiplier), Decimal(price)) or Decimal(0), "f"
    )


def test_an_inverse_long_and_short() -> None:
    """A long earns the value of its entry less that of its exit; a short the reverse."""
    fills = [fill(1, "100", "50"), fill(2, "-200", "40"), fill(3, "100", "80")]

    assert [(1, Decimal("-0.5")), (-1, Decimal("-1.25"))] == [
        (match.direction, match.gross) for match in matches(laid(fills, "inverse"))
    ]


def test_a_printed_value_is_shared_out() -> None:
    """What the venue printed counts, to its last digit; a value that nobody knows stays unknown."""
    fills = [
        fill(1, "3", "50", value="0.1"),
        fill(2, "-1", "50", value="0.02"),
        fill(3, "-2", "0"),
    ]

    first, second = matches(laid(fills, "inverse"))
    assert (first.entry_value, second.entry_value) == (
        Decimal("0.033333333333333333"),
        Decimal("0.066666666666666667"),
    )
    assert (Decimal("0.02"), Decimal("0.013333333333333333")) == (first.exit_value, first.gross)
    assert (second.exit_value, second.gross) == (None, None)


@pytest.mark.parametrize("kind", ["linear", "quanto", "option"])
def test_a_multiplier_multiplies(kind: ContractKind) -> None:
    """(exit - entry) x quantity x multiplier; no value is kept."""
    (match,) = matches(laid([fill(1, "2", "100"), fill(2, "-2", "103")], kind, multiplier="0.001"))

    assert match.gross == Decimal("0.006")
    assert (match.entry_value, match.exit_value) == (None, None)


@pytest.mark.parametrize(
    ("kind", "leg", "sign", "alarms"),
    [("linear", "long", 1, 1), ("linear", "short", -1, 1), ("spot", "net", 1, 0)],
)
def test_too_large_a_close_takes_from_outside(
    kind: ContractKind, leg: Leg, sign: int, alarms: int
) -> None:
    """The leg ends flat, never on its other side; what nobody held has no known cost."""
    found = laid([fill(1, str(2 * sign), "100"), fill(2, str(-5 * sign), "110")], kind, leg)
    (book,) = found.books

    assert [(Decimal(2), Decimal(20 * sign)), (Decimal(3), None)] == [
        (match.end - match.start, match.gross) for match in book.matches
    ]
    assert found.stretch.books["alpha"].position == 0
    assert alarms == len(found.alarms)
    outside = book.lines[1]
    assert (outside.key, outside.price, outside.value) == (None, None, None)
    assert (
        outside.order_key
        == laid([fill(2, str(-3 * sign), "1")], kind, leg).books[0].lines[0].order_key
    )
    assert [sign, sign] == [match.direction for match in book.matches]


def test_others_lots_are_taken_before_outside_holdings() -> None:
    """Own lots, then nobody's, then other bots' oldest first: a foreign close, on spot too."""
    fills = [
        fill(1, "1", "100", bot="beta"),
        fill(2, "1", "100", bot=None),
        fill(3, "1", "100"),
        fill(4, "-4", "110"),
    ]
    found = laid(fills, "spot")

    assert [
        ("alpha", "client_tag"),
        ("beta", "oldest_lots"),
        ("unassigned", "unassigned_lots"),
    ] == [(book.owner, book.lines[-1].owner_evidence) for book in found.books]
    assert [("foreign_close", UUID(int=4))] == [(alarm.kind, alarm.key) for alarm in found.alarms]


def test_an_assigned_fill_is_its_bots_whole() -> None:
    """A person said so: it may turn the bot's book round, and raises no alarm."""
    assigned = replace(fill(2, "-3", "110"), cause=Cause.ASSIGNED, bot="beta")
    found = laid([replace(fill(1, "3", "100"), reason="entry"), assigned], "linear")

    assert found.alarms == ()
    assert {"alpha": 3, "beta": -3} == {
        owner: book.position for owner, book in found.stretch.books.items()
    }


def test_a_burst_on_one_side_opens_first() -> None:
    """Within a millisecond a close finds the units it needs, if the leg had them at all."""
    fills = [replace(fill(number, qty, "100"), at=AT) for number, qty in ((1, "-2"), (2, "3"))]

    assert [1, -1] == [line.side for line in laid(fills, "spot").books[0].lines]
    assert [None] == [line.key for line in laid(fills[:1], "spot").books[0].lines if line.side > 0]
