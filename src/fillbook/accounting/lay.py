"""Laying a leg: executions in, lines, matches, funding shares and round trips out.

`lay` takes a stretch as it stands just before an instant, and everything that happened on the leg
from that instant on. It orders the fills, splits them over owners, lays each share on its owner's
line and matches the lines. The same function serves an append of one fill, a late row and a rebuild
of the whole history; only the state it starts from differs. It gives back the state it ends in, so
that a long history is laid in chunks that split no instant.

Funding of an instant meets the position before the fills of that instant. Funding of a stretch
whose opening is unknown meets no position that we know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from fillbook.accounting import collector, funding, ownership, sequence
from fillbook.accounting.books import Frame, OpenBook
from fillbook.accounting.contract import of_leg
from fillbook.accounting.known import Known
from fillbook.accounting.leg import Alarm, Fill, Funding, LaidLeg, StretchState, Unattached
from fillbook.accounting.opening_balance import with_opening
from fillbook.accounting.sequence import Step
from fillbook.accounting.units import units_of


@dataclass(slots=True)
class _Leg:
    """The working state of one call."""

    frame: Frame
    holdings: ownership.Holdings
    books: dict[str, OpenBook]
    unattached: list[Unattached] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def book(self, owner: str) -> OpenBook:
        """The book of an owner, new at the owner's first fill."""
        book = self.books.get(owner)
        if book is None:
            book = self.books[owner] = OpenBook(self.frame)
        return book


def lay(
    stretch: StretchState, fills: Sequence[Fill], flows: Sequence[Funding], known: Known
) -> LaidLeg:
    """Lay fills and funding on a stretch, from the instant its state stands at."""
    with collector.paused():
        return _lay(stretch, fills, flows, known)


def _lay(
    stretch: StretchState, fills: Sequence[Fill], flows: Sequence[Funding], known: Known
) -> LaidLeg:
    contract = of_leg(stretch.name, known.terms)
    units = units_of(stretch, fills, known)
    steps = sequence.steps_of(fills, units, contract)
    found = with_opening(stretch, steps, units, known, contract)
    after = replace(found, books={}, is_new=False)
    if not stretch.is_new and found.opening_qty != stretch.opening_qty:
        return LaidLeg(after, (), restart=True)
    costs = [_unattached_fee(fill) for fill in fills if not fill.qty and fill.fee != 0]
    if found.opening_qty is None:
        costs += [_unattached_funding(flow) for flow in flows]
        return LaidLeg(after, (), _in_order(costs))
    leg = _start(found, Frame.of(contract, units))
    ordered = sequence.in_order(steps, position=leg.holdings.net, holds=contract.holds)
    _walk(leg, ordered, sorted(flows, key=lambda flow: (flow.at, flow.key)))
    laid = tuple(book.laid(owner) for owner, book in sorted(leg.books.items()))
    states = {owner: book.state() for owner, book in leg.books.items()}
    costs += leg.unattached
    return LaidLeg(replace(after, books=states), laid, _in_order(costs), tuple(leg.alarms))


def _unattached_fee(fill: Fill) -> Unattached:
    return Unattached("fee", fill.key, fill.at, fill.fee)


def _unattached_funding(flow: Funding) -> Unattached:
    return Unattached("funding", flow.key, flow.at, flow.amount)


def _in_order(costs: Iterable[Unattached]) -> tuple[Unattached, ...]:
    return tuple(sorted(costs, key=lambda cost: (cost.at, cost.key)))


def _start(stretch: StretchState, frame: Frame) -> _Leg:
    """Take up the books where they stand; the lots of all owners in the account's order."""
    leg = _Leg(frame, ownership.Holdings(), {})
    lots = []
    for owner, state in stretch.books.items():
        book = leg.books[owner] = OpenBook.from_state(state, frame)
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
        if step.qty:  # otherwise a fee without a quantity: an unattached cost, not a unit
            _place(leg, step)
    while flow is not None:
        _pay(leg, flow)
        flow = next(waiting, None)


def _place(leg: _Leg, step: Step) -> None:
    fill, holdings, contract = step.fill, leg.holdings, leg.frame.contract
    if step.closed is not None:
        expected = sequence.closes(holdings.net, fill.side, step.qty)
        if step.closed != expected:
            leg.alarms.append(Alarm("chain_break", fill.at, step.rank, fill.key))
    owner = ownership.sole_owner(step, holdings, contract)
    if owner is None:
        _place_shares(leg, step, ownership.split(step, holdings, contract))
    else:
        leg.book(owner).lay(step, step.qty, 0, fill.owner_evidence)
        holdings.apply(owner, fill.side, step.qty)


def _place_shares(leg: _Leg, step: Step, split: ownership.Split) -> None:
    fill, share_start = step.fill, 0
    if split.foreign:
        leg.alarms.append(Alarm("foreign_close", fill.at, step.rank, fill.key))
    for owner, qty in split.shares.items():
        book, outside = leg.book(owner), split.outside.get(owner, 0)
        if outside:
            book.lay_outside(step, outside, owner)
        book.lay(step, qty, share_start, split.evidence[owner])
        leg.holdings.apply(owner, fill.side, qty - outside)
        share_start += qty


def _pay(leg: _Leg, flow: Funding) -> None:
    positions = {owner: book.bought - book.sold for owner, book in leg.books.items()}
    parts = {} if flow.amount is None else funding.by_owner(flow.amount, positions)
    if not parts:
        leg.unattached.append(_unattached_funding(flow))
    for owner, amount in parts.items():
        leg.books[owner].bear(flow, amount)
