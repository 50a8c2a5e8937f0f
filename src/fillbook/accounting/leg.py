"""The values that go into and come out of laying a leg.

Quantities and amounts are Decimals here; the kernel carries integers inside and gives back
Decimals. Lines and matches are named tuples: as immutable as the rest, and made by the million, for
which a frozen dataclass takes five times as long.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, NamedTuple
from uuid import UUID

from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT

UNASSIGNED = "unassigned"

OpeningEvidence = Literal["pinned", "assumed_flat", "unknown", "stated"]


class Cause(Enum):
    """Who made the order, as far as ownership must know."""

    TAGGED = "tagged"  # a bot, by its client tag, its intent or the order's parent
    ASSIGNED = "assigned"  # a person said whose it is
    FORCED = "forced"  # liquidation or auto-deleveraging
    STOP = "stop"  # a stop that hangs on the position
    MANUAL = "manual"  # a person, or nobody that we know


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution as the kernel needs it."""

    key: UUID
    order_key: UUID
    at: datetime
    tie: tuple[int, str, str]  # venue sequence, order id, execution id
    side: int  # 1 bought, -1 sold
    qty: Decimal
    price: Decimal
    fee: Decimal | None  # None: in a coin without a known price
    closed: Decimal | None
    cause: Cause
    bot: str | None
    reason: str
    evidence: str
    value: Decimal | None = None  # inverse: what the venue printed, in the settling coin
    owner_evidence: str = ""  # what says whose order it was
    tag_unread: bool = False  # it has a client id that no dialect reads


@dataclass(frozen=True, slots=True)
class Funding:
    """A funding payment on a leg; the amount is positive when paid."""

    key: UUID
    at: datetime
    amount: Decimal | None  # None: in a coin without a known price


@dataclass(frozen=True, slots=True)
class Unattached:
    """A cost that belongs to no units: a fee without a quantity, funding that met no position."""

    kind: Literal["fee", "funding"]
    key: UUID
    at: datetime
    amount: Decimal | None


class Line(NamedTuple):
    """A share of an execution on the unit line of its side."""

    side: int
    start: Decimal
    end: Decimal
    at: datetime
    rank: int
    key: UUID | None  # None: an opening balance, or units from outside holdings
    order_key: UUID
    share_start: Decimal
    execution_qty: Decimal
    price: Decimal | None
    fee: Decimal | None
    reason: str
    evidence: str
    value: Decimal | None = None  # of the whole execution; inverse only
    owner_evidence: str = ""
    tag_unread: bool = False


class Match(NamedTuple):
    """Units that were bought and sold: one stretch of the line under one entry and one exit."""

    start: Decimal
    end: Decimal
    direction: int
    entry: Line
    exit: Line
    gross: Decimal | None
    entry_fee: Decimal | None
    exit_fee: Decimal | None
    funding: Decimal
    exit_reason: str
    entry_value: Decimal | None = None  # inverse only: elsewhere it is price x quantity
    exit_value: Decimal | None = None
    realized: Decimal = Decimal(0)  # net of the book's matches in this stretch, this one included
    unvalued: int = 0  # how many of them have no known net


@dataclass(frozen=True, slots=True)
class Trip:
    """A round trip that ended: the units [start, end) of the line, from flat to flat."""

    start: Decimal
    end: Decimal
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class FundingShare:
    """A book's part of a funding payment and the open units that bear it."""

    key: UUID
    at: datetime
    start: Decimal
    end: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BookState:
    """A book at an instant: what lies on its lines, and which units are still open."""

    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    open_lines: tuple[Line, ...] = ()
    funding: tuple[FundingShare, ...] = ()  # that reach into the open units
    trip_start: Decimal = Decimal(0)  # where the round trip that is under way begins
    realized: Decimal = Decimal(0)  # net of all matches so far, where it is known
    unvalued: int = 0  # matches without a known net

    @property
    def position(self) -> Decimal:
        """Signed: positive is long."""
        return EXACT.subtract(self.bought, self.sold)


@dataclass(frozen=True, slots=True)
class StretchState:
    """A stretch of a leg at an instant, with the state of its books by owner."""

    name: LegName
    started_at: datetime
    opening_qty: Decimal | None = None
    opening_evidence: OpeningEvidence = "unknown"
    opening_low: Decimal | None = None  # the interval that the closed sizes leave
    opening_high: Decimal | None = None  # below the low one: they contradict each other
    opening_fixed_at: datetime | None = None  # the last instant that changed any of this
    opening_moved: Decimal = Decimal(0)  # by all fills so far; kept while the opening is unknown
    opening_moved_at: datetime | None = None  # the last of them
    is_searched: bool = False  # all fills of the stretch were asked for its opening already
    books: dict[str, BookState] = field(default_factory=dict)
    is_new: bool = True  # nothing is laid yet: the opening must be found first

    @property
    def is_laid(self) -> bool:
        """Whether anything lies on any of its lines."""
        return any(book.bought or book.sold for book in self.books.values())

    def may_resume_at(self, at: datetime) -> bool:
        """Whether laying may go on from an instant, or must begin where the stretch does."""
        if self.is_new:
            return False
        if self.opening_qty is None:
            return self.opening_moved_at is not None and self.opening_moved_at < at
        return self.opening_fixed_at is None or self.opening_fixed_at < at


@dataclass(frozen=True, slots=True)
class LaidBook:
    """What laying adds to one book."""

    owner: str
    lines: tuple[Line, ...]
    matches: tuple[Match, ...]
    funding: tuple[FundingShare, ...]
    trips: tuple[Trip, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """A fill that does not fit: its closed size contradicts the chain, or nobody held the lots."""

    kind: Literal["chain_break", "foreign_close"]
    at: datetime
    rank: int
    key: UUID


@dataclass(frozen=True, slots=True)
class LaidLeg:
    """What laying adds to a leg, and the stretch with its books as it stands afterwards."""

    stretch: StretchState  # laying may go on from it
    books: tuple[LaidBook, ...]
    unattached: tuple[Unattached, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    restart: bool = False  # the opening was assumed wrongly: lay the stretch from its start
