"""Does the book agree with its venue? Look, read history, compare; and keep what differs.

A reconciled pass asks the venue what is held and what is in the wallets, then reads history up to
after that instant, then compares both in one snapshot of the ledger. What differs for the first
time is read again once, and compared once more. What still differs is a break: a row that stays
until both sides agree again. Nothing is ever booked to make it go away.

A venue that refuses or fails to show positions or balances leaves those not compared, with the
reason; it spoils neither the pass nor the other comparisons.
"""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from fillbook.accounting.reconciliation import Evidence, Sight, likely_cause
from fillbook.domain.breaks import Break, Finding, Subject
from fillbook.domain.window import Window
from fillbook.errors import LeaseHeld, VenueError
from fillbook.ledger import breaks, comparing, observations
from fillbook.ledger._pool import snapshot
from fillbook.ledger.comparing import MOMENT
from fillbook.ledger.observations import Observed
from fillbook.ledger.runs import RunKind
from fillbook.ledger.writing import writing
from fillbook.sync.engine import CLOCK_SLACK, Engine, Passed, Step
from fillbook.sync.looked import Found
from fillbook.sync.reconcile_again import read_again
from fillbook.sync.reconcile_findings import differing, look
from fillbook.venues._logger import get_logger

log = get_logger()

T = TypeVar("T")

OPEN_MAX = 500  # breaks of an account; more of them are counted, and compared again
TRIED_MAX = 20  # lines that a break keeps
READS_MIN = 2  # to the end, the pass's own included, before a list is said to have a hole
AGAIN_AFTER = timedelta(hours=1)
LATE_LISTS = frozenset(("executions", "account_log", "closed_pnl"))  # that may show rows late
UP_TO_NOW = timedelta(hours=1)  # a pass that was asked to end so lately means now


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a comparison came to."""

    account_id: int
    matched_at: datetime
    compared: int
    deferred: tuple[Finding, ...]
    not_compared: tuple[Finding, ...]
    refused: tuple[str, ...]
    opened: tuple[Break, ...]
    healed: tuple[Break, ...]
    still_open: tuple[Break, ...]
    unkept: tuple[Finding, ...]  # what differs as well, and is too much to be kept as breaks
    seconds: timedelta

    @property
    def open(self) -> tuple[Break, ...]:
        """All breaks that are open now."""
        return (*self.still_open, *self.opened)


async def observe(engine: Engine) -> Observed:
    """Ask the venue what is held and what is in the wallets, and keep its answer."""
    ahead = timedelta()
    with suppress(VenueError):  # the questions below will say what is wrong
        measured = engine.clock() - await engine.venue.server_time()
        ahead = measured if abs(measured) > CLOCK_SLACK else ahead
    first = engine.clock() - ahead
    positions, held_error = await _told(engine.venue.positions())
    second = engine.clock() - ahead
    balances, owned_error = await _told(engine.venue.balances())
    observed = Observed(
        account_id=engine.account.account_id,
        observation_id=engine.new_id(),
        held=Sight(first, second),
        owned=Sight(second, engine.clock() - ahead),
        positions=positions,
        balances=balances,
        positions_error=held_error,
        balances_error=owned_error,
    )
    await observations.put(engine.pool, observed)
    return observed


async def _told(asking: Awaitable[Sequence[T]]) -> tuple[tuple[T, ...], str | None]:
    """What a venue showed, or why it did not."""
    try:
        return tuple(await asking), None
    except VenueError as error:
        return (), str(error)


async def reconciled_pass(
    engine: Engine, kind: RunKind, asked: Window
) -> tuple[Passed, Reconciled | None]:
    """Look, pass over history up to after that, compare. None: another worker was quicker."""
    observed = await observe(engine)
    if asked.ends_at >= observed.held.asked_at - UP_TO_NOW:
        asked = Window(asked.starts_at, max(asked.ends_at, engine.clock() + UP_TO_NOW))
    passed = await engine.sync(kind, asked)
    return passed, await compare(engine, observed, kind=kind)


async def compare(
    engine: Engine, observed: Observed, *, kind: RunKind = "manual", open_max: int = OPEN_MAX
) -> Reconciled:
    """Compare the book with an observation, once history is read up to it."""
    started = engine.clock()
    known, looked = await _look(engine, observed)
    tries = _worth_a_try(looked, known, started)
    said, to_the_end = "", False
    if tries:
        try:
            said, to_the_end = await read_again(engine, kind, tries)
        except LeaseHeld as error:
            said = f"could not be read again: {error}"
        known, looked = await _look(engine, observed)
    tried = {one.subject for one in tries}
    found = [_break(engine, one, known.get(one.subject), started) for one in differing(looked)]
    now = engine.clock()
    kept = [
        _noted(one, said, now, to_the_end=to_the_end) if one.subject in tried else one
        for one in found
    ]
    return await _keep(engine, observed, looked, _Outcome(known, kept, open_max), started)


async def _look(engine: Engine, observed: Observed) -> tuple[dict[Subject, Break], Found]:
    async with snapshot(engine.pool) as conn:
        open_breaks = await breaks.open_breaks(conn, observed.account_id)
        looked = await look(
            conn, observed, open_breaks,
            read=engine.venue.order_total, step=lambda: _step(engine, observed),
        )  # fmt: skip
    return {one.subject: one for one in open_breaks}, looked


def _step(engine: Engine, observed: Observed) -> None:
    """Say that comparing goes on, for whoever watches that nothing stands still."""
    about = Window(observed.held.asked_at, observed.held.asked_at + MOMENT)
    engine.progress(Step("comparing", "all", about, MOMENT, MOMENT, 0))


def _worth_a_try(looked: Found, known: dict[Subject, Break], now: datetime) -> list[Finding]:
    """What differs and was not asked for again yet, or not for as long as it is known."""
    wanted: list[Finding] = []
    for finding in differing(looked):
        before = known.get(finding.subject)
        if before is None or now >= _next_try(before):
            wanted.append(finding)
    return wanted


def _next_try(one: Break) -> datetime:
    """When it is worth asking again: ever more seldom."""
    if one.tried_at is None:
        return one.first_seen_at
    return one.tried_at + (one.tried_at - one.first_seen_at) + AGAIN_AFTER


def _break(engine: Engine, finding: Finding, before: Break | None, now: datetime) -> Break:
    """What is known of a difference, now."""
    if before is None:
        return Break(
            engine.new_id(), finding.subject, finding.ours, finding.theirs,
            "in_doubt", finding.why, (), finding.around, now, now, 1,
        )  # fmt: skip
    return replace(
        before,
        ours=finding.ours,
        theirs=finding.theirs,
        why=finding.why,
        around=finding.around,
        last_seen_at=now,
        times_seen=before.times_seen + 1,
    )


def _noted(one: Break, said: str, now: datetime, *, to_the_end: bool) -> Break:
    """The same break, and what was tried."""
    tried = (*one.tried, f"{now:%Y-%m-%d %H:%M} {said}")[-TRIED_MAX:]
    return replace(one, tried=tried, tried_at=now, tries=one.tries + to_the_end)


@dataclass(frozen=True, slots=True)
class _Outcome:
    known: dict[Subject, Break]
    found: Sequence[Break]
    open_max: int


async def _keep(
    engine: Engine, observed: Observed, looked: Found, outcome: _Outcome, started: datetime
) -> Reconciled:
    """Write down what was found, unless a later look was compared meanwhile."""
    now = engine.clock()
    lateness = max(
        (one.lateness for one in engine.venue.streams if one.name in LATE_LISTS),
        default=timedelta(),
    )
    found = [
        replace(
            one,
            cause=likely_cause(
                looked.findings[one.subject],
                Evidence(now, lateness, read_twice=one.tries + 1 >= READS_MIN),
            ),
        )
        for one in outcome.found
    ]
    fresh = [one for one in found if one.subject not in outcome.known]
    healed = [replace(one, healed_at=now) for one in outcome.known.values() if looked.heals(one)]
    room = max(0, outcome.open_max + len(healed) - len(outcome.known))
    opened, still = fresh[:room], [one for one in found if one.subject in outcome.known]
    seen = {one.subject for one in (*still, *healed)}
    waiting = [one for one in outcome.known.values() if one.subject not in seen]
    reconciled = Reconciled(
        account_id=observed.account_id,
        matched_at=observed.held.asked_at,
        compared=looked.agreed + len(found),
        deferred=tuple(looked.of("deferred")),
        not_compared=tuple(looked.of("not_compared")),
        refused=tuple(looked.refused.values()),
        opened=tuple(opened),
        healed=tuple(healed),
        still_open=(*still, *waiting),
        unkept=tuple(looked.findings[one.subject] for one in fresh[room:]),
        seconds=now - started,
    )
    await _write(engine, observed, looked, reconciled, (*opened, *still, *healed))
    _say(engine, reconciled)
    return reconciled


async def _write(
    engine: Engine,
    observed: Observed,
    looked: Found,
    reconciled: Reconciled,
    changed: Sequence[Break],
) -> None:
    now, account_id = engine.clock(), observed.account_id
    async with writing(engine.pool, account_id, lease=None, now=now) as open_writing:
        conn = open_writing.conn
        last = await breaks.last_matched(conn, account_id)
        if last is not None and last > reconciled.matched_at:
            return
        for one in changed:
            await breaks.put_break(conn, account_id, one)
        await breaks.put_comparisons(
            conn, account_id, looked.compared, matched_at=reconciled.matched_at, compared_at=now,
            refused=looked.refused,
        )  # fmt: skip
        unsettled = looked.unsettled(reconciled.unkept)
        for due in looked.dues:
            await comparing.put_due(conn, account_id, due, unsettled.get(due.way))
        await breaks.put_tally(
            conn,
            account_id,
            breaks.Tally(
                reconciliation_id=engine.new_id(),
                observation_id=observed.observation_id,
                matched_at=reconciled.matched_at,
                compared_at=now,
                agreed=looked.agreed,
                differed=len(looked.of("differs")),
                deferred=len(reconciled.deferred),
                not_compared=len(reconciled.not_compared) + len(reconciled.refused),
                opened=len(reconciled.opened),
                healed=len(reconciled.healed),
                unkept=len(reconciled.unkept),
                seconds=Decimal(str(reconciled.seconds.total_seconds())),
            ),
        )


def _say(engine: Engine, reconciled: Reconciled) -> None:
    for one in reconciled.opened:
        log.warning("break opened", what=str(one.subject), cause=one.cause, why=one.why)
    for one in reconciled.healed:
        log.info("break healed", what=str(one.subject), since=one.first_seen_at.isoformat())
    if reconciled.unkept:
        log.warning("more differences than are kept", more=len(reconciled.unkept))
    log.info(
        "compared with the venue",
        account=engine.account.name,
        compared=reconciled.compared,
        deferred=len(reconciled.deferred),
        open=len(reconciled.open),
    )
