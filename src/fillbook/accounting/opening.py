"""What was held before a stretch begins, told by the venue's closed sizes.

Each fill prints how much of it closed. With d the sum of the fills before it and p the unknown
opening position, the position just before is p + d, so:

* closed nothing: the position was not on the other side;
* closed all of it: the other side held at least that much;
* closed a part: the position is known exactly.

Every fill narrows p to an interval. One value left: *pinned*. Zero still possible: *assumed flat*,
said so wherever it matters. Neither: *unknown*, and so is every figure that rests on it.

Nothing here rests on the order of simultaneous fills, which is not known before p is. On one side
they count as one fill, because their closed sizes add up in any order; on both sides d is known to
an interval only, and so is what a fill says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from fillbook.accounting.leg import OpeningEvidence
from fillbook.accounting.sequence import Step


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of an opening position, in integers at the leg's scale."""

    low: int | None = None
    high: int | None = None
    moved: int = 0  # by the fills seen so far
    fixed_at: datetime | None = None  # the last instant that changed any of this
    contradicted: bool = False  # a fill is missing: nothing later is evidence

    @classmethod
    def of(cls, holds: int) -> "Opening":
        """What is known before any fill: which side a leg holds, if it holds one only."""
        return cls(low=0 if holds > 0 else None, high=0 if holds < 0 else None)

    @property
    def pinned(self) -> bool:
        """Whether one value is left."""
        return self.low is not None and self.low == self.high and not self.contradicted

    @property
    def position(self) -> int | None:
        """The opening position; None when it cannot be known."""
        if self.pinned:
            return self.low
        flat = (self.low is None or self.low <= 0) and (self.high is None or self.high >= 0)
        return 0 if flat else None

    @property
    def evidence(self) -> OpeningEvidence:
        """How it is known."""
        if self.pinned:
            return "pinned"
        return "unknown" if self.position is None else "assumed_flat"


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What one fill, or several that count as one, say of the position before them."""

    side: int
    qty: int
    closed: int
    moved_low: int
    moved_high: int


def find_opening(steps: Sequence[Step], known: Opening | None = None, *, holds: int = 0) -> Opening:
    """Narrow an opening position by fills given in order of time.

    The search ends at the instant that pins it, or at the first one that contradicts it: a fill is
    missing from there on, which the chain check will name.
    """
    opening = known or Opening.of(holds)
    moved = opening.moved
    for at, group in groupby(steps, key=lambda step: step.fill.at):
        if opening.pinned or opening.contradicted:
            break
        together = list(group)
        opening = _narrowed(opening, _evidence(together, moved), at)
        moved += sum(step.signed for step in together)
        if holds and opening.evidence == "assumed_flat" and _exceeds(together, moved, holds):
            opening = replace(opening, low=0, high=0, fixed_at=at, contradicted=True)
    moved = opening.moved + sum(step.signed for step in steps)
    return replace(opening, moved=moved)


def _exceeds(together: Sequence[Step], moved: int, holds: int) -> bool:
    """Whether fills closed more than a leg of one side held, if it began flat."""
    return moved * holds < 0 or any(
        step.closed is not None and step.closed < step.qty
        for step in together
        if step.fill.side != holds
    )


def _narrowed(opening: Opening, evidence: Iterable[_Evidence], at: datetime) -> Opening:
    """What all evidence of an instant leaves, in whichever order it is listed."""
    low, high = opening.low, opening.high
    for below, above in map(_bounds, evidence):
        if below is not None and (low is None or below > low):
            low = below
        if above is not None and (high is None or above < high):
            high = above
    if (low, high) == (opening.low, opening.high):
        return opening
    contradicted = low is not None and high is not None and low > high
    if contradicted and opening.position == 0:
        low = high = 0
    return replace(opening, low=low, high=high, fixed_at=at, contradicted=contradicted)


def _evidence(together: Sequence[Step], moved: int) -> list[_Evidence]:
    telling = [step for step in together if step.qty]
    said = [
        (step, step.closed)
        for step in telling
        if step.closed is not None and 0 <= step.closed <= step.qty
    ]
    if not said:
        return []
    sides = {step.fill.side for step in telling}
    if len(sides) == 1 and len(said) == len(telling):
        qty, closed = sum(step.qty for step in telling), sum(part for _, part in said)
        return [_Evidence(sides.pop(), qty, closed, moved, moved)]
    bought = sum(step.qty for step in telling if step.fill.side > 0)
    sold = sum(step.qty for step in telling if step.fill.side < 0)
    return [
        _Evidence(
            side=step.fill.side,
            qty=step.qty,
            closed=closed,
            moved_low=moved - sold + max(0, -step.signed),
            moved_high=moved + bought - max(0, step.signed),
        )
        for step, closed in said
    ]


def _bounds(fill: _Evidence) -> tuple[int | None, int | None]:
    """The least and the greatest opening position that a fill allows."""
    exact = -fill.side * fill.closed
    if 0 < fill.closed < fill.qty:
        return exact - fill.moved_high, exact - fill.moved_low
    at_least = (fill.side > 0) == (fill.closed == 0)
    return (exact - fill.moved_high, None) if at_least else (None, exact - fill.moved_low)
