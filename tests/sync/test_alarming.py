"""Alarms: what is seen of an account, and what is said about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fillbook.ledger.alarms import Alarm, Standing
from fillbook.ledger.jobs import JobState
from fillbook.sync.alarming import Seen, compare, judge
from fillbook.sync.schedule import Plan
from fillbook.sync.stillness import Stillness

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FINE = JobState(served=NOW, started_at=NOW, ended_at=NOW, done_at=NOW - 5 * MINUTE, outcome="done")
WELL = Seen(
    now=NOW,
    plan=Plan(),
    since=NOW - timedelta(days=1),
    feed_live=True,
    feed_since=NOW - timedelta(hours=5),
    jobs={"pass": FINE},
    standing=Standing(0, date(2026, 6, 1), ""),
)


def kinds(seen: Seen) -> list[tuple[str, str]]:
    """What is said, without the words."""
    return list(judge(seen))


def jobs(**changes: object) -> Mapping[str, JobState]:
    """The pass, in another state."""
    return {"pass": replace(FINE, **changes)}  # type: ignore[arg-type]


def test_all_is_well() -> None:
    """Nothing is said."""
    assert kinds(WELL) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(WELL, refused="it can withdraw"), ("key refused", "")),
        (replace(WELL, ahead=timedelta(seconds=3)), ("clock", "")),
        (replace(WELL, ahead=-timedelta(seconds=3)), ("clock", "")),
        (replace(WELL, standing=Standing(0, date(2026, 3, 7), "")), ("key expires", "")),
        (replace(WELL, standing=Standing(3, None, "")), ("quarantine", "")),
        (replace(WELL, standing=Standing(0, None, "executions linear")), ("gap", "")),
        (replace(WELL, standing=Standing(0, None, "", 2)), ("break", "")),
        (replace(WELL, jobs=jobs(done_at=NOW - 61 * MINUTE)), ("no pass", "")),
        (replace(WELL, jobs={}), ("no pass", "")),
        (replace(WELL, jobs=jobs(outcome="partial", unproven="linear")), ("unproven", "")),
        (replace(WELL, jobs=jobs(outcome="running", unproven="linear")), ("unproven", "")),
        (replace(WELL, jobs=jobs(failures=3, error="no answer")), ("job failing", "pass")),
        (replace(WELL, feed_live=False, feed_since=NOW - 6 * MINUTE), ("feed not live", "")),
        (replace(WELL, feed_live=False, feed_since=None), ("feed not live", "")),
        (replace(WELL, feed_left_out=2), ("feed deaf", "")),
        (replace(WELL, stuck="It stood still."), ("stuck", "")),
        (replace(WELL, not_compared="no permission"), ("not compared", "")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_each_cause_is_one_alarm(seen: Seen, said: tuple[str, str]) -> None:
    """One thing is wrong, one thing is said."""
    assert kinds(seen) == [said]


@pytest.mark.parametrize(
    "seen",
    [
        replace(WELL, ahead=timedelta(seconds=1)),
        replace(WELL, standing=Standing(0, date(2026, 3, 8), "")),
        replace(WELL, jobs=jobs(done_at=NOW - 59 * MINUTE)),
        replace(WELL, jobs=jobs(failures=2)),
        replace(WELL, feed_live=False, feed_since=NOW - 4 * MINUTE),
        replace(WELL, since=NOW - 2 * MINUTE, jobs={}, feed_live=False, feed_since=None),
        replace(WELL, since=NOW - 2 * MINUTE, jobs=jobs(done_at=None, first_at=NOW - 59 * MINUTE)),
        replace(WELL, jobs=jobs(outcome="running"), feed_live=False, feed_since=None),
        replace(WELL, plan=Plan(enabled=False), jobs={}, feed_live=False, feed_since=None),
        replace(WELL, standing=None),
    ],
)
def test_what_may_yet_come_right_is_no_alarm(seen: Seen) -> None:
    """Shortly before each limit, just begun, still reading, switched off."""
    assert kinds(seen) == []


@pytest.mark.parametrize(
    "known",
    [
        jobs(done_at=NOW - 61 * MINUTE),
        jobs(done_at=None, first_at=NOW - 61 * MINUTE),
        {
            "pass": replace(FINE, done_at=None, first_at=NOW - MINUTE),
            "key check": JobState(first_at=NOW - 61 * MINUTE),
        },
    ],
)
def test_a_process_that_has_just_begun_does_not_wait_anew(known: Mapping[str, JobState]) -> None:
    """What the ledger knows counts: the process before may have been killed at work, and often."""
    assert kinds(replace(WELL, since=NOW - MINUTE, jobs=known)) == [("no pass", "")]


def test_a_feed_that_was_silent_is_so_until_it_is_live() -> None:
    """Neither a new process nor a pass that runs ends the alarm."""
    at = NOW - 3 * MINUTE
    up = {("feed not live", ""): Alarm("feed not live", "", at, "Not live.")}
    begun = replace(WELL, up=up, since=NOW - MINUTE, feed_live=False, feed_since=None)

    assert kinds(begun) == [("feed not live", "")]
    assert f"{at:%H:%M}" in judge(begun)["feed not live", ""]
    assert kinds(replace(begun, jobs=jobs(outcome="running"))) == [("feed not live", "")]
    assert kinds(replace(begun, feed_live=True)) == []


def test_what_was_stuck_is_so_until_a_pass_came_through() -> None:
    """Having been begun anew does not end it."""
    up = {("stuck", ""): Alarm("stuck", "", NOW - 3 * MINUTE, "Its work stood still.")}

    assert judge(replace(WELL, up=up)) == {("stuck", ""): "Its work stood still."}
    assert kinds(replace(WELL, up=up, jobs=jobs(done_at=NOW - MINUTE))) == []


def test_a_sweep_is_a_pass_too() -> None:
    """A pass that failed beside a sweep that did not: something was read."""
    swept = {"pass": replace(FINE, done_at=NOW - 90 * MINUTE), "sweep": FINE}

    assert kinds(replace(WELL, jobs=swept)) == []


def test_changes_are_told_once() -> None:
    """Raised when it comes, retold when the words change, cleared when it goes."""
    key = ("gap", "")
    raised = compare({}, {key: "one"}, NOW)
    up = {key: Alarm("gap", "", NOW, "one")}

    assert raised.raised == (Alarm("gap", "", NOW, "one"),)
    assert not compare(up, {key: "one"}, NOW + MINUTE).is_news
    assert compare(up, {key: "two"}, NOW + MINUTE).retold == (Alarm("gap", "", NOW, "two"),)
    assert compare(up, {}, NOW + MINUTE).cleared == (up[key],)


def test_a_sign_that_changes_is_never_still() -> None:
    """Seconds count from the last change; nothing is expected where there is no sign."""
    still, key = Stillness(), ("main", "work")

    assert [still.seconds(key, sign, at) for sign, at in ((1, 0.0), (1, 5.0), (2, 9.0))] == [
        0,
        5,
        0,
    ]
    assert still.seconds(key, 2, 20.0) == 11
    assert still.seconds(key, None, 21.0) == 0
    assert still.seconds(key, 2, 30.0) == 0
