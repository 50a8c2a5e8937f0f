"""Looking at what was closed: each closing order, and each leg from flat to flat."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from fillbook.accounting.flat_to_flat import judge_trips
from fillbook.accounting.reconciliation import UNSETTLED, OurLeg, judge_order
from fillbook.domain.breaks import Break, Subject, Way
from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window
from fillbook.ledger import comparing, comparing_orders
from fillbook.ledger._pool import Connection
from fillbook.ledger.breaks import Compared
from fillbook.ledger.comparing import Due, Orders
from fillbook.ledger.comparing_orders import ReadTotal
from fillbook.ledger.comparing_trips import Since, histories
from fillbook.sync.looked import Found

TRIPS_MAX = timedelta(days=35)  # of a leg's past that is summed up
BROKEN_MAX = timedelta(days=366)  # of a leg whose sums differ: all that the difference is in
MARGIN = timedelta(days=1)
PNL = "pnl"

Wanted = dict[LegName, Since]


async def closing_orders(conn: Connection, open_breaks: Iterable[Break], looked: Found) -> Due:
    """Orders that closed something, beside the venue's closed profit."""
    due = await comparing.due(conn, looked.account_id, "closed_pnl", {})
    asked = _asked(open_breaks, "closed_pnl")
    orders = await comparing.closing_orders(conn, looked.account_id, due, asked)
    _take_in(orders, due, looked)
    return due


async def filled_orders(
    conn: Connection, open_breaks: Iterable[Break], looked: Found, read: ReadTotal
) -> None:
    """Every order's own sum, beside that of its fills."""
    due = await comparing.due(conn, looked.account_id, "counts", {})
    asked = _asked(open_breaks, "counts")
    _take_in(
        await comparing_orders.filled_orders(conn, looked.account_id, due, asked, read), due, looked
    )


def _asked(open_breaks: Iterable[Break], way: Way) -> set[tuple[str, str, str]]:
    """The orders that differed when they were looked at last."""
    subjects = (one.subject for one in open_breaks if one.subject.way == way)
    return {(one.category, one.symbol, one.reference) for one in subjects if one.reference}


def _take_in(orders: Orders, due: Due, looked: Found) -> None:
    looked.dues.append(due)
    off: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order in orders.shown:
        for finding in judge_order(order, way=due.way):
            looked.add(finding)
            if finding.verdict != "agrees":
                off[order.category, order.symbol].add(order.order_id)
    for (category, symbol), count in orders.counts.items():
        looked.agreed += count - len(off[category, symbol])
        subject = Subject(way=due.way, measure="orders", category=category, symbol=symbol)
        looked.compared.append(Compared(subject, "agrees", None, None, count, ""))


async def trips(
    conn: Connection,
    legs: Iterable[OurLeg],
    due: Due,
    open_breaks: Iterable[Break],
    looked: Found,
) -> None:
    """What legs earned from flat to flat, where something of theirs is new, or is off."""
    subjects = [one.subject for one in looked.compared if one.subject.way == "closed_pnl"]
    off = {
        (one.subject.category, one.subject.symbol, one.subject.leg): one.around
        for one in open_breaks
        if one.subject.measure == PNL and one.around is not None
    }
    concerned = {(one.category, one.symbol) for one in subjects}
    concerned |= {(category, symbol) for category, symbol, _ in off}
    wanted: Wanted = {}
    for leg in legs:
        read = due.both.get(leg.name.category, ())
        if leg.qty is None or not read or (leg.name.category, leg.name.symbol) not in concerned:
            continue
        since = _since(leg, read[-1], due, looked, off.get(_key(leg.name)))
        wanted[leg.name] = Since(leg.name, leg.qty, since)
    for history in await histories(conn, looked.account_id, wanted):
        read = due.both[history.name.category]
        until = read[-1].ends_at - UNSETTLED
        finding = judge_trips(history, until=until, differed=off.get(_key(history.name)))
        if finding is not None:
            looked.add(finding)


def _key(name: LegName) -> tuple[str, str, str]:
    return name.category, name.symbol, name.leg


def _since(leg: OurLeg, read: Window, due: Due, looked: Found, differed: Window | None) -> datetime:
    """From when on a leg's fills are summed up: where it agreed last, if nothing older is new.

    Where its sums differed, all of that time belongs to it: without it they would seem to agree.
    """
    begun = max(read.starts_at, leg.since or read.starts_at)
    since = max(begun, read.ends_at - TRIPS_MAX)
    if differed is not None:
        early = min(since, differed.starts_at - MARGIN)
        return max(begun, read.ends_at - BROKEN_MAX, early)
    known = [
        before.agreed_at
        for subject, before in looked.before.items()
        if subject.measure == PNL and subject.symbol == leg.name.symbol and before.agreed_at
    ]
    new = [piece.starts_at for piece in due.pieces.get(leg.name.category, ())]
    if not known:
        return since
    return max(since, min([min(known), *new]) - MARGIN)
