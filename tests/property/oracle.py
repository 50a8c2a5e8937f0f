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

from fillbook.accounting.leg import UNASSIGNED, Cause, Fill, Funding, Line
from fillbook.domain.statement import Terms
from tests.property.histories import PLAIN

# Written out again on purpose: the words that say that an order means to close.
CLOSING = frozenset(
    (
        "take_profit", "stop_loss", "trailing_stop", "trailing_tp", "time_exit", "reduce", "exit",
        "manual", "liquidation", "adl", "expiry", "settlement", "transfer", "spread", "admin",
        "mm_close",
    )
)  # fmt: skip

Entry = UUID | str  # a fill's key, or what units without a fill are called
OUTSIDE = "outside_holdings"


@dataclass(slots=True)
class Lot:
    """Units of one fill that one owner still holds."""

    owner: str
    side: int
    qty: Fraction
    key: Entry
    price: Fraction | None
    value_per_unit: Fraction | None
    fee_per_unit: Fraction | None
    paid_per_unit: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Pair:
    """Units of a lot that a fill closed."""

    owner: str
    entry: Entry
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

    holds: int = 0
    terms: Terms = PLAIN.terms
    lots: deque[Lot] = field(default_factory=deque)  # of all owners, oldest first
    pairs: list[Pair] = field(default_factory=list)
    foreign: list[UUID] = field(default_factory=list)
    breaks: list[UUID] = field(default_factory=list)
    unattached: list[UUID] = field(default_factory=list)
    after: list[dict[str, Fraction]] = field(default_factory=list)  # positions after each fill
    rules: dict[tuple[UUID, str], str] = field(default_factory=dict)  # by fill and owner
    trips: list[tuple[str, Fraction, Fraction, datetime]] = field(default_factory=list)
    closed: dict[str, Fraction] = field(default_factory=dict)  # units closed so far, by owner
    trip_starts: dict[str, Fraction] = field(default_factory=dict)

    def positions(self) -> dict[str, Fraction]:
        held: dict[str, Fraction] = {}
        for lot in self.lots:
            held[lot.owner] = held.get(lot.owner, Fraction(0)) + lot.side * lot.qty
        return held

    def fill(self, fill: Fill) -> None:
        if fill.qty == 0:
            return
        before = self.positions()
        net = sum(before.values(), Fraction(0))
        closing = min(Fraction(fill.qty), max(Fraction(0), -fill.side * net))
        told = None if self.terms.kind == "spot" else fill.closed
        if told is not None and Fraction(told) != closing:
            self.breaks.append(fill.key)
        if self.holds and fill.side != self.holds:
            self._close_only(fill)
        elif fill.cause is Cause.TAGGED:
            self._tagged(fill)
        elif fill.cause is Cause.ASSIGNED:
            bot = fill.bot or UNASSIGNED
            left = self._take(fill, Fraction(fill.qty), [bot], fill.owner_evidence)
            self._open(fill, left, bot, fill.owner_evidence)
        else:
            self._open(fill, self._untagged(fill), UNASSIGNED, "no_lots")
        self.after.append(self.positions())
        self._end_trips(fill, before)

    def _tagged(self, fill: Fill) -> None:
        assert fill.bot is not None
        left = self._take(fill, Fraction(fill.qty), [fill.bot], fill.owner_evidence)
        if left and fill.reason in CLOSING and not self.holds:
            left = self._take(fill, left, [UNASSIGNED], "unassigned_lots")
            if left:
                self.foreign.append(fill.key)
        self._open(fill, left, fill.bot, fill.owner_evidence)

    def _untagged(self, fill: Fill) -> Fraction:
        left = Fraction(fill.qty)
        if fill.cause is Cause.MANUAL:
            left = self._take(fill, left, [UNASSIGNED], "unassigned_lots")
        return self._take(fill, left, None, "oldest_lots")

    def _close_only(self, fill: Fill) -> None:
        """On a leg that holds one side nothing opens; what nobody held comes from outside."""
        if fill.cause in (Cause.TAGGED, Cause.ASSIGNED):
            owner, rule = fill.bot or UNASSIGNED, fill.owner_evidence
            left = self._take(fill, Fraction(fill.qty), [owner], rule)
            left = self._take(fill, left, [UNASSIGNED], "unassigned_lots")
            rest = self._take(fill, left, None, "oldest_lots")
            if rest < left or (rest and self.terms.kind != "spot"):
                self.foreign.append(fill.key)
        else:
            owner, rule, rest = UNASSIGNED, "no_lots", self._untagged(fill)
        if rest:
            zero = Fraction(0)
            self.lots.append(Lot(owner, -fill.side, rest, OUTSIDE, None, None, zero))
            assert not self._take(fill, rest, [owner], rule)

    def _take(self, fill: Fill, left: Fraction, owners: list[str] | None, rule: str) -> Fraction:
        for lot in list(self.lots):
            if not left:
                break
            if lot.side == fill.side or (owners is not None and lot.owner not in owners):
                continue
            qty = min(left, lot.qty)
            self.rules.setdefault((fill.key, lot.owner), rule)
            self.closed[lot.owner] = self.closed.get(lot.owner, Fraction(0)) + qty
            self.pairs.append(self._pair(lot, fill, qty))
            lot.qty -= qty
            left -= qty
            if not lot.qty:
                self.lots.remove(lot)
        return left

    def _open(self, fill: Fill, qty: Fraction, owner: str, rule: str) -> None:
        if qty:
            self.rules.setdefault((fill.key, owner), rule)
            price, value = Fraction(fill.price), value_per_unit(fill, self.terms)
            fee = _fee_per_unit(fill)
            self.lots.append(Lot(owner, fill.side, qty, fill.key, price, value, fee))

    def _end_trips(self, fill: Fill, before: dict[str, Fraction]) -> None:
        """A round trip ends where an owner is flat, or turned round, after its share of a fill."""
        zero, held = Fraction(0), self.positions()
        least = Fraction(self.terms.qty_min or 0)
        for owner in {owner for key, owner in self.rules if key == fill.key}:
            was, now = before.get(owner, zero), held.get(owner, zero)
            if not (now == 0 or abs(now) < least or was * now < 0):
                continue
            start, end = self.trip_starts.get(owner, zero), self.closed.get(owner, zero)
            if end > start:
                self.trips.append((owner, start, end, fill.at))
                self.trip_starts[owner] = end

    def funding(self, flow: Funding) -> None:
        net = sum(self.positions().values(), Fraction(0))
        if not net or flow.amount is None:
            self.unattached.append(flow.key)
            return
        for lot in self.lots:
            lot.paid_per_unit += Fraction(flow.amount) / net * lot.side

    def _pair(self, lot: Lot, fill: Fill, qty: Fraction) -> Pair:
        leaving = _fee_per_unit(fill)
        return Pair(
            owner=lot.owner,
            entry=lot.key,
            exit=fill.key,
            direction=lot.side,
            qty=qty,
            gross=self._gross(lot, fill, qty),
            entry_fee=None if lot.fee_per_unit is None else lot.fee_per_unit * qty,
            exit_fee=None if leaving is None else leaving * qty,
            funding=lot.paid_per_unit * qty,
        )

    def _gross(self, lot: Lot, fill: Fill, qty: Fraction) -> Fraction | None:
        if self.terms.kind == "inverse":
            leaving = value_per_unit(fill, self.terms)
            if lot.value_per_unit is None or leaving is None:
                return None
            return lot.side * (lot.value_per_unit - leaving) * qty
        if lot.price is None:
            return None
        moved = Fraction(fill.price) - lot.price
        return lot.side * moved * qty * Fraction(self.terms.multiplier)


def value_per_unit(fill: Fill, terms: Terms) -> Fraction | None:
    """Of an inverse fill: as printed, or quantity x multiplier / price rounded at 18 decimals."""
    if fill.value is not None:
        return Fraction(fill.value) / Fraction(fill.qty)
    value = inverse_value(Fraction(fill.qty), Fraction(fill.price), terms)
    return None if value is None else value / Fraction(fill.qty)


def inverse_value(qty: Fraction, price: Fraction | None, terms: Terms) -> Fraction | None:
    """Python rounds a half of a fraction to even."""
    if not price:
        return None
    return Fraction(round(qty * Fraction(terms.multiplier) / price * 10**18), 10**18)


def _fee_per_unit(fill: Fill) -> Fraction | None:
    return None if fill.fee is None else Fraction(fill.fee) / Fraction(fill.qty)


def opening_lot(owner: str, line: Line, terms: Terms) -> Lot:
    """What was held before: of unknown cost, or at the price that was stated."""
    qty = Fraction(line.end)
    price = None if line.price is None else Fraction(line.price)
    value = inverse_value(qty, price, terms)
    per_unit = None if value is None else value / qty
    return Lot(owner, line.side, qty, "opening_balance", price, per_unit, Fraction(0))


def replay(
    fills: Iterable[Fill],
    flows: Iterable[Funding] = (),
    *,
    opening: Lot | None = None,
    holds: int = 0,
    terms: Terms = PLAIN.terms,
) -> Oracle:
    """Replay fills in the order given; funding of an instant comes before its fills."""
    oracle = Oracle(holds, terms)
    if opening:
        oracle.lots.append(opening)
    waiting = deque(sorted(flows, key=lambda flow: (flow.at, flow.key)))

    def pay(until: datetime | None) -> None:
        while waiting and (until is None or waiting[0].at <= until):
            oracle.funding(waiting.popleft())

    for fill in fills:
        pay(fill.at)
        oracle.fill(fill)
    pay(None)
    return oracle
