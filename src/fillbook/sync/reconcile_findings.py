"""Looking at a book in four ways: every leg, coin, order and line beside what the venue says of it.

All of it is read in one snapshot; the judging is `accounting.reconciliation`'s.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from fillbook.accounting.reconciliation import (
    ZERO,
    OurCoin,
    OurLeg,
    judge_balance,
    judge_position,
)
from fillbook.domain.breaks import Break, Cause, Finding, Subject, Way
from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window
from fillbook.ledger import breaks, comparing
from fillbook.ledger._pool import Connection
from fillbook.ledger.breaks import Before, Compared
from fillbook.ledger.comparing_orders import ReadTotal
from fillbook.ledger.observations import Observed
from fillbook.sync.looked import Found
from fillbook.sync.reconcile_closing import PNL, closing_orders, filled_orders, trips

LISTED_LATE = timedelta(minutes=10)  # a list may show so late what another one shows at once
WALLET = "UNIFIED"  # the wallet that the account log is about
EXPIRING = frozenset(("option",))  # their legs do not open again, and are many
WEIGHT = {"differs": 3, "deferred": 2, "not_compared": 1, "agrees": 0}

# The lists whose rows make a figure: one that could not be read may be what is missing.
TOLD_BY: Mapping[Way, tuple[str, ...]] = {
    "position": ("executions",),
    "closed_pnl": ("executions", "closed_pnl"),
}
NEVER = Before(0, None)
Step = Callable[[], None]


async def look(
    conn: Connection,
    observed: Observed,
    open_breaks: Sequence[Break],
    *,
    read: ReadTotal,
    step: Step,
) -> Found:
    """Compare a book with an observation, and its lists with each other, step by step."""
    account_id = observed.account_id
    looked = Found(account_id)
    disputed = await comparing.disputes(conn, account_id)
    looked.hints = await comparing.hints(conn, account_id, disputed)
    step()
    before = looked.before = await breaks.before(conn, account_id)
    legs = await comparing.legs(conn, account_id, observed.held)
    _positions(legs, observed, before, looked)
    await _balances(conn, observed, before, looked)
    step()
    due = await closing_orders(conn, open_breaks, looked)
    step()
    await trips(conn, legs, due, open_breaks, looked)
    step()
    await filled_orders(conn, open_breaks, looked, read)
    step()
    await _log(conn, observed, open_breaks, looked)
    step()
    for one in disputed:
        looked.add(_dispute(one, observed))
    for chain in await comparing.chains(conn, account_id):
        looked.add(_chain(chain, observed))
    _hint(looked)
    _sum_up(looked)
    return looked


def _positions(
    legs: Iterable[OurLeg], observed: Observed, before: Mapping[Subject, Before], looked: Found
) -> None:
    if observed.positions_error is not None:
        looked.refused["position", "quantity"] = observed.positions_error
        return
    theirs = {LegName(one.category, one.symbol, one.leg): one for one in observed.positions}
    ours = {one.name: one for one in legs}
    laid = {name.category: one for name, one in ours.items()}
    for name in theirs:
        if name not in ours:
            known = laid.get(name.category)
            since, until = (known.since, known.read_until) if known else (None, None)
            ours[name] = OurLeg(name, None, "", since, until)
    for name in sorted(ours):
        if not name.symbol:
            continue
        subject = Subject(
            way="position", measure="quantity", category=name.category, symbol=name.symbol,
            leg=name.leg,
        )  # fmt: skip
        leg = replace(ours[name], deferrals=before.get(subject, NEVER).deferrals)
        shown = theirs.get(name)
        if shown is None and leg.qty is None and leg.opening == "unknown":
            continue  # nobody holds anything, as far as anybody says
        finding = judge_position(leg, shown, observed.held)
        looked.add(_since_agreed(finding, before.get(subject, NEVER)))


def _since_agreed(finding: Finding, before: Before) -> Finding:
    """A difference arose after both sides agreed last."""
    around, agreed = finding.around, before.agreed_at
    if around is None or agreed is None or not around.starts_at < agreed < around.ends_at:
        return finding
    return replace(finding, around=Window(agreed, around.ends_at), cause=None)


async def _balances(
    conn: Connection, observed: Observed, before: Mapping[Subject, Before], looked: Found
) -> None:
    if observed.balances_error is not None:
        looked.refused["cash", "balance"] = observed.balances_error
        return
    theirs = {one.currency: one for one in observed.balances if one.wallet == WALLET}
    found = await comparing.coins(conn, observed.account_id, observed.owned)
    ours = {one.currency: one for one in found}
    for currency in sorted({*theirs, *ours}):
        subject = Subject(way="cash", measure="balance", currency=currency)
        known = before.get(subject, NEVER)
        coin = ours.get(currency) or OurCoin(currency, frozenset())
        coin = replace(coin, deferrals=known.deferrals)
        shown = theirs.get(currency)
        if not coin.ends and (shown is None or not shown.balance):
            continue
        looked.add(_since_agreed(judge_balance(coin, shown, observed.owned), known))


async def _log(
    conn: Connection, observed: Observed, open_breaks: Iterable[Break], looked: Found
) -> None:
    """Fees and funding, beside the account log's."""
    again: dict[str, list[Window]] = {}
    for one in open_breaks:
        if one.subject.way == "cash" and one.subject.category and one.around:
            again.setdefault(one.subject.category, []).append(one.around)
    due = await comparing.due(conn, observed.account_id, "cash", again)
    looked.dues.append(due)
    for found in await comparing.amounts(conn, observed.account_id, due):
        subject = Subject(
            way="cash", measure=found.measure, category=found.category, symbol=found.symbol,
            currency=found.currency,
        )  # fmt: skip
        why = f"{found.lines} lines of the account log tell another {found.measure} than the fills"
        looked.add(Finding(subject, "differs", found.ours, found.theirs, why, None, found.around))
    counts = await comparing.witnessed_symbols(conn, observed.account_id, due)
    for (category, symbol), count in counts.items():
        subject = Subject(way="counts", measure="log_lines", category=category, symbol=symbol)
        looked.agreed += count
        looked.compared.append(Compared(subject, "agrees", None, None, count, ""))


_MISSING: Mapping[str, tuple[str, Cause | None, str]] = {
    "executions": (
        "unlisted_fills", None, "the account log tells of fills that the executions leave out",
    ),
    "readings": (
        "unread_fills", "unknown_record_type", "fills were listed that this version cannot read",
    ),
    "account_log": (
        "unlogged_fills", None, "the account log leaves out fills that were listed",
    ),
}  # fmt: skip


def _dispute(one: comparing.Disputed, observed: Observed) -> Finding:
    measure, cause, why = _MISSING[one.missing_in]
    subject = Subject(way="counts", measure=measure, category=one.category, symbol=one.symbol)
    count = ZERO + one.count
    ours, theirs = (count, ZERO) if one.missing_in == "account_log" else (ZERO, count)
    if one.around.starts_at > observed.held.asked_at - LISTED_LATE:
        return Finding(subject, "deferred", ours, theirs, "it may not be listed yet")
    return Finding(subject, "differs", ours, theirs, why, cause, one.around)


def _chain(one: comparing.Amounts, observed: Observed) -> Finding:
    subject = Subject(way="cash", measure="chain", currency=one.currency)
    if one.around.starts_at > observed.owned.asked_at - LISTED_LATE:
        return Finding(subject, "deferred", one.ours, one.theirs, "it may not be listed yet")
    why = f"the balances of the account log do not add up at {one.lines} instants"
    return Finding(subject, "differs", one.ours, one.theirs, why, None, one.around)


def _hint(looked: Found) -> None:
    """Narrow differences down to where something is known to be missing."""
    for subject, finding in looked.findings.items():
        place = subject.category, subject.symbol
        if finding.verdict != "differs":
            continue
        cause = finding.cause
        lists = {(stream, subject.category) for stream in TOLD_BY.get(subject.way, ())}
        if place in looked.hints.unread_symbols or lists & looked.hints.unread:
            cause = "unknown_record_type"
        around = finding.around
        if subject.way == "position" and place in looked.hints.around:
            around = looked.hints.around[place]
            cause = None if cause == "missing_history" else cause
        looked.findings[subject] = replace(finding, cause=cause, around=around)


def _sum_up(looked: Found) -> None:
    """What is remembered of each leg, coin and symbol."""
    flat: dict[str, int] = defaultdict(int)
    worst: dict[Subject, Finding] = {}
    for finding in looked.findings.values():
        subject = finding.subject
        if subject.way == "position" and finding.verdict == "agrees" and not finding.ours:
            flat[subject.category] += 1
            if subject not in looked.before or subject.category in EXPIRING:
                continue  # a leg that was open lately is told by itself: it may open again
        group = _group(subject)
        if group not in worst or WEIGHT[finding.verdict] > WEIGHT[worst[group].verdict]:
            worst[group] = finding
    known = {one.subject: one for one in looked.compared}
    for group, finding in worst.items():
        items = known[group].items if group in known else 1
        known[group] = Compared(
            group, finding.verdict, finding.ours, finding.theirs, items, finding.why
        )
    for category, count in flat.items():
        subject = Subject(way="position", measure="flat", category=category)
        known[subject] = Compared(subject, "agrees", None, None, count, "flat on both sides")
    for (way, measure), why in looked.refused.items():
        subject = Subject(way=way, measure=measure)
        known[subject] = Compared(subject, "not_compared", None, None, 0, why)
    looked.compared = list(known.values())


def _group(subject: Subject) -> Subject:
    """What a subject is remembered under: orders and lines by their symbol."""
    if subject.way == "closed_pnl" and subject.measure != PNL:
        return replace(subject, measure="orders", currency="", reference="")
    if subject.way == "counts":
        measure = "orders" if subject.reference else "log_lines"
        return replace(subject, measure=measure, reference="")
    return subject


def differing(looked: Found) -> Iterator[Finding]:
    """What differs, in a settled order."""
    yield from sorted(looked.of("differs"), key=lambda one: one.subject)
