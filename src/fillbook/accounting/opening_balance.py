"""With which balance does a stretch begin, and does that still stand?

A new stretch gets its opening from all of its fills. An old one goes on narrowing it by the fills
that are added: what was assumed may become certain, or turn out to be wrong. Either way the answer
is the same as if all fills had come at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from fillbook.accounting.leg import UNASSIGNED, BookState, Line, StretchState
from fillbook.accounting.opening import Opening, find_opening
from fillbook.accounting.sequence import Step
from fillbook.accounting.units import Units
from fillbook.domain.raw import digest_key


def with_opening(stretch: StretchState, steps: Sequence[Step], units: Units) -> StretchState:
    """Find the opening of a new stretch, or go on narrowing that of an old one."""
    by_time = sorted(steps, key=lambda step: step.fill.at)
    opening = find_opening(by_time, Opening() if stretch.is_new else _found_before(stretch, units))
    qty = _decimal(opening.position, units)
    narrowed = replace(
        stretch,
        opening_qty=qty,
        opening_evidence=opening.evidence,
        opening_low=_decimal(opening.low, units),
        opening_high=_decimal(opening.high, units),
        opening_fixed_at=opening.fixed_at,
    )
    if stretch.is_new and qty:
        return replace(narrowed, books={UNASSIGNED: _opening_book(stretch, qty)})
    return narrowed


def _found_before(stretch: StretchState, units: Units) -> Opening:
    net = sum(
        units.as_whole(book.bought) - units.as_whole(book.sold) for book in stretch.books.values()
    )
    low, high = _whole(stretch.opening_low, units), _whole(stretch.opening_high, units)
    return Opening(
        low=low,
        high=high,
        moved=net - (_whole(stretch.opening_qty, units) or 0),
        fixed_at=stretch.opening_fixed_at,
        contradicted=stretch.opening_evidence != "pinned" and low is not None and low == high,
    )


def _decimal(whole: int | None, units: Units) -> Decimal | None:
    return None if whole is None else units.as_decimal(whole)


def _whole(value: Decimal | None, units: Units) -> int | None:
    return None if value is None else units.as_whole(value)


def _opening_book(stretch: StretchState, qty: Decimal) -> BookState:
    """A balance of unknown cost: a named fact of the stretch, never an invented fill."""
    name = stretch.name
    held = qty.copy_abs()
    line = Line(
        side=1 if qty > 0 else -1,
        start=Decimal(0),
        end=held,
        at=stretch.started_at,
        rank=-1,
        key=None,
        order_key=digest_key("opening", name.category, name.symbol, name.leg),
        share_start=Decimal(0),
        execution_qty=held,
        price=None,
        fee=Decimal(0),
        reason="unknown",
        evidence="opening_balance",
    )
    return BookState(
        bought=held if qty > 0 else Decimal(0),
        sold=held if qty < 0 else Decimal(0),
        open_lines=(line,),
    )
