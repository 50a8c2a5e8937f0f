"""How a service is: what may be asked of it at any time, and costs next to nothing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """How one account is attended to."""

    account: str
    state: str  # opening, standby, working, refused, trouble, paused
    says: str
    feed: str  # connecting, catching up, live; empty where there is none
    feed_since: datetime | None
    last_pass_at: datetime | None
    next_due_at: datetime | None
    alarms: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Whether it has passed, or says why not."""
        return self.last_pass_at is not None or bool(self.says) or self.state == "paused"


@dataclass(frozen=True, slots=True)
class Health:
    """How the whole is."""

    alive: bool  # its loop turns
    ready: bool  # the database answers, and each account has passed or says why not
    says: str  # why it is not ready
    accounts: tuple[AccountHealth, ...]
