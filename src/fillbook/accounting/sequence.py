"""One total order for the executions of a leg.

Executions are ordered by time. Within one millisecond a venue gives no reliable order; there the
venue's position chain decides: each fill prints how much of it closed, which only fits the position
at its true place. Fills that print nothing, and ties that the chain leaves open, fall back to the
venue's sequence, then order id, then execution id. The result does not depend on arrival order.

On a leg that holds one side only, a fill that closes more than is held leaves it empty. There the
chain has little to say, and simultaneous fills that open come before those that close if the given
order does not fit: whenever the fills can be explained by what was held, they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from fillbook.accounting.contract import Contract
from fillbook.accounting.leg import Fill
from fillbook.accounting.units import Units

SEARCH_STEPS_MAX = 20_000


@dataclass(slots=True, eq=False)
class Step:
    """A fill at its place, with integers at the leg's scale."""

    fill: Fill
    rank: int
    qty: int
    closed: int | None

    @property
    def signed(self) -> int:
        """What it does to the position."""
        return self.fill.side * self.qty


def steps_of(fills: Iterable[Fill], units: Units, contract: Contract) -> list[Step]:
    """Fills by time, simultaneous ones in any order, as integers. Spot has no closed sizes."""
    whole = units.as_whole
    ignored = contract.is_spot
    return [
        Step(
            fill,
            0,
            whole(fill.qty),
            None if ignored or fill.closed is None else whole(fill.closed),
        )
        for fill in sorted(fills, key=attrgetter("at"))
    ]


def closes(position: int, side: int, qty: int) -> int:
    """How much of a fill closes a position."""
    opposite = -side * position
    if opposite <= 0:
        return 0
    return min(opposite, qty)


def moved_by(step: Step, position: int, holds: int) -> int:
    """The position after a fill; a leg that holds one side never crosses to the other."""
    after = position + step.qty if step.fill.side > 0 else position - step.qty
    return 0 if holds and after * holds < 0 else after


def in_order(steps: Iterable[Step], *, position: int, holds: int = 0) -> list[Step]:
    """Steps in order of time in total order, starting from a position."""
    placed: list[Step] = []
    for _, group in groupby(steps, key=_AT):
        tied = list(group)
        if len(tied) > 1:
            tied.sort(key=_place)
            tied = _by_chain(tied, position, holds)
            for rank, step in enumerate(tied):
                step.rank = rank
        for step in tied:
            position = moved_by(step, position, holds)
        placed += tied
    return placed


_AT = attrgetter("fill.at")


def _place(step: Step) -> tuple[tuple[int, str, str], UUID]:
    return step.fill.tie, step.fill.key


def _fits(step: Step, position: int, holds: int = 0) -> bool:
    closing = closes(position, step.fill.side, step.qty)
    if step.closed is not None:
        return step.closed == closing
    return not holds or step.fill.side == holds or step.qty == closing


def _follows(steps: Sequence[Step], position: int, holds: int) -> bool:
    for step in steps:
        if not _fits(step, position, holds):
            return False
        position = moved_by(step, position, holds)
    return True


def _by_chain(tied: list[Step], position: int, holds: int) -> list[Step]:
    """An order of simultaneous fills that fits the chain; the given order when there is none.

    Depth-first, the given order preferred at each place, so the first hit is the least surprising
    one. Fills that are alike (same side, quantity and closed size) keep their given order, so a
    place in the search is how many of each kind are used; one that led nowhere is not tried again.
    The search is bounded: a burst beyond the bound keeps the given order, and the chain check names
    it.
    """
    if _follows(tied, position, holds):
        return tied
    if holds:
        return sorted(tied, key=lambda step: step.fill.side != holds)
    kinds: dict[tuple[int, int, int | None], list[Step]] = {}
    for step in tied:
        kinds.setdefault((step.fill.side, step.qty, step.closed), []).append(step)
    search = _Search(list(kinds.values()), [0] * len(kinds), position)
    return search.path if search.run(len(tied)) else tied


@dataclass(slots=True, eq=False)
class _Search:
    """A walk through the orders of simultaneous fills."""

    kinds: list[list[Step]]
    used: list[int]
    position: int
    path: list[Step] = field(default_factory=list)
    dead: set[tuple[int, ...]] = field(default_factory=set)

    def run(self, length: int) -> bool:
        """Whether an order was found; it is the path then."""
        choices = [self._candidates()]
        chosen: list[int] = []
        for _ in range(SEARCH_STEPS_MAX):
            if len(self.path) == length:
                return True
            if choices[-1]:
                chosen.append(choices[-1].pop())
                self._take(chosen[-1])
                choices.append(self._candidates())
                continue
            self.dead.add(tuple(self.used))
            choices.pop()
            if not chosen:
                return False
            self._give_back(chosen.pop())
        return False

    def _candidates(self) -> list[int]:
        """Kinds whose next fill fits here, the first in the given order last."""
        if tuple(self.used) in self.dead:
            return []
        fitting = [
            (_place(steps[used]), kind)
            for kind, (steps, used) in enumerate(zip(self.kinds, self.used, strict=True))
            if used < len(steps) and _fits(steps[used], self.position)
        ]
        return [kind for _, kind in sorted(fitting, reverse=True)]

    def _take(self, kind: int) -> None:
        step = self.kinds[kind][self.used[kind]]
        self.used[kind] += 1
        self.path.append(step)
        self.position += step.signed

    def _give_back(self, kind: int) -> None:
        self.used[kind] -= 1
        self.position -= self.path.pop().signed
