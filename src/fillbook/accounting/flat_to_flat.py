"""What did a leg earn from flat to flat, and did the venue count the same?

The profit of a close depends on what is taken for its entry: the ledger takes what came in first,
the venue the average of all that is open. From one instant at which nothing is open to another, the
profit is what was received less what was paid, whichever way it is shared out. So sums are compared
between such instants, and only between those at which no order was half done: the venue counts an
order as a whole, under the time of its last close.

Of contracts whose profit is paid out session by session, the manual does not say whether the row of
a close counts the whole profit or only the last session's; either will do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from fillbook.accounting.reconciliation import ROUNDING, SMALL, ZERO
from fillbook.domain.breaks import Cause, Finding, Subject
from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT
from fillbook.domain.window import Window

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class LegFill:
    """What a fill did to a leg."""

    at: datetime
    order_id: str
    signed: Decimal
    cash: Decimal | None  # positive when received
    fee: Decimal | None  # positive when paid; None: in another coin, or not told


@dataclass(frozen=True, slots=True)
class Counted:
    """What the venue counts for a closing order."""

    at: datetime
    order_id: str
    pnl: Decimal
    fees: Decimal | None
    is_session: bool = False  # a session's payment, and no close


@dataclass(frozen=True, slots=True)
class LegHistory:
    """Fills of a leg, oldest first, with what it holds after them, and the venue's counts."""

    name: LegName
    currency: str
    kind: str
    held: Decimal
    fills: tuple[LegFill, ...]
    counted: tuple[Counted, ...] = ()


def judge_trips(
    history: LegHistory, *, until: datetime, differed: Window | None = None
) -> Finding | None:
    """The sum from the first flat instant to the last one before `until`; None without two.

    What differed once is summed from the last flat instant before that on, so that the same is
    compared again. Where that cannot be summed up, nothing is said of whether it still differs.
    """
    name = history.name
    subject = Subject(
        way="closed_pnl", measure="pnl", category=name.category, symbol=name.symbol, leg=name.leg,
        currency=history.currency,
    )  # fmt: skip
    flat = _flat(history, until)
    if differed is not None:
        flat = flat[_last_before(differed, history, flat) :]
    if len(flat) < 2:
        return None
    fills = history.fills[flat[0] : flat[-1]]
    around = Window(fills[0].at, fills[-1].at + _MILLISECOND)
    rows = _rows(history, fills)
    closes = [one for one in rows if not one.is_session]
    with_fees = all(one.fees is not None for one in closes)
    fees = [fill.fee for fill in fills]
    cash = [fill.cash for fill in fills]
    if any(one is None for one in cash) or (not with_fees and any(one is None for one in fees)):
        why = "the fees are in another coin, and the venue does not say what it counted"
        return Finding(subject, "not_compared", None, _sum(o.pnl for o in closes), why)
    ours, theirs = _sum(cash), _sum(one.pnl for one in closes)
    if any(one is None for one in fees):  # before fees, as the venue says what they were
        theirs = EXACT.add(theirs, _sum(one.fees for one in closes))
    else:
        ours = EXACT.subtract(ours, _sum(fees))
    paid = _sum(one.pnl for one in rows if one.is_session)
    finding = _judged(subject, (ours, theirs, paid), around, len(rows) * 2 + len(fills))
    if differed is not None and finding.verdict == "agrees" and not _holds(around, differed):
        why = "the time in which it differed cannot be summed up again from flat to flat"
        return replace(finding, verdict="not_compared", why=why)
    return finding


def _last_before(differed: Window, history: LegHistory, flat: Sequence[int]) -> int:
    """Where to begin: the last of the flat places from which all that differed is summed up."""
    fills = history.fills
    before = [
        number
        for number, place in enumerate(flat)
        if place < len(fills) and fills[place].at <= differed.starts_at
    ]
    return before[-1] if before else 0


def _holds(around: Window, differed: Window) -> bool:
    return around.starts_at <= differed.starts_at and differed.ends_at <= around.ends_at


def _judged(
    subject: Subject, sums: tuple[Decimal, Decimal, Decimal], around: Window, roundings: int
) -> Finding:
    ours, theirs, paid = sums
    tolerance = roundings * ROUNDING
    off = min(abs(EXACT.subtract(ours, theirs)), abs(EXACT.subtract(ours, EXACT.add(theirs, paid))))
    if off <= tolerance:
        return Finding(subject, "agrees", ours, theirs, "", None, around)
    cause: Cause | None = "rounding" if off <= tolerance * SMALL else None
    why = "from flat to flat, the fills earned something else than the venue counts"
    return Finding(subject, "differs", ours, theirs, why, cause, around)


def _flat(history: LegHistory, until: datetime) -> list[int]:
    """The places between fills at which nothing is held and no order is half done."""
    last = {fill.order_id: place for place, fill in enumerate(history.fills) if fill.order_id}
    held = EXACT.subtract(history.held, _sum(fill.signed for fill in history.fills))
    places = [0] if not held else []
    busy = -1  # the place of the last fill of all orders that have begun
    for place, fill in enumerate(history.fills):
        held = EXACT.add(held, fill.signed)
        busy = max(busy, last.get(fill.order_id, place))
        if fill.at >= until:
            break
        is_last = place + 1 == len(history.fills) or history.fills[place + 1].at > fill.at
        if not held and busy <= place and is_last:
            places.append(place + 1)
    return places


def _rows(history: LegHistory, fills: Sequence[LegFill]) -> list[Counted]:
    """The counts that belong to some fills: those of their orders, and of orders nobody knows."""
    mine = {fill.order_id for fill in fills}
    known = {fill.order_id for fill in history.fills}
    return [
        one
        for one in history.counted
        if one.order_id in mine
        or ((one.is_session or one.order_id not in known) and fills[0].at <= one.at <= fills[-1].at)
    ]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount or ZERO)
    return total
