"""With which balance does a stretch begin, and does that still stand?

What a person stated comes first: the last stated balance whose instant lies between the start of
the stretch and its first fill. Otherwise a new stretch gets its opening from all of its fills, and
an old one goes on narrowing it by the fills that are added: what was assumed may become certain, or
turn out to be wrong. Either way the answer is the same as if all fills had come at once.

A long history is asked for its opening chunk by chunk before anything of it is laid (`narrowed`),
so that nothing has to be laid twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from fillbook.accounting.contract import Contract, of_leg
from fillbook.accounting.known import Known
from fillbook.accounting.leg import UNASSIGNED, BookState, Fill, Line, StretchState
from fillbook.accounting.opening import Opening, find_opening
from fillbook.accounting.sequence import Step, steps_of
from fillbook.accounting.units import Units, units_of
from fillbook.domain.raw import digest_key
from fillbook.domain.statement import OpeningBalance


def narrowed(stretch: StretchState, fills: Sequence[Fill], known: Known) -> StretchState:
    """Ask the next fills of a new stretch for its opening. Chunks rise and split no instant."""
    units = units_of(stretch, fills, known)
    contract = of_leg(stretch.name, known.terms)
    return _searched(stretch, steps_of(fills, units, contract), units, known, contract)


def is_settled(stretch: StretchState) -> bool:
    """Whether no later fill can change the opening: it is stated, pinned or contradicted."""
    if stretch.is_new and stretch.opening_moved_at is None:
        return False  # no fill was seen yet, and which statement fits depends on the first one
    return stretch.opening_evidence in ("stated", "pinned") or _is_contradicted(stretch)


def with_opening(
    stretch: StretchState, steps: Sequence[Step], units: Units, known: Known, contract: Contract
) -> StretchState:
    """Find the opening of a new stretch, or go on narrowing that of an old one.

    A new stretch gets the opening's book. How far the fills moved is kept while that is all there
    is to tell; once the opening is known, the books tell it.
    """
    is_found = stretch.is_new and stretch.is_searched and stretch.opening_moved_at is not None
    if is_found and stretch.opening_qty is not None:
        found = stretch
    else:  # while it is unknown, fills that the search did not reach still count as moving it
        found = _searched(stretch, steps, units, known, contract)
    if found.opening_qty is None:
        return replace(found, is_searched=False)
    books = _opening_books(found, known, contract) if stretch.is_new else stretch.books
    return replace(
        found, books=books, is_searched=False, opening_moved=Decimal(0), opening_moved_at=None
    )


def _searched(
    stretch: StretchState, steps: Sequence[Step], units: Units, known: Known, contract: Contract
) -> StretchState:
    """The stretch with what its next steps, which are in order of time, say of its opening."""
    if stretch.opening_qty is None and stretch.opening_moved_at is not None:
        since = stretch.opening_moved_at
        steps = [step for step in steps if step.fill.at > since]
    moved_at = steps[-1].fill.at if steps else stretch.opening_moved_at
    if stretch.is_new and stretch.opening_moved_at is None:
        until = steps[0].fill.at if steps else None
        stated = _stated(known.openings, stretch.started_at, until, contract.holds)
        if stated is not None:
            return _with_stated(stretch, stated, moved_at)
        before = Opening.of(contract.holds)
    elif stretch.opening_evidence == "stated":
        return stretch
    else:
        before = _found_before(stretch, units)
    opening = find_opening(steps, before, holds=contract.holds)
    return replace(
        stretch,
        opening_qty=_decimal(opening.position, units),
        opening_evidence=opening.evidence,
        opening_low=_decimal(opening.low, units),
        opening_high=_decimal(opening.high, units),
        opening_fixed_at=opening.fixed_at,
        opening_moved=units.as_decimal(opening.moved),
        opening_moved_at=moved_at,
    )


def _found_before(stretch: StretchState, units: Units) -> Opening:
    low, high = _whole(stretch.opening_low, units), _whole(stretch.opening_high, units)
    if stretch.is_new or stretch.opening_qty is None:
        moved = units.as_whole(stretch.opening_moved)
    else:
        moved = -units.as_whole(stretch.opening_qty)
        for book in stretch.books.values():
            moved += units.as_whole(book.bought) - units.as_whole(book.sold)
    return Opening(low, high, moved, stretch.opening_fixed_at, _is_contradicted(stretch))


def _is_contradicted(stretch: StretchState) -> bool:
    low, high = stretch.opening_low, stretch.opening_high
    if low is None or high is None:
        return False
    return low > high or (low == high and stretch.opening_evidence != "pinned")


def _decimal(whole: int | None, units: Units) -> Decimal | None:
    return None if whole is None else units.as_decimal(whole)


def _whole(value: Decimal | None, units: Units) -> int | None:
    return None if value is None else units.as_whole(value)


def _stated(
    openings: Sequence[OpeningBalance], started_at: datetime, until: datetime | None, holds: int
) -> OpeningBalance | None:
    """The last standing statement that a stretch can begin with.

    One on a side that the leg cannot hold says nothing.
    """
    standing: dict[datetime, OpeningBalance] = {}
    for stated in openings:
        standing.pop(stated.at, None)  # said again, or withdrawn
        if stated.qty is not None and not (stated.qty < 0 < holds or holds < 0 < stated.qty):
            standing[stated.at] = stated
    fitting = [
        stated
        for at, stated in standing.items()
        if at >= started_at and (until is None or at <= until)
    ]
    return fitting[-1] if fitting else None


def _with_stated(
    stretch: StretchState, stated: OpeningBalance, moved_at: datetime | None
) -> StretchState:
    return replace(
        stretch,
        opening_qty=stated.qty,
        opening_evidence="stated",
        opening_low=None,
        opening_high=None,
        opening_fixed_at=stated.at,
        opening_moved_at=moved_at,
    )


def _opening_books(stretch: StretchState, known: Known, contract: Contract) -> dict[str, BookState]:
    """A balance is a named fact of the stretch, never an invented fill."""
    qty, at = stretch.opening_qty, stretch.opening_fixed_at
    if not qty:
        return {}
    if stretch.opening_evidence != "stated":
        line = _opening_line(contract, stretch.started_at, qty, None, "opening_balance")
        return {UNASSIGNED: _book(line)}
    assert at is not None
    stated = _stated([each for each in known.openings if each.at == at], at, at, contract.holds)
    assert stated is not None
    return {stated.owner: _book(_opening_line(contract, at, qty, stated.price, "stated"))}


def _opening_line(
    contract: Contract, at: datetime, qty: Decimal, price: Decimal | None, evidence: str
) -> Line:
    name, held = contract.name, qty.copy_abs()
    return Line(
        side=1 if qty > 0 else -1,
        start=Decimal(0),
        end=held,
        at=at,
        rank=-1,
        key=None,
        order_key=digest_key("opening", name.category, name.symbol, name.leg),
        share_start=Decimal(0),
        execution_qty=held,
        price=price,
        fee=Decimal(0),
        reason="unknown",
        evidence="opening_balance",
        value=contract.value(None, held, price),
        owner_evidence=evidence,
    )


def _book(line: Line) -> BookState:
    return BookState(
        bought=line.end if line.side > 0 else Decimal(0),
        sold=line.end if line.side < 0 else Decimal(0),
        open_lines=(line,),
    )
