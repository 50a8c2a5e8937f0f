"""Whose fill is it: the share of each owner, decided before matching.

Several bots trade on one account as virtual sub-accounts. The venue knows only the account; the
rules below split each execution so that the owners' books always add up to the account.

* A client tag names a bot: its book. A tagged close whose bot holds nothing opposite takes
  `unassigned` lots first; the rest opens in the bot's book and counts as a *foreign close*.
* What a person assigned goes to the book named, whole.
* A manual close takes `unassigned` lots first, then the bots' lots in the account's FIFO order.
* A stop that hangs on the position, a liquidation and a deleveraging take lots in the account's
  FIFO order over all owners on the reduced side.
* What exceeds the lots that can be closed opens in `unassigned`.

On a leg that holds one side only nothing can be opened by closing. A bot's closing fill, tagged or
assigned, takes its own lots, then `unassigned` ones, then those of other bots, oldest first; what
nobody held comes from *outside holdings*, through the book of the bot, or through `unassigned` when
no bot is named. Lots of other bots make it a foreign close, and so do outside holdings; but in a
spot inventory coins from outside are nothing unusual.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import merge
from itertools import repeat

from fillbook.accounting.contract import Contract
from fillbook.accounting.leg import UNASSIGNED, Cause, Fill
from fillbook.accounting.sequence import Step
from fillbook.domain.client_tag import CLOSING_REASONS

_NAMED = (Cause.TAGGED, Cause.ASSIGNED)

FROM_UNASSIGNED = "unassigned_lots"
IN_ORDER = "oldest_lots"
BEYOND_ALL = "no_lots"


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
        holding = self.owners.get(owner)
        if holding is None:
            holding = self.owners[owner] = _Holding()
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
        holding = self.owners.get(owner)
        closed = 0 if holding is None else min(qty, max(0, -side * holding.position))
        if holding is not None and closed:
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


@dataclass(slots=True)
class Split:
    """The units of a fill by owner, in a fixed order, and by which rule each came to its share."""

    left: int  # units that are still nobody's
    shares: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)  # of the shares: held by nobody before
    foreign: bool = False  # it closed what its bot did not hold

    def take(self, owner: str, units: int, evidence: str) -> None:
        """Give units to an owner; the first rule that does so names the share."""
        units = min(units, self.left)
        if units > 0:
            self.shares[owner] = self.shares.get(owner, 0) + units
            self.evidence.setdefault(owner, evidence)
            self.left -= units


def sole_owner(step: Step, holdings: Holdings, contract: Contract) -> str | None:
    """The owner that a fill names, if all of it is the owner's by that alone: most fills are."""
    fill = step.fill
    if fill.cause not in _NAMED:
        return None
    bot = _named(fill)
    closable = -fill.side * holdings.position(bot)
    if contract.holds:
        return bot if closable >= step.qty or fill.side == contract.holds else None
    if closable >= step.qty or fill.cause is Cause.ASSIGNED or fill.reason not in CLOSING_REASONS:
        return bot
    return None


def split(step: Step, holdings: Holdings, contract: Contract) -> Split:
    """Split a fill that has no sole owner."""
    found = Split(step.qty)
    if contract.holds and step.fill.side != contract.holds:
        _close_one_side(found, step, holdings, contract)
    elif step.fill.cause in _NAMED:
        bot = _named(step.fill)
        _take_held(found, bot, step, holdings, step.fill.owner_evidence)
        _take_held(found, UNASSIGNED, step, holdings, FROM_UNASSIGNED)
        found.foreign = found.left > 0
        found.take(bot, found.left, step.fill.owner_evidence)
    else:
        _take_unnamed(found, step, holdings)
        found.take(UNASSIGNED, found.left, BEYOND_ALL)
    return found


def _named(fill: Fill) -> str:
    return UNASSIGNED if fill.bot is None else fill.bot


def _close_one_side(found: Split, step: Step, holdings: Holdings, contract: Contract) -> None:
    fill = step.fill
    if fill.cause in _NAMED:
        owner, evidence = _named(fill), fill.owner_evidence
        _take_held(found, owner, step, holdings, evidence)
        _take_held(found, UNASSIGNED, step, holdings, FROM_UNASSIGNED)
        of_others = found.left
        _take_in_order(found, holdings.reducible(fill.side))
        found.foreign = found.left < of_others or (found.left > 0 and not contract.is_spot)
    else:
        owner, evidence = UNASSIGNED, BEYOND_ALL
        _take_unnamed(found, step, holdings)
    if found.left:
        found.outside[owner] = found.left
        found.take(owner, found.left, evidence)


def _take_unnamed(found: Split, step: Step, holdings: Holdings) -> None:
    if step.fill.cause is Cause.MANUAL:
        _take_held(found, UNASSIGNED, step, holdings, FROM_UNASSIGNED)
    _take_in_order(found, holdings.reducible(step.fill.side))


def _take_held(found: Split, owner: str, step: Step, holdings: Holdings, evidence: str) -> None:
    held = -step.fill.side * holdings.position(owner)
    found.take(owner, held - found.shares.get(owner, 0), evidence)


def _take_in_order(found: Split, lots: Iterable[tuple[int, int, str]]) -> None:
    """Take lots oldest first; those of owners that gave before are gone from their oldest on."""
    already = dict(found.shares)
    for _, units, owner in lots:
        if not found.left:
            break
        used = min(units, already.get(owner, 0))
        already[owner] = already.get(owner, 0) - used
        found.take(owner, units - used, IN_ORDER)
