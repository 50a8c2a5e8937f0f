"""The shape of the status: accounts, what is wrong, the service, streams."""

from datetime import datetime

from pydantic import Field

from fillbook.faces.api.shapes import Answered, Shape


class AccountShape(Shape):
    """How an account is doing."""

    account: str
    exchange: str
    environment: str
    state: str
    last_sync_at: datetime | None
    last_run_status: str | None
    last_run_at: datetime | None
    last_error: str | None
    state_reason: str | None
    key_checked_at: datetime | None
    key_expires_in_days: int | None
    service: str | None = Field(description="What a worker of the service does with it.")
    feed: str | None
    feed_since: datetime | None
    next_due_at: datetime | None
    alarms: int


class AlarmShape(Shape):
    """Something that is wrong now."""

    account: str
    kind: str
    subject: str
    raised_at: datetime
    detail: str


class JobShape(Shape):
    """A job of the schedule."""

    account: str
    job: str
    outcome: str
    started_at: datetime | None
    done_at: datetime | None
    due_at: datetime
    failures: int
    missed: int = Field(description="Due times that passed without a run.")
    error: str | None


class WorkerShape(Shape):
    """A process that runs the service."""

    host: str
    process: str
    state: str
    says: str | None
    started_at: datetime
    heard_at: datetime


class FreshnessShape(Shape):
    """How far a stream has been read."""

    account: str
    stream: str
    scope: str
    read_until: datetime | None
    read_age_seconds: int | None
    settled_until: datetime | None
    settled_age_seconds: int | None


class StatusShape(Answered):
    """All accounts and streams."""

    version: str = ""
    accounts: list[AccountShape]
    alarms: list[AlarmShape]
    jobs: list[JobShape]
    workers: list[WorkerShape]
    streams: list[FreshnessShape]
