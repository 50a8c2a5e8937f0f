"""Books kept over many calls, as a ledger keeps them: drop from an instant on, resume, add."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import (
    Alarm,
    BookState,
    Fill,
    Funding,
    FundingShare,
    LaidLeg,
    Line,
    Match,
    StretchState,
    Trip,
    Unattached,
)
from tests.property.histories import PLAIN


@dataclass(slots=True)
class Book:
    """The rows of one owner."""

    lines: list[Line] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    funding: list[FundingShare] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.lines or self.matches or self.funding)


@dataclass(slots=True)
class Rows:
    """Everything that was laid on a stretch, by owner, and the facts it was laid from."""

    stretch: StretchState
    known: Known = PLAIN
    books: dict[str, Book] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    unattached: list[Unattached] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    flows: list[Funding] = field(default_factory=list)

    def book(self, fills: Sequence[Fill], flows: Sequence[Funding]) -> None:
        """Take in more facts, whenever they happened."""
        self.fills += fills
        self.flows += flows
        instants = [*(fill.at for fill in fills), *(flow.at for flow in flows)]
        self.lay_from(min(instants, default=self.stretch.started_at))

    def lay_from(self, at: datetime) -> None:
        """Lay again everything from an instant on."""
        if not self.fills and not self.flows:
            return
        if not self.stretch.may_resume_at(at):
            self._start_over()
            return
        self._drop(at)
        laid = lay(
            self.state(),
            [fill for fill in self.fills if fill.at >= at],
            [flow for flow in self.flows if flow.at >= at],
            self.known,
        )
        if laid.restart:
            self._start_over()
        else:
            self.add(laid)

    def state(self) -> StretchState:
        """The stretch as it stands, by its rows."""
        books = {owner: state_of(book) for owner, book in self.books.items() if not book.is_empty}
        return replace(self.stretch, books=books)

    def content(self) -> object:
        """What can be compared: no trace of the way here."""
        books = {owner: book for owner, book in sorted(self.books.items()) if not book.is_empty}
        return self.stretch, books, self.alarms, self.unattached

    def _start_over(self) -> None:
        new = StretchState(self.stretch.name, self.stretch.started_at)
        self.books, self.alarms, self.unattached = {}, [], []
        laid = lay(new, self.fills, self.flows, self.known)
        assert not laid.restart
        self.add(laid)

    def _drop(self, at: datetime) -> None:
        for book in self.books.values():
            book.lines = [line for line in book.lines if line.at < at]
            book.matches = [match for match in book.matches if match.exit.at < at]
            book.funding = [part for part in book.funding if part.at < at]
            book.trips = [trip for trip in book.trips if trip.ended_at < at]
        self.alarms = [alarm for alarm in self.alarms if alarm.at < at]
        self.unattached = [cost for cost in self.unattached if cost.at < at]

    def add(self, laid: LaidLeg) -> None:
        """Write what was laid; the state that comes with it must be what the rows say."""
        self.stretch = laid.stretch
        self.alarms += laid.alarms
        self.unattached += laid.unattached
        for new in laid.books:
            book = self.books.setdefault(new.owner, Book())
            book.lines += new.lines
            book.matches += new.matches
            book.funding += new.funding
            book.trips += new.trips
        assert self.state().books == laid.stretch.books


def state_of(book: Book) -> BookState:
    """A book's state by its rows: where both lines have got to, and what is open beyond."""
    bought = max((line.end for line in book.lines if line.side > 0), default=Decimal(0))
    sold = max((line.end for line in book.lines if line.side < 0), default=Decimal(0))
    matched = min(bought, sold)
    return BookState(
        bought=bought,
        sold=sold,
        open_lines=tuple(line for line in book.lines if line.end > matched),
        funding=tuple(part for part in book.funding if part.end > matched),
        trip_start=max((trip.end for trip in book.trips), default=Decimal(0)),
        realized=book.matches[-1].realized if book.matches else Decimal(0),
        unvalued=book.matches[-1].unvalued if book.matches else 0,
    )


def laid_at_once(
    stretch: StretchState,
    fills: Sequence[Fill],
    flows: Sequence[Funding] = (),
    known: Known = PLAIN,
) -> Rows:
    """All facts in one call."""
    rows = Rows(stretch, known)
    rows.book(fills, flows)
    return rows
