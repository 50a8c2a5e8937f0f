"""Where two tellings of one thing differ, and what is known of it.

There are four ways to compare: what fills add up to with the position that the venue shows, with
the profit that the venue counts for a closing order, the account log with the wallet, and counts
with counts. A break is one subject of one way on which they differ. It says what each side tells,
since when, why that may be and what was tried; it closes by itself when they agree again.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from fillbook.domain.money import EXACT
from fillbook.domain.window import Window

Way = Literal["position", "closed_pnl", "cash", "counts"]
Cause = Literal[
    "late_data", "missing_history", "unknown_record_type", "rounding", "venue_hole", "in_doubt"
]
Verdict = Literal["agrees", "differs", "deferred", "not_compared"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Subject:
    """What is compared. Words that do not apply are empty."""

    way: Way
    measure: str  # quantity, balance, exit_value, fee, ...
    category: str = ""
    symbol: str = ""
    leg: str = ""
    currency: str = ""
    reference: str = ""  # an order's id

    def __str__(self) -> str:
        words = (self.category, self.symbol, self.leg, self.currency, self.reference)
        return " ".join([self.way, self.measure, *filter(None, words)])


@dataclass(frozen=True, slots=True)
class Finding:
    """What comparing one subject came to."""

    subject: Subject
    verdict: Verdict
    ours: Decimal | None = None
    theirs: Decimal | None = None
    why: str = ""
    cause: Cause | None = None  # where the comparison itself shows one
    around: Window | None = None  # the time in which a difference arose

    @property
    def difference(self) -> Decimal | None:
        """By how much the venue tells more than the ledger; None where one side is not known."""
        if self.ours is None or self.theirs is None:
            return None
        return EXACT.subtract(self.theirs, self.ours)


@dataclass(frozen=True, slots=True)
class Break:
    """A difference: open while both sides differ, and closed when they agree again."""

    break_id: UUID
    subject: Subject
    ours: Decimal | None
    theirs: Decimal | None
    cause: Cause
    why: str
    tried: tuple[str, ...]
    around: Window | None
    first_seen_at: datetime
    last_seen_at: datetime
    times_seen: int
    healed_at: datetime | None = None
    tried_at: datetime | None = None
    tries: int = 0  # how often both lists were read again to their end

    @property
    def difference(self) -> Decimal | None:
        """By how much the venue tells more than the ledger."""
        return Finding(self.subject, "differs", self.ours, self.theirs).difference
