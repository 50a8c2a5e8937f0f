"""What is due when: pure arithmetic over what was done, so that a restart changes nothing.

Two kinds of rule. `Every` counts from the last start: a pass every half hour. `Slots` are fixed
instants: a snapshot at every full hour, a sweep every night. Of due times that passed while nobody
worked, one is made up for and the others are counted as missed. A slot that has a latest time is
given up after it: what was held at noon cannot be asked at three.

::

    never asked for more than once      however many periods were slept through
    never before its time               and at the next one even when the clock was set back
    a failure is tried again            after a minute, then twice as long, a period at most
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from fillbook.ledger.jobs import JobState, Outcome

Action = Literal["pass", "sweep", "observe", "key", "tidy"]

PASS, SWEEP, KEY_CHECK, HOUSEKEEPING = "pass", "sweep", "key check", "housekeeping"
SNAPSHOT_HOURLY, SNAPSHOT_DAILY = "snapshot hourly", "snapshot daily"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RETRY_MIN = timedelta(minutes=1)
DOUBLINGS_MAX = 16
DAILY_LATE_MAX = HOUR
HOURLY_LATE_MAX = timedelta(minutes=15)
INTERRUPTED = "The process ended before the job did."


@dataclass(frozen=True, slots=True)
class Every:
    """Due a period after its last start; at once when it has never run."""

    job: str
    action: Action
    period: timedelta


@dataclass(frozen=True, slots=True)
class Slots:
    """Due at fixed instants, UTC; with `late_max`, given up when that late."""

    job: str
    action: Action
    period: timedelta
    offset: timedelta = timedelta()
    late_max: timedelta | None = None

    def slot_at(self, now: datetime) -> datetime:
        """The last slot that has come."""
        since = now - EPOCH - self.offset
        return EPOCH + self.offset + (since // self.period) * self.period


Rule = Every | Slots


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done regularly, as settings say it."""

    interval: timedelta = timedelta(minutes=30)
    enabled: bool = True
    sweep_at: timedelta = timedelta(hours=3)  # after midnight, UTC
    sweep_again: timedelta = timedelta(days=3)  # so much of what is proven a sweep reads again

    def rules(self) -> tuple[Rule, ...]:
        """The rules for one account. Where nothing is scheduled, its key is looked after still."""
        key = Every(KEY_CHECK, "key", DAY)
        if not self.enabled:
            return (key,)
        return (
            Every(PASS, "pass", self.interval),
            Slots(SNAPSHOT_DAILY, "observe", DAY, late_max=DAILY_LATE_MAX),
            Slots(SNAPSHOT_HOURLY, "observe", HOUR, late_max=HOURLY_LATE_MAX),
            Slots(SWEEP, "sweep", DAY, offset=self.sweep_at),
            key,
        )


@dataclass(frozen=True, slots=True)
class Looked:
    """What a rule makes of a state now."""

    state: JobState  # with slots that nobody can make up for given up
    due_at: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether it should run."""
        return self.due_at <= now


def look(rule: Rule, state: JobState, now: datetime) -> Looked:
    """When a job is due next; now or earlier: it should run."""
    if isinstance(rule, Every):
        return Looked(state, _again_at(rule, state, now) or _after_start(rule, state, now))
    return _next_slot(rule, state, now)


def recovered(state: JobState) -> JobState:
    """What a state means to whoever holds the lease now: nobody else is running it.

    That counts as a failure, or a process that is killed in every pass would raise no alarm.
    """
    if state.outcome != "running":
        return state
    return replace(
        state, outcome="failed", ended_at=None, error=INTERRUPTED, failures=state.failures + 1
    )


def begun(rule: Rule, state: JobState, now: datetime) -> JobState:
    """The state of a job that starts, with the due times that it stands for."""
    return replace(
        state,
        started_at=now,
        first_at=state.first_at or now,
        outcome="running",
        missed=_missed(rule, state, now),
    )


def ended(
    rule: Rule, state: JobState, now: datetime, outcome: Outcome, error: str = ""
) -> JobState:
    """The state of a job that has ended. Its slot is the one in which it began."""
    if outcome == "failed":
        return replace(
            state, ended_at=now, outcome=outcome, error=error, failures=state.failures + 1
        )
    started = state.started_at or now
    served = rule.slot_at(started) if isinstance(rule, Slots) else started
    return replace(
        state,
        served=served,
        ended_at=now,
        done_at=now,
        outcome=outcome,
        error=error,
        failures=0,
        unproven=error if outcome == "partial" else "",
    )


def next_of(looked: Iterable[Looked]) -> datetime | None:
    """The earliest due time."""
    return min((one.due_at for one in looked), default=None)


def _after_start(rule: Every, state: JobState, now: datetime) -> datetime:
    if state.started_at is None:
        return now
    # A clock that was set back must not put the next one off by as much.
    return min(state.started_at, now) + rule.period


def _again_at(rule: Rule, state: JobState, now: datetime) -> datetime | None:
    """When something that failed is tried again."""
    if state.outcome != "failed":
        return None
    if state.ended_at is None:
        return now
    doublings = min(max(state.failures - 1, 0), DOUBLINGS_MAX)
    doubled = RETRY_MIN * (1 << doublings)
    return min(state.ended_at, now) + min(doubled, rule.period)


def _next_slot(rule: Slots, state: JobState, now: datetime) -> Looked:
    slot, upcoming = rule.slot_at(now), rule.slot_at(now) + rule.period
    served = _believable(rule, state, now)
    if served is None:  # nothing was due before anybody began
        if rule.late_max is not None and now - slot <= rule.late_max:
            return Looked(state, slot)
        state = replace(state, served=slot)
        return Looked(state, upcoming)
    if served >= slot:
        return Looked(state, served + rule.period)
    if rule.late_max is not None and now - slot > rule.late_max:
        missed = state.missed + (slot - served) // rule.period
        given_up = replace(state, served=slot, missed=missed, outcome="missed", failures=0)
        return Looked(given_up, upcoming)
    return Looked(state, max(slot, _again_at(rule, state, now) or slot))


def _believable(rule: Slots, state: JobState, now: datetime) -> datetime | None:
    """What was served last; nothing when it lies so far ahead that a clock must have erred."""
    if state.served is None and state.failures and state.started_at is not None:
        # The first one failed: its slot is owed, as any later one.
        return rule.slot_at(min(state.started_at, now)) - rule.period
    if state.served is None or state.served > now + rule.period:
        return None
    served: datetime = rule.slot_at(state.served)
    return served


def _missed(rule: Rule, state: JobState, now: datetime) -> int:
    """Due times that passed, beside the one that is served now."""
    if isinstance(rule, Slots):
        served = _believable(rule, state, now)
        passed = 0 if served is None else (rule.slot_at(now) - served) // rule.period - 1
    elif state.started_at is None or state.failures:
        passed = 0
    else:
        passed = (now - state.started_at) // rule.period - 1
    return state.missed + max(0, passed)
