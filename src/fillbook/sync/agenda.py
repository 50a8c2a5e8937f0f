"""The schedule of one account, kept under its lease: what is due, what began, how it ended.

It is kept in memory and written whenever it changes, so that a look at it costs nothing and a
restart knows. Where the database is away when something ends, the end is written when it is back.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from fillbook.errors import DatabaseUnavailable
from fillbook.ledger import jobs
from fillbook.ledger._pool import Pool
from fillbook.ledger.jobs import JobState, Noted, Outcome
from fillbook.ledger.leases import Lease
from fillbook.sync.schedule import Plan, Rule, begun, ended, look, next_of, recovered

NEVER = JobState()
BUSY = timedelta(seconds=15)  # somebody else reads the account's history: wait so long


@dataclass(slots=True)
class Agenda:
    """The jobs of one account."""

    pool: Pool
    lease: Lease
    worker_id: UUID
    plan: Plan
    clock: Callable[[], datetime]
    states: dict[str, JobState] = field(default_factory=dict)
    _unwritten: set[str] = field(default_factory=set)
    _busy_until: dict[str, datetime] = field(default_factory=dict)

    async def load(self) -> None:
        """What was done before. What is called running is not: the lease is ours."""
        known: Mapping[str, JobState] = await jobs.known_jobs(self.pool, self.lease.account_id)
        self.states = {job: recovered(state) for job, state in known.items()}

    async def due(self, *, leaving: Container[str] = ()) -> list[Rule]:
        """What should run now: the first that is due, and what the same act serves.

        What is left out is not begun, and keeps nothing else from being so.
        """
        now = self.clock()
        found: list[Rule] = []
        for rule in self.plan.rules():
            state = self.states.get(rule.job, NEVER)
            looked = look(rule, state, now)
            if looked.state != state:
                self._put(rule, looked.state)
            is_free = rule.action not in leaving and self._busy_until.get(rule.job, now) <= now
            if looked.is_due(now) and is_free:
                found.append(rule)
        await self.write()
        return [rule for rule in found if rule.action == found[0].action]

    async def begin(self, rules: Iterable[Rule]) -> None:
        """These start now. StaleFence where the account has another worker."""
        now = self.clock()
        before = dict(self.states)
        for rule in rules:
            self._put(rule, begun(rule, self.states.get(rule.job, NEVER), now))
        try:
            await self.write()
        except BaseException:
            self.states = before
            raise

    async def end(self, rules: Iterable[Rule], outcome: Outcome, error: str = "") -> None:
        """These have ended."""
        now = self.clock()
        for rule in rules:
            self._put(rule, ended(rule, self.states.get(rule.job, NEVER), now, outcome, error))
        await self._write_if_there()

    async def put_back(self, rules: Iterable[Rule], before: Mapping[str, JobState]) -> None:
        """These could not start, for somebody else is at it: look again shortly."""
        for rule in rules:
            self._put(rule, before.get(rule.job, NEVER))
            self._busy_until[rule.job] = self.clock() + BUSY
        await self._write_if_there()

    async def write(self) -> None:
        """Write what has changed."""
        if not self._unwritten:
            return
        now = self.clock()
        noted = [
            Noted(rule.job, rule.period, look(rule, state, now).due_at, state)
            for rule in self.plan.rules()
            if rule.job in self._unwritten and (state := self.states.get(rule.job)) is not None
        ]
        await jobs.note(self.pool, self.lease, self.worker_id, noted)
        self._unwritten.clear()

    def next_due(self, now: datetime) -> datetime | None:
        """When something is due next."""
        return next_of(
            look(rule, self.states.get(rule.job, NEVER), now) for rule in self.plan.rules()
        )

    def rule(self, job: str) -> Rule | None:
        """The rule for a job, if there is one."""
        return next((rule for rule in self.plan.rules() if rule.job == job), None)

    def _put(self, rule: Rule, state: JobState) -> None:
        self.states[rule.job] = state
        self._unwritten.add(rule.job)

    async def _write_if_there(self) -> None:
        try:
            await self.write()
        except DatabaseUnavailable:
            return  # the next look writes it
