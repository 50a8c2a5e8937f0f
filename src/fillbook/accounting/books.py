"""One owner's book while it is being laid: two unit lines of integers, and their matches."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from fillbook.accounting import funding
from fillbook.accounting.allocation import share
from fillbook.accounting.fifo import overlaps
from fillbook.accounting.leg import BookState, Funding, FundingShare, Line, Match
from fillbook.accounting.sequence import Step
from fillbook.accounting.units import Units
from fillbook.domain.client_tag import OPENING_REASONS
from fillbook.domain.money import EXACT


@dataclass(slots=True)
class UnitLine:
    """A line with its bounds as integers."""

    line: Line
    start: int
    end: int
    share_start: int
    execution_qty: int
    flips: bool = False  # it closed everything and opened the other side

    def fee_on(self, start: int, end: int) -> Decimal | None:
        """What the units [start, end) of the line bear of the execution's fee."""
        if self.line.fee is None:
            return None
        first = self.share_start + start - self.start
        return share(self.line.fee, first, first + end - start, self.execution_qty)


@dataclass(slots=True)
class OpenBook:
    """The lines from the first open unit on."""

    units: Units
    bought: int = 0
    sold: int = 0
    matched: int = 0  # where both lines had got to when this call began
    buys: list[UnitLine] = field(default_factory=list)  # open ones, then new ones
    sells: list[UnitLine] = field(default_factory=list)
    payments: list[FundingShare] = field(default_factory=list)
    unsaved: list[Line] = field(default_factory=list)
    unsaved_payments: list[FundingShare] = field(default_factory=list)

    @classmethod
    def from_state(cls, state: BookState, units: Units) -> "OpenBook":
        """Take up a book where it stands."""
        bought, sold = units.as_whole(state.bought), units.as_whole(state.sold)
        book = cls(units, bought, sold, min(bought, sold), payments=list(state.funding))
        for line in state.open_lines:
            (book.buys if line.side > 0 else book.sells).append(_open(line, units))
        return book

    @property
    def open_lines(self) -> list[UnitLine]:
        """The lines of both sides, as far as they are at hand."""
        return self.buys + self.sells

    def lay(self, step: Step, qty: int, share_start: int) -> None:
        """Put a share of a fill at the end of its side's line."""
        fill, units = step.fill, self.units
        start, other = (self.bought, self.sold) if fill.side > 0 else (self.sold, self.bought)
        end = start + qty
        line = Line(
            side=fill.side,
            start=units.as_decimal(start),
            end=units.as_decimal(end),
            at=fill.at,
            rank=step.rank,
            key=fill.key,
            order_key=fill.order_key,
            share_start=units.as_decimal(share_start),
            execution_qty=units.as_decimal(step.qty),
            price=fill.price,
            fee=fill.fee,
            reason=fill.reason,
            evidence=fill.evidence,
        )
        laid = UnitLine(line, start, end, share_start, step.qty, flips=start < other < end)
        self.unsaved.append(line)
        if fill.side > 0:
            self.bought = end
            self.buys.append(laid)
        else:
            self.sold = end
            self.sells.append(laid)

    def bear(self, flow: Funding, amount: Decimal) -> None:
        """Let the open units bear a funding payment."""
        low, high = sorted((self.bought, self.sold))
        start, end = self.units.as_decimal(low), self.units.as_decimal(high)
        part = FundingShare(key=flow.key, at=flow.at, start=start, end=end, amount=amount)
        self.payments.append(part)
        self.unsaved_payments.append(part)


def matches(book: OpenBook, multiplier: Decimal) -> Iterator[Match]:
    """The overlaps of the two lines beyond what was matched before."""
    buys, sells, whole = book.buys, book.sells, book.units.as_whole
    found = overlaps([buy.end for buy in buys], [sell.end for sell in sells], start=book.matched)
    borne = funding.on_units(
        [(whole(part.start), whole(part.end), part.amount) for part in book.payments],
        [(start, end) for start, end, _, _ in found],
    )
    for (start, end, buy, sell), paid in zip(found, borne, strict=True):
        yield _match(book.units, (buys[buy], sells[sell]), (start, end), paid, multiplier)


def _match(
    units: Units,
    pair: tuple[UnitLine, UnitLine],
    span: tuple[int, int],
    paid: Decimal,
    multiplier: Decimal,
) -> Match:
    start, end = span
    buy, sell = pair
    bought, sold = buy.line, sell.line
    long = bought.at < sold.at or (bought.at == sold.at and bought.rank < sold.rank)
    entry, leave = pair if long else (sell, buy)
    gross = None
    if bought.price is not None and sold.price is not None:
        per_unit = EXACT.multiply(EXACT.subtract(sold.price, bought.price), multiplier)
        gross = EXACT.multiply(per_unit, units.as_decimal(end - start))
    return Match(
        start=units.as_decimal(start),
        end=units.as_decimal(end),
        direction=1 if long else -1,
        entry=entry.line,
        exit=leave.line,
        gross=gross,
        entry_fee=entry.fee_on(start, end),
        exit_fee=leave.fee_on(start, end),
        funding=paid,
        exit_reason=_exit_reason(leave),
    )


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
