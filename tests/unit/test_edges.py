"""Edges of the kernel that a drawn history seldom reaches."""

import gc
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from fillbook.accounting import collector
from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import BookState, Cause, Fill, Funding, StretchState
from fillbook.accounting.opening import Opening, find_opening
from fillbook.accounting.opening_balance import is_settled
from fillbook.accounting.sequence import SEARCH_STEPS_MAX, Step, in_order
from fillbook.domain.instrument import LegName
from fillbook.domain.statement import Terms

AT = datetime(2024, 1, 1, tzinfo=UTC)
NEW = StretchState(LegName("linear", "BTCUSDT", "net"), AT)
KNOWN = Known(Terms("linear", "BTCUSDT"))
FILL = Fill(
    key=UUID(int=1),
    order_key=UUID(int=1),
    at=AT,
    tie=(1, "1", "1"),
    side=1,
    qty=Decimal(1),
    price=Decimal(1),
    fee=Decimal(0),
    closed=None,
    cause=Cause.MANUAL,
    bot=None,
    reason="unknown",
    evidence="none",
)


def step(number: int, side: int, qty: int, closed: int | None) -> Step:
    fill = replace(FILL, key=UUID(int=number), tie=(number, "", ""), side=side)
    return Step(fill, 0, qty, closed)


def test_an_impossible_burst_keeps_the_given_order() -> None:
    """Closed sizes that no order explains leave the order of the ties."""
    steps = [step(1, 1, 1, 1), step(2, -1, 1, 1), step(3, 1, 2, None)]

    assert [1, 2, 3] == [placed.fill.key.int for placed in in_order(steps, position=0)]


def test_a_hopeless_burst_is_given_up() -> None:
    """The search is bounded: a burst beyond the bound keeps the given order."""
    many = [step(number, 1 - 2 * (number % 2), number + 1, None) for number in range(20)]
    steps = [*many, step(20, 1, 10**6, 10**6)]

    assert SEARCH_STEPS_MAX < 2**20
    assert list(range(21)) == [placed.fill.key.int for placed in in_order(steps, position=0)]


def test_positions_have_all_their_digits() -> None:
    """Thirty-eight digits less one unit in the last place."""
    state = BookState(bought=Decimal("9" * 38), sold=Decimal("1E-18"))

    assert str(state.position) == "9" * 37 + "8." + "9" * 18


def test_closed_sizes_that_cannot_be_are_no_evidence() -> None:
    """More than the fill, or less than nothing."""
    for closed in (-1, 6):
        assert find_opening([step(1, 1, 5, closed)]).evidence == "assumed_flat"


def test_evidence_ends_at_a_contradiction() -> None:
    """A fill is missing: what was known before it stands, what comes after it says nothing."""
    flat_then_not = [step(1, 1, 1, 0), step(2, -1, 5, 0)]
    held_then_not = [step(1, -1, 5, 5), step(2, 1, 1, 0), step(3, -1, 5, 0)]

    later = step(4, 1, 9, 3)
    for steps, expected in ((flat_then_not, "assumed_flat"), (held_then_not, "unknown")):
        timed = [
            replace(each, fill=replace(each.fill, at=AT.replace(second=index)))
            for index, each in enumerate([*steps, later])
        ]
        found = find_opening(timed)
        assert (expected, True) == (found.evidence, found.contradicted)
        assert found.fixed_at == AT.replace(second=len(steps) - 1)


def test_simultaneous_fills_contradict_in_any_order() -> None:
    """What the fills of an instant say counts together, however they are listed."""
    fills = [step(1, 1, 1, 1), step(2, -1, 1, 0), step(3, -1, 5, 5)]

    for listed in (fills, fills[::-1]):
        found = find_opening(listed, Opening(low=100))
        assert (100, 5, "unknown") == (found.low, found.high, found.evidence)
        assert found.contradicted


def test_the_collector_is_paused_and_resumed() -> None:
    """While a leg is laid nothing looks for cycles; afterwards things are as they were."""
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with collector.paused():
                assert not gc.isenabled()
            assert enabled == gc.isenabled()
        finally:
            gc.enable()


def test_an_unknown_opening_is_appended_to() -> None:
    """Later fills go on from what the earlier ones left open; one that pins it asks for all."""
    held = replace(FILL, side=-1, closed=Decimal(1))
    unknown = lay(NEW, [held], [], KNOWN).stretch
    later = replace(FILL, key=UUID(int=2), at=AT.replace(hour=1))

    assert (None, "unknown") == (unknown.opening_qty, unknown.opening_evidence)
    assert not unknown.may_resume_at(AT)
    assert unknown.may_resume_at(later.at)
    still = lay(unknown, [later], [], KNOWN)
    assert not still.restart
    assert still.stretch.opening_moved == 0
    assert later.at == still.stretch.opening_moved_at
    assert lay(unknown, [replace(held, at=later.at, qty=Decimal(2))], [], KNOWN).restart


def test_a_contradicted_opening_stays_unknown() -> None:
    """At least one was held, and at most nothing: no later fill can tell."""
    held = replace(FILL, side=-1, closed=Decimal(1))
    never = replace(held, key=UUID(int=2), at=AT.replace(hour=1), side=1)
    pins = replace(held, key=UUID(int=3), at=AT.replace(hour=2), qty=Decimal(5))
    found = lay(NEW, [held, never], [], KNOWN).stretch

    assert is_settled(found)
    assert not is_settled(lay(NEW, [held], [], KNOWN).stretch)
    after = lay(found, [pins], [], KNOWN)
    assert not after.restart
    assert after.stretch.opening_qty is None


def test_a_wrong_assumption_is_laid_again() -> None:
    """Flat was assumed; a later fill proves that 2 were held."""
    first = lay(NEW, [replace(FILL, at=AT.replace(second=1), closed=Decimal(0))], [], KNOWN)
    assert first.stretch.opening_evidence == "assumed_flat"

    state = replace(first.stretch, books={"unassigned": BookState(bought=Decimal(1))})
    later = replace(FILL, key=UUID(int=2), at=AT.replace(second=2), side=-1)
    assert lay(state, [replace(later, qty=Decimal(9), closed=Decimal(3))], [], KNOWN).restart
    assert not lay(state, [replace(later, qty=Decimal(9), closed=Decimal(1))], [], KNOWN).restart


def test_small_shares_of_funding_keep_their_digits() -> None:
    """Forty decimals of a payment survive the sum over a match."""
    paid = Decimal("0.1234567890123456789012345678901234567891")
    leave = replace(FILL, key=UUID(int=2), at=AT.replace(second=2), side=-1)
    flows = [
        Funding(UUID(int=number), AT.replace(second=1), amount)
        for number, amount in enumerate((paid, Decimal(10**20)))
    ]

    laid = lay(NEW, [FILL, leave], flows, KNOWN)
    assert str(laid.books[0].matches[0].funding) == "100000000000000000000" + str(paid)[1:]
