"""One owner's book while it is being laid: two unit lines of integers, and what comes of them.

A match is an overlap of the two lines. A round trip is the units from flat to flat: it ends where a
share leaves less open than the smallest order, or turns the book round. It ends at a unit, so that
each match lies in one trip; what stays open as dust belongs to the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from fillbook.accounting import funding
from fillbook.accounting.allocation import Spread
from fillbook.accounting.contract import Contract
from fillbook.accounting.fifo import overlaps
from fillbook.accounting.leg import (
    BookState,
    Funding,
    FundingShare,
    LaidBook,
    Line,
    Match,
    Trip,
)
from fillbook.accounting.sequence import Step
from fillbook.accounting.units import Units
from fillbook.domain.client_tag import OPENING_REASONS
from fillbook.domain.money import EXACT
from fillbook.domain.raw import digest_key

OUTSIDE = "outside_holdings"


@dataclass(slots=True)
class UnitLine:
    """A line with its bounds as integers."""

    line: Line
    start: int
    end: int
    share_start: int
    execution_qty: int
    flips: bool = False  # it closed everything and opened the other side
    fees: Spread | None = None  # made when they are first asked for
    values: Spread | None = None

    def fee_on(self, start: int, end: int) -> Decimal | None:
        """What the units [start, end) of the line bear of the execution's fee."""
        fee = self.line.fee
        if fee is None or end - start == self.execution_qty:
            return fee
        if self.fees is None:
            self.fees = Spread(fee, self.execution_qty)
        first = self.share_start - self.start
        return self.fees.part(first + start, first + end)

    def value_of(self, start: int, end: int) -> Decimal | None:
        """What the units [start, end) of the line have of the execution's value."""
        value = self.line.value
        if value is None or end - start == self.execution_qty:
            return value
        if self.values is None:
            self.values = Spread(value, self.execution_qty)
        first = self.share_start - self.start
        return self.values.part(first + start, first + end)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all books of a leg share in one call."""

    contract: Contract
    units: Units
    flat_below: int  # a position of less is flat

    @classmethod
    def of(cls, contract: Contract, units: Units) -> "Frame":
        """Without a smallest order only nothing at all is flat."""
        return cls(contract, units, max(1, units.as_whole(contract.qty_min or Decimal(0))))


@dataclass(slots=True)
class OpenBook:
    """The lines from the first open unit on."""

    frame: Frame
    bought: int = 0
    sold: int = 0
    trip_start: int = 0
    matched: int = 0  # where both lines had got to when this call began
    buys: list[UnitLine] = field(default_factory=list)  # open ones, then new ones
    sells: list[UnitLine] = field(default_factory=list)
    payments: list[funding.Payment] = field(default_factory=list)
    parts: list[FundingShare] = field(default_factory=list)  # of the same payments
    parts_before: int = 0
    realized: Decimal = Decimal(0)
    unvalued: int = 0
    unsaved: list[Line] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)

    @classmethod
    def from_state(cls, state: BookState, frame: Frame) -> "OpenBook":
        """Take up a book where it stands."""
        whole = frame.units.as_whole
        bought, sold = whole(state.bought), whole(state.sold)
        book = cls(frame, bought, sold, whole(state.trip_start), min(bought, sold))
        for line in state.open_lines:
            (book.buys if line.side > 0 else book.sells).append(_open(line, frame.units))
        book.parts.extend(state.funding)
        book.payments.extend((whole(p.start), whole(p.end), p.amount) for p in state.funding)
        book.parts_before = len(book.parts)
        book.realized, book.unvalued = state.realized, state.unvalued
        return book

    @property
    def open_lines(self) -> list[UnitLine]:
        """The lines of both sides, as far as they are at hand."""
        return self.buys + self.sells

    def lay(self, step: Step, qty: int, share_start: int, owner_evidence: str) -> None:
        """Put a share of a fill at the end of its side's line."""
        fill, contract, decimal = step.fill, self.frame.contract, self.frame.units.as_decimal
        start, other = (self.bought, self.sold) if fill.side > 0 else (self.sold, self.bought)
        end = start + qty
        execution_qty = decimal(step.qty)
        value = None
        if contract.is_inverse:
            value = contract.value(fill.value, execution_qty, fill.price)
        line = Line(
            fill.side,
            decimal(start),
            decimal(end),
            fill.at,
            step.rank,
            fill.key,
            fill.order_key,
            decimal(share_start),
            execution_qty,
            fill.price,
            fill.fee,
            fill.reason,
            fill.evidence,
            value,
            owner_evidence,
            fill.tag_unread,
        )
        crossed = start < other < end
        self._put(UnitLine(line, start, end, share_start, step.qty, crossed))
        if crossed or abs(end - other) < self.frame.flat_below:
            self._flat(fill.at)

    def lay_outside(self, step: Step, qty: int, owner: str) -> None:
        """Put units of unknown cost where a fill closes more than was held."""
        start = self.bought if step.fill.side < 0 else self.sold
        decimal = self.frame.units.as_decimal
        span = (decimal(start), decimal(start + qty), decimal(qty))
        line = _outside_line(step, self.frame.contract, owner, span=span)
        self._put(UnitLine(line, start, start + qty, 0, qty))

    def _put(self, laid: UnitLine) -> None:
        self.unsaved.append(laid.line)
        if laid.line.side > 0:
            self.bought = laid.end
            self.buys.append(laid)
        else:
            self.sold = laid.end
            self.sells.append(laid)

    def _flat(self, at: datetime) -> None:
        """End the round trip that is under way, if it has closed anything."""
        end = min(self.bought, self.sold)
        if end > self.trip_start:
            decimal = self.frame.units.as_decimal
            self.trips.append(Trip(decimal(self.trip_start), decimal(end), at))
            self.trip_start = end

    def bear(self, flow: Funding, amount: Decimal) -> None:
        """Let the open units bear a funding payment."""
        low, high = sorted((self.bought, self.sold))
        decimal = self.frame.units.as_decimal
        self.payments.append((low, high, amount))
        self.parts.append(FundingShare(flow.key, flow.at, decimal(low), decimal(high), amount))

    def laid(self, owner: str) -> LaidBook:
        """What this call has added."""
        return LaidBook(
            owner=owner,
            lines=tuple(self.unsaved),
            matches=tuple(matches(self)),
            funding=tuple(self.parts[self.parts_before :]),
            trips=tuple(self.trips),
        )

    def state(self) -> BookState:
        """The book as it stands: what is open, and the payments that reach into it."""
        decimal, matched = self.frame.units.as_decimal, min(self.bought, self.sold)
        leading = self.buys if self.bought > self.sold else self.sells
        closed = next((i for i in range(len(leading), 0, -1) if leading[i - 1].end <= matched), 0)
        paid = self.payments
        past = next((i for i in range(len(paid), 0, -1) if paid[i - 1][1] <= matched), 0)
        return BookState(
            bought=decimal(self.bought),
            sold=decimal(self.sold),
            open_lines=tuple([open_line.line for open_line in leading[closed:]]),
            funding=tuple(self.parts[past:]),
            trip_start=decimal(self.trip_start),
            realized=self.realized,
            unvalued=self.unvalued,
        )

    def realize(self, gross: Decimal | None, *costs: Decimal | None) -> None:
        """Add a match to what the book has earned."""
        if gross is None or None in costs:
            self.unvalued += 1
            return
        for cost in costs:
            assert cost is not None
            gross = EXACT.subtract(gross, cost)
        self.realized = EXACT.add(self.realized, gross)


def matches(book: OpenBook) -> Iterator[Match]:
    """The overlaps of the two lines beyond what was matched before."""
    buys, sells = book.buys, book.sells
    contract, decimal = book.frame.contract, book.frame.units.as_decimal
    found = overlaps([buy.end for buy in buys], [sell.end for sell in sells], start=book.matched)
    borne = funding.on_units(book.payments, [(start, end) for start, end, _, _ in found])
    for (start, end, bought, sold), paid in zip(found, borne, strict=True):
        buy, sell = buys[bought], sells[sold]
        long = _is_first(buy.line, sell.line)
        entry, leave = (buy, sell) if long else (sell, buy)
        entry_value = exit_value = None
        if contract.is_inverse:
            entry_value, exit_value = entry.value_of(start, end), leave.value_of(start, end)
            values = (entry_value, exit_value) if long else (exit_value, entry_value)
            gross = contract.gross_of_values(*values)
        else:
            gross = contract.gross(buy.line.price, sell.line.price, decimal(end - start))
        entry_fee, exit_fee = entry.fee_on(start, end), leave.fee_on(start, end)
        book.realize(gross, entry_fee, exit_fee, paid)
        yield Match(
            decimal(start),
            decimal(end),
            1 if long else -1,
            entry.line,
            leave.line,
            gross,
            entry_fee,
            exit_fee,
            paid,
            _exit_reason(leave),
            entry_value,
            exit_value,
            book.realized,
            book.unvalued,
        )


def _is_first(line: Line, other: Line) -> bool:
    """Whether a line is the entry; of a fill and its outside holdings these are."""
    if line.at < other.at:
        return True
    if other.at < line.at:
        return False
    return line.rank < other.rank if line.rank != other.rank else line.key is None


def _exit_reason(leave: UnitLine) -> str:
    """A tag that says entry is no reason to leave: the fill closed the position or turned it."""
    reason = leave.line.reason
    if reason not in OPENING_REASONS:
        return reason
    return "reversal" if leave.flips or reason == "reversal" else "exit"


def _open(line: Line, units: Units) -> UnitLine:
    whole = units.as_whole
    return UnitLine(
        line=line,
        start=whole(line.start),
        end=whole(line.end),
        share_start=whole(line.share_start),
        execution_qty=whole(line.execution_qty),
    )


def _outside_line(
    step: Step, contract: Contract, owner: str, *, span: tuple[Decimal, Decimal, Decimal]
) -> Line:
    fill, name = step.fill, contract.name
    start, end, qty = span
    return Line(
        side=-fill.side,
        start=start,
        end=end,
        at=fill.at,
        rank=step.rank,
        key=None,
        order_key=digest_key("outside", name.category, name.symbol, name.leg, str(fill.key), owner),
        share_start=Decimal(0),
        execution_qty=qty,
        price=None,
        fee=Decimal(0),
        reason="unknown",
        evidence=OUTSIDE,
        owner_evidence=OUTSIDE,
    )
