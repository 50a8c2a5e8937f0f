"""The schedule: what is due when, whatever happened in between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbook.ledger.jobs import JobState
from fillbook.sync.schedule import (
    DAY,
    HOUR,
    RETRY_MIN,
    Every,
    Plan,
    Rule,
    Slots,
    begun,
    ended,
    look,
    recovered,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HALF_HOURLY = Every("pass", "pass", 30 * MINUTE)
HOURLY = Slots("snapshot", "observe", HOUR, late_max=15 * MINUTE)
NIGHTLY = Slots("sweep", "sweep", DAY, offset=3 * HOUR)
RULES: tuple[Rule, ...] = (HALF_HOURLY, HOURLY, NIGHTLY)
NEVER = JobState()

moments = st.integers(0, 40 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds))
rules = st.sampled_from(RULES)


def done(rule: Rule, at: datetime, state: JobState = NEVER) -> JobState:
    """The state after a run that went well, in no time."""
    return ended(rule, begun(rule, state, at), at, "done")


def test_what_never_ran_is_due_at_once() -> None:
    """A first start begins with a pass."""
    assert look(HALF_HOURLY, NEVER, NOON).is_due(NOON)


def test_the_next_pass_is_due_a_period_after_the_start() -> None:
    """Not before, and not a period after the end of a long one."""
    state = ended(HALF_HOURLY, begun(HALF_HOURLY, NEVER, NOON), NOON + 20 * MINUTE, "done")

    assert look(HALF_HOURLY, state, NOON + 21 * MINUTE).due_at == NOON + 30 * MINUTE


def test_a_pass_longer_than_its_period_is_followed_by_one() -> None:
    """Two periods passed while it ran: one run is due, once."""
    state = ended(HALF_HOURLY, begun(HALF_HOURLY, NEVER, NOON), NOON + 70 * MINUTE, "done")
    now = NOON + 70 * MINUTE
    after = done(HALF_HOURLY, now, state)

    assert look(HALF_HOURLY, state, now).is_due(now)
    assert look(HALF_HOURLY, after, now).due_at == now + 30 * MINUTE
    assert after.missed == 1


@pytest.mark.parametrize(
    ("now", "due_at"),
    [
        (NOON + 5 * MINUTE, NOON),
        (NOON + 15 * MINUTE, NOON),
        (NOON + 16 * MINUTE, NOON + HOUR),
        (NOON + 59 * MINUTE, NOON + HOUR),
        (NOON + HOUR, NOON + HOUR),
    ],
)
def test_a_slot_is_served_late_within_bounds_and_then_given_up(
    now: datetime, due_at: datetime
) -> None:
    """What was held at noon cannot be asked at half past."""
    state = done(HOURLY, NOON - HOUR)

    assert look(HOURLY, state, now).due_at == due_at


def test_missed_slots_stay_missing_and_are_counted() -> None:
    """Five hours asleep: slots at 12 to 16 are gone, that of 17 is taken."""
    state = done(HOURLY, NOON - HOUR)
    woken = look(HOURLY, state, NOON + 4 * HOUR + 40 * MINUTE)

    assert woken.due_at == NOON + 5 * HOUR
    assert (woken.state.missed, woken.state.outcome) == (5, "missed")
    assert woken.state.served == NOON + 4 * HOUR


def test_a_slot_is_served_once() -> None:
    """However often it is looked at, and by whichever worker."""
    state = done(HOURLY, NOON + MINUTE)

    assert look(HOURLY, state, NOON + 2 * MINUTE).due_at == NOON + HOUR
    assert look(HOURLY, state, NOON + MINUTE).due_at == NOON + HOUR


def test_a_sweep_is_made_up_for_once_however_late() -> None:
    """Four nights asleep: one sweep on waking, three missed ones."""
    state = done(NIGHTLY, NOON - 9 * HOUR)
    woken = NOON + 4 * DAY
    after = done(NIGHTLY, woken, state)

    assert look(NIGHTLY, state, woken).is_due(woken)
    assert not look(NIGHTLY, after, woken).is_due(woken)
    assert after.missed == 3


def test_a_first_start_owes_no_sweep() -> None:
    """The backfill reads everything; the first sweep comes at its hour."""
    looked = look(NIGHTLY, NEVER, NOON)

    assert looked.due_at == NOON + 15 * HOUR
    assert looked.state.missed == 0


def test_a_failure_is_tried_again_with_growing_pauses() -> None:
    """A minute, two, four, up to the period."""
    state, pauses = NEVER, []
    for _ in range(8):
        state = ended(HALF_HOURLY, begun(HALF_HOURLY, state, NOON), NOON, "failed", "no answer")
        pauses.append(look(HALF_HOURLY, state, NOON).due_at - NOON)

    assert pauses == [MINUTE * n for n in (1, 2, 4, 8, 16, 30, 30, 30)]
    assert state.failures == 8


def test_success_forgets_failures() -> None:
    """The next failure begins with a minute again."""
    state = ended(HALF_HOURLY, begun(HALF_HOURLY, NEVER, NOON), NOON, "failed", "no answer")

    assert done(HALF_HOURLY, NOON, state).failures == 0
    assert done(HALF_HOURLY, NOON, state).error == ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.job)
def test_what_a_killed_process_left_running_is_due_at_once(rule: Rule) -> None:
    """Whoever has the lease knows that nobody is at it."""
    before = done(rule, NOON - DAY)
    now = rule.slot_at(NOON) if isinstance(rule, Slots) else NOON
    state = recovered(begun(rule, before, now))

    assert look(rule, state, now + MINUTE).is_due(now + MINUTE)
    assert state.failures == 1


def test_a_process_that_is_killed_each_time_is_counted() -> None:
    """Three times at the same job: as many failures, since the first of them."""
    state = NEVER
    for minutes in (0, 20, 40):
        state = recovered(begun(HALF_HOURLY, state, NOON + minutes * MINUTE))

    assert (state.failures, state.first_at) == (3, NOON)


def test_what_a_pass_left_unproven_is_known_while_the_next_one_runs() -> None:
    """And when that one fails; only a pass that came to its end knows better."""
    state = ended(HALF_HOURLY, begun(HALF_HOURLY, NEVER, NOON), NOON, "partial", "linear")
    later = begun(HALF_HOURLY, state, NOON + HOUR)
    failed = ended(HALF_HOURLY, later, NOON + HOUR, "failed", "no answer")

    assert [one.unproven for one in (state, later, failed)] == ["linear"] * 3
    assert done(HALF_HOURLY, NOON + HOUR, failed).unproven == ""


def test_the_first_snapshot_that_fails_is_tried_again_and_counted() -> None:
    """A minute later, two minutes after that; a quarter past the hour it is given up."""
    at = NOON + 2 * MINUTE
    state = ended(HOURLY, begun(HOURLY, NEVER, at), at, "failed", "no answer")
    given_up = look(HOURLY, state, NOON + 16 * MINUTE)

    assert look(HOURLY, state, at).due_at == at + MINUTE
    assert done(HOURLY, at + MINUTE, state).missed == 0
    assert (given_up.due_at, given_up.state.missed) == (NOON + HOUR, 1)
    assert given_up.state.outcome == "missed"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.job)
def test_a_clock_set_back_puts_nothing_off_for_long(rule: Rule) -> None:
    """By a year: the next is due within two periods."""
    state = done(rule, NOON + 365 * DAY)

    assert look(rule, state, NOON).due_at <= NOON + 2 * rule.period


@given(rule=rules, starts=st.lists(moments, max_size=6), now=moments)
def test_whatever_happened_it_runs_once_and_then_waits(
    rule: Rule, starts: list[datetime], now: datetime
) -> None:
    """Any past: what runs now is not due again now, and due within a period from now."""
    state = NEVER
    for at in sorted(starts):
        state = done(rule, at, look(rule, state, at).state)
    now = max([now, *starts])
    looked = look(rule, state, now)
    after = look(rule, done(rule, now, looked.state), now)

    assert not after.is_due(now)
    assert after.due_at <= now + rule.period


@given(rule=rules, start=moments, pauses=st.lists(st.integers(1, 300), min_size=1, max_size=60))
def test_every_due_time_is_run_or_counted(rule: Rule, start: datetime, pauses: list[int]) -> None:
    """Woken at any times: the slots between two looks are served or missed, none is forgotten."""
    state, now, runs = done(rule, start), start, 1
    first = state.served
    assert first is not None
    for minutes in pauses:
        now += timedelta(minutes=minutes)
        looked = look(rule, state, now)
        state = looked.state
        if looked.is_due(now):
            state = done(rule, now, state)
            runs += 1
    if isinstance(rule, Slots):
        assert state.served is not None
        assert (state.served - first) // rule.period + 1 == runs + state.missed


@given(rule=rules, failures=st.integers(1, 10**6), at=moments, later=st.integers(0, 10**6))
def test_a_retry_never_waits_longer_than_a_period(
    rule: Rule, failures: int, at: datetime, later: int
) -> None:
    """However often it failed."""
    state = replace(done(rule, at - 3 * DAY), outcome="failed", failures=failures, ended_at=at)
    now = at + timedelta(seconds=later)

    assert look(rule, state, now).due_at <= now + rule.period
    assert rule.period >= RETRY_MIN


def test_nothing_is_scheduled_when_it_is_switched_off() -> None:
    """Only the key is looked after."""
    assert [rule.job for rule in Plan(enabled=False).rules()] == ["key check"]


def test_the_sweep_has_its_hour() -> None:
    """As the setting says, in UTC."""
    sweep = next(rule for rule in Plan(sweep_at=5 * HOUR).rules() if rule.job == "sweep")

    assert look(sweep, NEVER, NOON).due_at == NOON + 17 * HOUR
