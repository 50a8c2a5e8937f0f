"""What is wrong with an account, judged by what is seen of it; pure.

Silence is what this is about. A feed that is connected and tells nothing, passes that do not come
to their end, a key that runs out, a gap that nobody will fill: each is an alarm until it is over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fillbook.ledger.alarms import Alarm, Key, Standing
from fillbook.ledger.jobs import JobState
from fillbook.sync.schedule import PASS, SWEEP, Plan

NO_PASS, FEED_SILENT, FEED_DEAF = "no pass", "feed not live", "feed deaf"
JOB_FAILING, UNPROVEN, CLOCK = "job failing", "unproven", "clock"
KEY_EXPIRES, KEY_REFUSED, NOT_OPENED = "key expires", "key refused", "not opened"
QUARANTINE, GAP, BREAK, NOT_COMPARED = "quarantine", "gap", "break", "not compared"
STUCK, DATABASE = "stuck", "database away"

INTERVALS_MAX = 2  # without a pass
FEED_SILENT_MAX = timedelta(minutes=5)
FAILURES_MAX = 3
KEY_DAYS_MIN = 7
CLOCK_ERROR_MAX = timedelta(seconds=2)
DETAIL_MAX = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """All that alarms of one account are judged by."""

    now: datetime
    plan: Plan
    since: datetime  # this worker has looked after the account; counts where nothing is known
    up: Mapping[Key, Alarm] = field(default_factory=dict)  # whoever has raised them
    refused: str = ""  # why the key is not used
    feed_live: bool = False
    feed_since: datetime | None = None  # it is live, or not
    feed_lost: str = ""
    feed_left_out: int = 0
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    ahead: timedelta = timedelta()  # by how much the venue's clock is ahead of ours
    standing: Standing | None = None
    stuck: str = ""
    not_compared: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of alarms."""

    raised: tuple[Alarm, ...]
    retold: tuple[Alarm, ...]
    cleared: tuple[Alarm, ...]

    @property
    def is_news(self) -> bool:
        """Whether anything is different."""
        return bool(self.raised or self.retold or self.cleared)


def judge(seen: Seen) -> Mapping[Key, str]:
    """What is wrong now, by kind and subject, in a sentence each."""
    return {
        (kind, subject): said[:DETAIL_MAX]
        for judged in (_key(seen), _passes(seen), _feed(seen), _jobs(seen), _ledger(seen))
        for kind, subject, said in judged
    }


def compare(up: Mapping[Key, Alarm], wrong: Mapping[Key, str], now: datetime) -> Changed:
    """What has to change, so that the alarms that are up are those that should be."""
    return Changed(
        raised=tuple(Alarm(*key, now, said) for key, said in wrong.items() if key not in up),
        retold=tuple(
            Alarm(*key, up[key].raised_at, said)
            for key, said in wrong.items()
            if key in up and up[key].detail != said
        ),
        cleared=tuple(alarm for key, alarm in up.items() if key not in wrong),
    )


_Said = Iterator[tuple[str, str, str]]


def _key(seen: Seen) -> _Said:
    if seen.refused:
        yield KEY_REFUSED, "", seen.refused
    expires = seen.standing.key_expires_on if seen.standing else None
    if expires is not None and (expires - seen.now.date()).days < KEY_DAYS_MIN:
        yield KEY_EXPIRES, "", f"The key expires on {expires}: make a new one at the venue in time."
    if abs(seen.ahead) > CLOCK_ERROR_MAX:
        seconds = abs(seen.ahead).total_seconds()
        word = "behind" if seen.ahead > timedelta() else "ahead of"
        yield (
            CLOCK,
            "",
            f"This machine's clock is about {seconds:.0f} s {word} the venue's: synchronise it.",
        )


def _passes(seen: Seen) -> _Said:
    if not seen.plan.enabled:
        return
    state, last = seen.jobs.get(PASS, JobState()), _last_done(seen)
    # What the ledger knows counts, not this process, which may be the twentieth of the day.
    begun = min((first for job in seen.jobs.values() if (first := job.first_at)), default=None)
    if seen.now - (last or begun or seen.since) > INTERVALS_MAX * seen.plan.interval:
        ago = "none has been yet" if last is None else f"the last one ended {last:%Y-%m-%d %H:%M}"
        yield NO_PASS, "", f"No pass has come to its end for too long: {ago} UTC. {state.error}"
    if state.unproven:
        yield UNPROVEN, "", f"The last pass left something unproven: {state.unproven}"


def _last_done(seen: Seen) -> datetime | None:
    """The end of the last pass; where none is scheduled, of anything."""
    jobs = (PASS, SWEEP) if seen.plan.enabled else tuple(seen.jobs)
    states = [state for job in jobs if (state := seen.jobs.get(job))]
    return max((done for state in states if (done := state.done_at)), default=None)


def _feed(seen: Seen) -> _Said:
    if not seen.plan.enabled:
        return
    if seen.feed_left_out:
        yield FEED_DEAF, "", f"The feed left out {seen.feed_left_out} executions; it is begun anew."
    if seen.feed_live:
        return
    since, up = seen.feed_since or seen.since, seen.up.get((FEED_SILENT, ""))
    if up is not None:  # until it is live, whoever tries and however often
        since = min(since, up.raised_at)
    catching_up = seen.jobs.get(PASS, JobState()).outcome == "running"
    if up is not None or (not catching_up and seen.now - since > FEED_SILENT_MAX):
        yield (
            FEED_SILENT,
            "",
            f"Not live since {since:%Y-%m-%d %H:%M} UTC. {seen.feed_lost}".strip(),
        )


def _jobs(seen: Seen) -> _Said:
    for job, state in sorted(seen.jobs.items()):
        if state.failures >= FAILURES_MAX:
            yield JOB_FAILING, job, f"It failed {state.failures} times in a row: {state.error}"
    up, last = seen.up.get((STUCK, "")), _last_done(seen)
    if seen.stuck:
        yield STUCK, "", seen.stuck
    elif up is not None and (last is None or last < up.raised_at):
        yield STUCK, "", up.detail  # until a pass has come through


def _ledger(seen: Seen) -> _Said:
    if seen.not_compared:
        yield (
            NOT_COMPARED,
            "",
            f"The book could not be compared with the venue: {seen.not_compared}",
        )
    standing = seen.standing
    if standing is not None and standing.quarantined:
        yield (
            QUARANTINE,
            "",
            f"{standing.quarantined} rows of the last days cannot be read; they are kept verbatim.",
        )
    if standing is not None and standing.gaps:
        yield (
            GAP,
            "",
            f"The venue no longer has a part of: {standing.gaps}. See `fillbook coverage`.",
        )
    if standing is not None and standing.breaks:
        yield BREAK, "", f"{standing.breaks} differences from the venue: see `fillbook reconcile`."
