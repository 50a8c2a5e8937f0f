"""Laying a leg: executions in, lines, matches and funding shares out.

`lay` takes a stretch as it stands just before an instant, and everything that happened on the leg
from that instant on. It orders the fills, splits them over owners, lays each share on its owner's
line and matches the lines. The same function serves an append of one fill, a late row and a rebuild
of the whole history; only the state it starts from differs.

Funding of an instant meets the position before the fills of that instant. Funding of a stretch
whose opening is unknown meets no position that we know.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from fillbook.accounting import books, collector, funding, ownership, sequence
from fillbook.accounting.leg import (
    Alarm,
    Fill,
    Funding,
    LaidBook,
    LaidLeg,
    StretchState,
)
from fillbook.accounting.opening_balance import with_opening
from fillbook.accounting.sequence import Step
from fillbook.accounting.units import Units
from fillbook.domain.money import decimals


@dataclass(slots=True)
class _Leg:
    """The working state of one call."""

    units: Units
    holdings: ownership.Holdings
    books: dict[str, books.OpenBook]
    unattached: list[Funding] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)


def lay(
    stretch: StretchState,
    fills: Sequence[Fill],
    flows: Sequence[Funding],
    *,
    multiplier: Decimal = Decimal(1),
) -> LaidLeg:
    """Lay fills and funding on a stretch, from the instant its state stands at."""
    with collector.paused():
        return _lay(stretch, fills, flows, multiplier)


def _lay(
    stretch: StretchState, fills: Sequence[Fill], flows: Sequence[Funding], multiplier: Decimal
) -> LaidLeg:
    if not stretch.is_new and stretch.opening_qty is None:
        return LaidLeg(replace(stretch, books={}), (), (), restart=True)
    flows = sorted(flows, key=lambda flow: (flow.at, flow.key))
    units = Units(_scale_of(stretch, fills))
    steps = [_step(fill, units) for fill in fills]
    was_new, assumed = stretch.is_new, stretch.opening_qty
    stretch = with_opening(stretch, steps, units)
    after = replace(stretch, books={}, is_new=False)
    if not was_new and stretch.opening_qty != assumed:
        return LaidLeg(after, (), (), restart=True)
    if stretch.opening_qty is None:
        return LaidLeg(after, (), tuple(flows))
    leg = _start(stretch, units)
    ordered = sequence.in_order(steps, position=leg.holdings.net)
    _walk(leg, ordered, flows)
    laid = tuple(_laid(owner, book, multiplier) for owner, book in sorted(leg.books.items()))
    return LaidLeg(after, laid, tuple(leg.unattached), tuple(leg.alarms))


def _scale_of(stretch: StretchState, fills: Sequence[Fill]) -> int:
    """The most decimals of any quantity: each one is then an integer, and so are all sums."""
    quantities: set[Decimal | None] = {fill.qty for fill in fills}
    quantities.update(fill.closed for fill in fills)
    quantities.update(_quantities_of(stretch))
    return max((decimals(qty) for qty in quantities if qty is not None), default=0)


def _quantities_of(stretch: StretchState) -> Iterator[Decimal | None]:
    yield from (stretch.opening_qty, stretch.opening_low, stretch.opening_high)
    for book in stretch.books.values():
        yield from (book.bought, book.sold)
        for line in book.open_lines:
            yield from (line.start, line.end, line.share_start, line.execution_qty)
        for part in book.funding:
            yield from (part.start, part.end)


def _step(fill: Fill, units: Units) -> Step:
    closed = None if fill.closed is None else units.as_whole(fill.closed)
    return Step(fill, 0, units.as_whole(fill.qty), closed)


def _start(stretch: StretchState, units: Units) -> _Leg:
    """Take up the books where they stand; the lots of all owners in the account's order."""
    leg = _Leg(units, ownership.Holdings(), {})
    lots = []
    for owner, state in stretch.books.items():
        book = leg.books[owner] = books.OpenBook.from_state(state, units)
        lots += [(lot.line.at, lot.line.rank, owner, lot) for lot in book.open_lines]
        if stretch.is_new:
            book.unsaved.extend(state.open_lines)
    for _, _, owner, lot in sorted(lots, key=lambda found: found[:3]):
        left = lot.end - max(lot.start, leg.books[owner].matched)
        leg.holdings.open_lot(owner, lot.line.side * left)
    return leg


def _walk(leg: _Leg, steps: Sequence[Step], flows: Sequence[Funding]) -> None:
    waiting = iter(flows)
    flow = next(waiting, None)
    for step in steps:
        while flow is not None and flow.at <= step.fill.at:
            _pay(leg, flow)
            flow = next(waiting, None)
        _place(leg, step)
    while flow is not None:
        _pay(leg, flow)
        flow = next(waiting, None)


def _place(leg: _Leg, step: Step) -> None:
    if step.qty == 0:
        return  # a fee without a quantity: an unattached cost, not a unit
    fill = step.fill
    if step.closed is not None:
        expected = sequence.closes(leg.holdings.net, fill.side, step.qty)
        if step.closed != expected:
            leg.alarms.append(Alarm("chain_break", fill.at, step.rank, fill.key))
    shares, foreign = ownership.split(step, leg.holdings)
    if foreign:
        leg.alarms.append(Alarm("foreign_close", fill.at, step.rank, fill.key))
    share_start = 0
    for owner, qty in shares.items():
        book = leg.books.get(owner)
        if book is None:
            book = leg.books[owner] = books.OpenBook(leg.units)
        book.lay(step, qty, share_start)
        leg.holdings.apply(owner, fill.side, qty)
        share_start += qty


def _pay(leg: _Leg, flow: Funding) -> None:
    positions = {owner: book.bought - book.sold for owner, book in leg.books.items()}
    parts = funding.by_owner(flow.amount, positions)
    if not parts:
        leg.unattached.append(flow)
    for owner, amount in parts.items():
        leg.books[owner].bear(flow, amount)


def _laid(owner: str, book: books.OpenBook, multiplier: Decimal) -> LaidBook:
    return LaidBook(
        owner=owner,
        lines=tuple(book.unsaved),
        matches=tuple(books.matches(book, multiplier)),
        funding=tuple(book.unsaved_payments),
    )
