"""Whose fill is it: the share of each owner, decided before matching.

Several bots trade on one account as virtual sub-accounts. The venue knows only the account; the
rules below split each execution so that the owners' books always add up to the account.

* A client tag names a bot: its book. A tagged close whose bot holds nothing opposite takes
  `unassigned` lots first; the rest opens in the bot's book and counts as a *foreign close*.
* A manual close takes `unassigned` lots first, then the bots' lots in the account's FIFO order.
* A stop that hangs on the position, a liquidation and a deleveraging take lots in the account's
  FIFO order over all owners on the reduced side.
* What exceeds the lots that can be closed opens in `unassigned`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import merge
from itertools import repeat

from fillbook.accounting.leg import UNASSIGNED, Cause
from fillbook.accounting.sequence import Step
from fillbook.domain.client_tag import CLOSING_REASONS


@dataclass(slots=True)
class _Holding:
    """One owner's open lots, oldest first, all on one side."""

    position: int = 0
    places: deque[int] = field(default_factory=deque)  # of each lot in the account's order
    units: deque[int] = field(default_factory=deque)  # of each lot


@dataclass(slots=True)
class Holdings:
    """All owners' open lots on one leg, kept up to date fill by fill."""

    owners: dict[str, _Holding] = field(default_factory=dict)
    places: int = 0
    net: int = 0  # what the account holds, signed

    def open_lot(self, owner: str, signed: int) -> None:
        """Put a lot at the end of the account's order."""
        holding = self.owners.setdefault(owner, _Holding())
        holding.places.append(self.places)
        holding.units.append(abs(signed))
        holding.position += signed
        self.net += signed
        self.places += 1

    def position(self, owner: str) -> int:
        """What an owner holds, signed."""
        holding = self.owners.get(owner)
        return holding.position if holding else 0

    def apply(self, owner: str, side: int, qty: int) -> None:
        """Book a share: it closes the owner's opposite lots, oldest first, and opens the rest."""
        holding = self.owners.setdefault(owner, _Holding())
        closed = min(qty, max(0, -side * holding.position))
        if closed:
            holding.position += side * closed
            self.net += side * closed
            qty -= closed
        while closed:
            if closed < holding.units[0]:
                holding.units[0] -= closed
                break
            closed -= holding.units.popleft()
            holding.places.popleft()
        if qty:
            self.open_lot(owner, side * qty)

    def reducible(self, side: int) -> Iterable[tuple[int, int, str]]:
        """Open lots that a fill of this side would close: (place, units, owner), oldest first."""
        return merge(
            *(
                zip(holding.places, holding.units, repeat(owner), strict=False)
                for owner, holding in self.owners.items()
                if holding.position * side < 0
            )
        )


Shares = dict[str, int]


def split(step: Step, holdings: Holdings) -> tuple[Shares, bool]:
    """The units of a fill by owner, in a fixed order, and whether it was a foreign close."""
    if step.fill.cause is Cause.TAGGED:
        assert step.fill.bot is not None
        return _tagged(step, step.fill.bot, holdings)
    if not holdings.owners:
        return {UNASSIGNED: step.qty}, False
    shares: Shares = {}
    left = step.qty
    if step.fill.cause is Cause.MANUAL:
        left -= _take(shares, UNASSIGNED, min(left, _closable(holdings, UNASSIGNED, step)))
    left = _take_in_order(shares, left, holdings.reducible(step.fill.side))
    if left:
        shares[UNASSIGNED] = shares.get(UNASSIGNED, 0) + left
    return shares, False


def _tagged(step: Step, bot: str, holdings: Holdings) -> tuple[Shares, bool]:
    own = _closable(holdings, bot, step)
    excess = step.qty - own
    if excess <= 0 or step.fill.reason not in CLOSING_REASONS:
        return {bot: step.qty}, False
    shares: Shares = {}
    _take(shares, bot, own)
    excess -= _take(shares, UNASSIGNED, min(excess, _closable(holdings, UNASSIGNED, step)))
    if excess:
        shares[bot] = shares.get(bot, 0) + excess
    return shares, excess > 0


def _closable(holdings: Holdings, owner: str, step: Step) -> int:
    return max(0, -step.fill.side * holdings.position(owner))


def _take(shares: Shares, owner: str, units: int) -> int:
    if units > 0:
        shares[owner] = shares.get(owner, 0) + units
    return max(0, units)


def _take_in_order(shares: Shares, left: int, lots: Iterable[tuple[int, int, str]]) -> int:
    already = dict(shares)
    for _, units, owner in lots:
        if not left:
            break
        used = min(units, already.get(owner, 0))
        already[owner] = already.get(owner, 0) - used
        left -= _take(shares, owner, min(left, units - used))
    return left
