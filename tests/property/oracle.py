"""A slow, obvious ledger to hold the kernel against: lots in a list, fractions, one fill at a time.

It knows no unit lines. Each lot remembers its owner, its fill and what it has borne; a fill takes
units from lots, one lot after the other, by the rules of ownership as they are written down.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from fillbook.accounting.leg import UNASSIGNED, Cause, Fill, Funding

# Written out again on purpose: the words that say that an order means to close.
CLOSING = frozenset(
    (
        "take_profit", "stop_loss", "trailing_stop", "trailing_tp", "time_exit", "reduce", "exit",
        "manual", "liquidation", "adl", "expiry", "settlement", "transfer", "spread", "admin",
        "mm_close",
    )
)  # fmt: skip


@dataclass(slots=True)
class Lot:
    """Units of one fill that one owner still holds."""

    owner: str
    side: int
    qty: Fraction
    key: UUID | None
    price: Fraction | None
    fee_per_unit: Fraction | None
    paid_per_unit: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Pair:
    """Units of a lot that a fill closed."""

    owner: str
    entry: UUID | None
    exit: UUID
    direction: int
    qty: Fraction
    gross: Fraction | None
    entry_fee: Fraction | None
    exit_fee: Fraction | None
    funding: Fraction


@dataclass(slots=True)
class Oracle:
    """An account's leg, replayed."""

    lots: deque[Lot] = field(default_factory=deque)  # of all owners, oldest first
    pairs: list[Pair] = field(default_factory=list)
    foreign: list[UUID] = field(default_factory=list)
    breaks: list[UUID] = field(default_factory=list)
    unattached: list[UUID] = field(default_factory=list)
    after: list[dict[str, Fraction]] = field(default_factory=list)  # positions after each fill

    def positions(self) -> dict[str, Fraction]:
        held: dict[str, Fraction] = {}
        for lot in self.lots:
            held[lot.owner] = held.get(lot.owner, Fraction(0)) + lot.side * lot.qty
        return held

    def fill(self, fill: Fill) -> None:
        left = Fraction(fill.qty)
        if left == 0:
            return
        net = sum(self.positions().values(), Fraction(0))
        closing = min(left, max(Fraction(0), -fill.side * net))
        if fill.closed is not None and Fraction(fill.closed) != closing:
            self.breaks.append(fill.key)
        if fill.cause is Cause.TAGGED:
            assert fill.bot is not None
            left = self._take(fill, left, [fill.bot])
            if left and fill.reason in CLOSING:
                left = self._take(fill, left, [UNASSIGNED])
                if left:
                    self.foreign.append(fill.key)
            self._open(fill, left, fill.bot)
        else:
            if fill.cause is Cause.MANUAL:
                left = self._take(fill, left, [UNASSIGNED])
            left = self._take(fill, left, None)
            self._open(fill, left, UNASSIGNED)
        self.after.append(self.positions())

    def _take(self, fill: Fill, left: Fraction, owners: list[str] | None) -> Fraction:
        for lot in list(self.lots):
            if not left:
                break
            if lot.side == fill.side or (owners is not None and lot.owner not in owners):
                continue
            qty = min(left, lot.qty)
            self.pairs.append(_pair(lot, fill, qty))
            lot.qty -= qty
            left -= qty
            if not lot.qty:
                self.lots.remove(lot)
        return left

    def _open(self, fill: Fill, qty: Fraction, owner: str) -> None:
        if qty:
            price = Fraction(fill.price)
            self.lots.append(Lot(owner, fill.side, qty, fill.key, price, _fee_per_unit(fill)))

    def funding(self, flow: Funding) -> None:
        net = sum(self.positions().values(), Fraction(0))
        if not net:
            self.unattached.append(flow.key)
            return
        for lot in self.lots:
            lot.paid_per_unit += Fraction(flow.amount) / net * lot.side


def _fee_per_unit(fill: Fill) -> Fraction | None:
    return None if fill.fee is None else Fraction(fill.fee) / Fraction(fill.qty)


def _pair(lot: Lot, fill: Fill, qty: Fraction) -> Pair:
    leaving = _fee_per_unit(fill)
    moved = None if lot.price is None else Fraction(fill.price) - lot.price
    return Pair(
        owner=lot.owner,
        entry=lot.key,
        exit=fill.key,
        direction=lot.side,
        qty=qty,
        gross=None if moved is None else lot.side * moved * qty,
        entry_fee=None if lot.fee_per_unit is None else lot.fee_per_unit * qty,
        exit_fee=None if leaving is None else leaving * qty,
        funding=lot.paid_per_unit * qty,
    )


def replay(
    fills: Iterable[Fill], flows: Iterable[Funding] = (), *, opening: Fraction = Fraction(0)
) -> Oracle:
    """Replay fills in the order given; funding of an instant comes before its fills."""
    oracle = Oracle()
    if opening:
        side = 1 if opening > 0 else -1
        oracle.lots.append(Lot(UNASSIGNED, side, abs(opening), None, None, Fraction(0)))
    waiting = deque(sorted(flows, key=lambda flow: (flow.at, flow.key)))

    def pay(until: datetime | None) -> None:
        while waiting and (until is None or waiting[0].at <= until):
            oracle.funding(waiting.popleft())

    for fill in fills:
        pay(fill.at)
        oracle.fill(fill)
    pay(None)
    return oracle
