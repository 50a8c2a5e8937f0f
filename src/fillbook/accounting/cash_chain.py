"""Do the balances of a wallet add up? Each line says what a balance was afterwards, and its change.

The balance before a line is its balance less its change; so a line is a step from one balance to
the next, and a wallet's log is one walk over balances. Lines of one instant come in any order: they
fit when some order of them is such a walk, which is so when, beside its two ends, every balance is
left as often as it is reached, and the steps hang together. A break is where the walk goes on from
another balance than the one that was reached: lines are missing, or their figures were changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

from fillbook.domain.money import EXACT

ROUNDING_MAX = Decimal("0.00000002")  # of a coin: balances and changes have eight decimals


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what the balance was afterwards, where the line says so, and its change."""

    at: datetime
    change: Decimal
    balance: Decimal | None

    @property
    def before(self) -> Decimal:
        """What the balance was before it."""
        assert self.balance is not None
        return EXACT.subtract(self.balance, self.change)


@dataclass(frozen=True, slots=True)
class Break:
    """Where balances do not add up: what the balance must be after an instant, and what it is."""

    after: datetime  # the last instant at which they did
    at: datetime
    expected: Decimal
    told: Decimal

    @property
    def difference(self) -> Decimal:
        """By how much more is there than the lines explain."""
        return EXACT.subtract(self.told, self.expected)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The lines of one instant: whether they are one walk, where it begins, where it may end."""

    start: Decimal
    ends: frozenset[Decimal]
    places: frozenset[Decimal] = frozenset()
    fits: bool = True


def breaks(steps: Iterable[Step]) -> Iterator[Break]:
    """The breaks of one wallet's lines, which come in order of time."""
    reached: frozenset[Decimal] = frozenset()  # what the balance may be now; empty: not known
    before: datetime | None = None
    for at, group in groupby(steps, key=attrgetter("at")):
        lines = list(group)
        total = _total(line.change for line in lines)
        if any(line.balance is None for line in lines):
            reached = frozenset(EXACT.add(balance, total) for balance in reached)
            before = at
            continue
        walk = _walk(lines, reached)
        end = EXACT.add(walk.start, total)
        if not walk.fits:
            yield Break(
                before or at, at, end, min((walk.ends or walk.places) - {end}, default=walk.start)
            )
        elif reached and walk.start not in reached and not _is_rounding(walk.start, reached):
            yield Break(before or at, at, EXACT.add(min(reached), total), end)
        reached, before = walk.ends, at


def _is_rounding(start: Decimal, reached: Iterable[Decimal]) -> bool:
    """Whether the step to a balance is so small that rounding what was printed explains it."""
    return any(abs(EXACT.subtract(start, balance)) <= ROUNDING_MAX for balance in reached)


def _walk(lines: Sequence[Step], reached: frozenset[Decimal]) -> _Walk:
    if len(lines) == 1:
        (line,) = lines
        assert line.balance is not None
        return _Walk(line.before, frozenset((line.balance,)))
    left: dict[Decimal, int] = {}  # how often a balance is left, less how often it is reached
    for line in lines:
        assert line.balance is not None
        left[line.before] = left.get(line.before, 0) + 1
        left[line.balance] = left.get(line.balance, 0) - 1
    places = frozenset(left)
    starts = {place for place, times in left.items() if times > 0}
    ends = frozenset(place for place, times in left.items() if times < 0)
    known = reached & places
    hangs = _hangs_together(lines)
    if hangs and not starts:  # a round: it ends where it begins, wherever that is
        possible = known or places
        return _Walk(min(possible), possible)
    if hangs and sum(left[place] for place in starts) == 1:
        return _Walk(next(iter(starts)), ends)
    return _Walk(min(known or starts or places), ends or places, places, fits=False)


def _hangs_together(lines: Sequence[Step]) -> bool:
    """Whether every line can be reached from every other, whichever way steps are taken."""
    joined: dict[Decimal, Decimal] = {}

    def root(balance: Decimal) -> Decimal:
        joined.setdefault(balance, balance)
        while joined[balance] != balance:
            joined[balance] = joined[joined[balance]]
            balance = joined[balance]
        return balance

    for line in lines:
        assert line.balance is not None
        joined[root(line.before)] = root(line.balance)
    return len({root(balance) for balance in list(joined)}) == 1


def _total(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def reached(steps: Iterable[Step]) -> frozenset[Decimal]:
    """What the balance may be after the last of some lines; empty where they do not tell it."""
    ends: frozenset[Decimal] = frozenset()
    for _, group in groupby(steps, key=attrgetter("at")):
        lines = list(group)
        if any(line.balance is None for line in lines):
            total = _total(line.change for line in lines)
            ends = frozenset(EXACT.add(balance, total) for balance in ends)
        else:
            ends = _walk(lines, ends).ends
    return ends
