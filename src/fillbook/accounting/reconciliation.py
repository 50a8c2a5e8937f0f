"""Do the ledger and the venue tell the same? Each function judges one subject, from what both say.

*Matched points.* The venue is asked while trading goes on, so what it shows and what the ledger
holds belong to different instants. They are compared at a point that both know:

- A position names the sequence number of the last fill that it includes. Of the fills around the
  question, those up to that number count, the others came later.
- A position without one, and a wallet, are compared with every state that the ledger passed through
  while the question was under way. One that fits is enough; where none fits and something happened
  just then, the comparison is put off.
- Orders are compared once they are whole: every fill of theirs lies in time that both lists are
  read for, and not at its edge.

*What is not known differs from nothing.* A leg whose history begins in the middle, a coin whose log
was not read without a gap, a list that was refused: these are not compared, and the reason is said.

*Tolerance.* Quantities agree exactly. Where the venue prints a figure that it has rounded to eight
decimals, each rounding may be off by half of the last one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from fillbook.domain.breaks import Cause, Finding, Subject
from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT
from fillbook.domain.observed import Balance, HeldPosition
from fillbook.domain.window import Window

ZERO = Decimal(0)
ROUNDING = Decimal("0.00000001")  # one unit of the last decimal that venues print
SMALL = 100  # a difference of so many roundings is still likely to be one
NEAR = timedelta(seconds=5)  # what happens so near to a question may be in its answer or not
STALE = timedelta(minutes=10)  # a position may be shown so late, by its sequence number
UNSETTLED = timedelta(hours=1)  # an order so near to the edge of what was read may go on
DEFERRALS_MAX = 5  # in a row; then it counts as a difference


@dataclass(frozen=True, slots=True)
class Sight:
    """When a venue was asked, and when it had answered, by its own clock."""

    asked_at: datetime
    answered_at: datetime

    def is_near(self, at: datetime) -> bool:
        """Whether what happened then may be in the answer or not."""
        return self.asked_at - NEAR <= at <= self.answered_at + NEAR


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill of late: what it did to its leg."""

    at: datetime
    seq: int | None
    signed: Decimal


@dataclass(frozen=True, slots=True)
class OurLeg:
    """What the book says of a leg."""

    name: LegName
    qty: Decimal | None  # after all fills that are laid; None: not known
    opening: str  # pinned, assumed_flat, unknown; empty: nothing of it was ever booked
    since: datetime | None  # where the last stretch of proven time begins
    read_until: datetime | None  # and where it ends
    recent: tuple[Fill, ...] = ()  # those since STALE before the question, oldest first
    deferrals: int = 0


def judge_position(ours: OurLeg, theirs: HeldPosition | None, sight: Sight) -> Finding:
    """A leg against what the venue shows of it; what the venue leaves out is flat."""
    name = ours.name
    subject = Subject(
        way="position", measure="quantity", category=name.category, symbol=name.symbol, leg=name.leg
    )
    told = theirs.qty if theirs else ZERO
    if unknown := _unknown_leg(ours, theirs):
        return Finding(subject, "not_compared", None, told, unknown, "missing_history")
    assert ours.since is not None
    assert ours.read_until is not None
    qty = ours.qty or ZERO
    if ours.read_until < sight.answered_at:
        why = "history is not read up to the question yet"
        return Finding(subject, "deferred", qty, told, why)
    seq = theirs.venue_seq if theirs else None
    matched, passed = _at(ours, seq, sight)
    if told in passed:
        return Finding(subject, "agrees", told, told)
    around = Window(ours.since, sight.answered_at) if ours.since < sight.answered_at else None
    if seq is None and len(passed) > 1 and ours.deferrals < DEFERRALS_MAX:
        why = "fills came just as the venue was asked, and it does not say which are included"
        return Finding(subject, "deferred", matched, told, why)
    cause: Cause | None = "missing_history" if ours.opening == "assumed_flat" else None
    return Finding(subject, "differs", matched, told, _why_position(ours, theirs), cause, around)


def _unknown_leg(ours: OurLeg, theirs: HeldPosition | None) -> str:
    """Why nobody can say what the ledger holds; empty where one can."""
    if ours.since is None or ours.read_until is None:
        return "no history of this category is read"
    opened = theirs.opened_at if theirs else None
    if ours.opening == "unknown" or (ours.opening and ours.qty is None):
        return "its history begins in the middle, and nothing says what was held before"
    if ours.opening != "pinned" and opened is not None and opened < ours.since:
        return f"it was opened before the history that is read, on {opened:%Y-%m-%d}"
    if not ours.opening and theirs is not None and theirs.qty and opened is None:
        return "no fill of it is in the history that is read, and the venue does not say its age"
    return ""


def _at(ours: OurLeg, seq: int | None, sight: Sight) -> tuple[Decimal, frozenset[Decimal]]:
    """What was held at the matched point, and all that may have been shown for it."""
    qty = ours.qty or ZERO
    matched, passed = qty, {qty} if seq is None else set()
    for fill in reversed(ours.recent):
        before = EXACT.subtract(qty, fill.signed)
        if seq is None and fill.at > sight.answered_at + NEAR:
            passed = {before}
        elif seq is None and sight.is_near(fill.at):
            passed.add(before)
        if _came_after(fill, seq, sight):
            matched = EXACT.subtract(matched, fill.signed)
        qty = before
    return matched, frozenset(passed | {matched})


def _came_after(fill: Fill, seq: int | None, sight: Sight) -> bool:
    if seq is not None and fill.seq is not None:
        return fill.seq > seq
    return fill.at > sight.answered_at


def _why_position(ours: OurLeg, theirs: HeldPosition | None) -> str:
    if theirs is None:
        return "the venue shows no such position"
    if not ours.opening:
        return "the venue shows a position of which nothing is booked"
    if ours.opening == "assumed_flat":
        return "the fills do not add up to the position, if it was flat where its history begins"
    return "the fills do not add up to the position"


@dataclass(frozen=True, slots=True)
class OurCoin:
    """What the account log says of a coin's balance."""

    currency: str
    ends: frozenset[Decimal]  # what its balance may be after the last line before the question
    near: tuple[Decimal, ...] = ()  # balances after lines that came as the venue was asked
    later: bool = False  # whether a line near the question prints no balance
    is_whole: bool = True  # whether the log is read without a gap from that line to the question
    read_until: datetime | None = None
    last_at: datetime | None = None
    deferrals: int = 0


def judge_balance(ours: OurCoin, theirs: Balance | None, sight: Sight) -> Finding:
    """A coin's balance in the wallet against what the account log has come to.

    The venue's manual does not say whether the log counts what was borrowed: either will do.
    """
    subject = Subject(way="cash", measure="balance", currency=ours.currency)
    held = theirs.balance if theirs else ZERO
    owned = EXACT.subtract(held, (theirs.borrowed if theirs else None) or ZERO)
    if not ours.ends:
        why = "no line of the account log that is read tells its balance"
        return Finding(subject, "not_compared", None, owned, why, "missing_history")
    known = min(ours.ends)
    if ours.read_until is None or ours.read_until < sight.answered_at:
        why = "the account log is not read up to the question yet"
        return Finding(subject, "deferred", known, owned, why)
    if not ours.is_whole:
        why = "the account log is not read without a gap since its last line"
        return Finding(subject, "not_compared", None, owned, why, "missing_history")
    for balance in (*ours.ends, *ours.near):
        if any(abs(EXACT.subtract(balance, one)) <= 2 * ROUNDING for one in (owned, held)):
            return Finding(subject, "agrees", owned, owned)
    if (ours.near or ours.later) and ours.deferrals < DEFERRALS_MAX:
        why = "the balance was changing just as the venue was asked"
        return Finding(subject, "deferred", known, owned, why)
    around = Window(ours.last_at, sight.answered_at) if ours.last_at else None
    why = "the wallet is not what the account log has come to"
    return Finding(subject, "differs", known, owned, why, None, around)


@dataclass(frozen=True, slots=True)
class Told:
    """A figure as each side tells it, and by how much rounding may part them."""

    measure: str
    ours: Decimal | None
    theirs: Decimal | None
    tolerance: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class OrderSums:
    """What an order's fills come to, beside what the venue says of the order."""

    category: str
    symbol: str
    order_id: str
    currency: str
    told: tuple[Told, ...]
    first_at: datetime  # of anything that is told of it
    last_at: datetime
    begins_inside: bool  # it was made in the time that is read, or nothing says otherwise
    read_until: datetime


def judge_order(order: OrderSums, *, way: str) -> Iterable[Finding]:
    """Each figure of an order, as its fills and as the venue sum it up."""
    for told in order.told:
        subject = Subject(
            way="closed_pnl" if way == "closed_pnl" else "counts",
            measure=told.measure,
            category=order.category,
            symbol=order.symbol,
            currency=order.currency if told.measure not in QUANTITIES else "",
            reference=order.order_id,
        )
        yield _judged(subject, told, order)


QUANTITIES = frozenset(("closed_qty", "filled_qty"))


def _judged(subject: Subject, told: Told, order: OrderSums) -> Finding:
    figures = (told.ours, told.theirs)
    if told.ours is None or told.theirs is None:
        return Finding(subject, "not_compared", *figures, "one side does not tell it")
    off = abs(EXACT.subtract(told.theirs, told.ours))
    if off <= told.tolerance:
        return Finding(subject, "agrees", *figures)
    around = Window(order.first_at, order.last_at + timedelta(milliseconds=1))
    if not order.begins_inside:
        why = "the order is older than the history that is read"
        return Finding(subject, "not_compared", *figures, why, "missing_history", around)
    if order.last_at > order.read_until - UNSETTLED:
        why = "the order may still be under way"
        return Finding(subject, "deferred", *figures, why, None, around)
    cause: Cause | None = "rounding" if off <= told.tolerance * SMALL else None
    why = _WHY[told.measure]
    return Finding(subject, "differs", *figures, why, cause, around)


_WHY = {
    "closed_qty": "the fills close another quantity than the venue counts for the order",
    "exit_value": "the closing fills are worth something else than the venue counts",
    "close_fee": "the closing fills cost another fee than the venue counts",
    "filled_qty": "the fills add up to another quantity than the order has filled",
}


@dataclass(frozen=True, slots=True)
class Trip:
    """A leg from flat to flat: what its fills earned, and what the venue counted meanwhile."""

    name: LegName
    currency: str
    starts_at: datetime
    ends_at: datetime
    told: tuple[Told, ...]
    either: Sequence[Decimal] = ()  # what else the venue's figure may mean


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a cause."""

    now: datetime
    lateness: timedelta  # so late rows may appear
    read_twice: bool = False  # both lists were read to their end twice since it is known


def likely_cause(finding: Finding, evidence: Evidence) -> Cause:
    """Why two sides differ, most likely; nothing is done about it because of that."""
    if finding.cause is not None:
        return finding.cause
    if finding.around is None or finding.around.ends_at + evidence.lateness > evidence.now:
        return "late_data"
    return "venue_hole" if evidence.read_twice else "in_doubt"
