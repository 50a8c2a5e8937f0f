"""The venue's request limit: so many a rolling second for each key and endpoint."""

from collections import deque
from dataclasses import dataclass, field

SECOND_MS = 1_000
# What the headers announce when there is no limit; a client paced by headers is not slowed.
ANNOUNCED_WITHOUT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the limit says about one request, and the headers that tell the client."""

    granted: bool
    limit: int
    left: int
    reset_ms: int

    def headers(self) -> dict[str, str]:
        """The three headers of a private answer."""
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


@dataclass(slots=True)
class Limiter:
    """Remembers the granted requests of the last second. A rate of 0 means no limit."""

    rate: int
    _granted: dict[tuple[str, str], "deque[int]"] = field(default_factory=dict)

    def ask(self, key: str, endpoint: str, *, now_ms: int) -> Allowance:
        """Grant a request, or say when the next one will be granted."""
        if self.rate == 0:
            limit = ANNOUNCED_WITHOUT_LIMIT
            return Allowance(granted=True, limit=limit, left=limit - 1, reset_ms=now_ms)
        times = self._granted.setdefault((key, endpoint), deque())
        while times and times[0] <= now_ms - SECOND_MS:
            times.popleft()
        if len(times) >= self.rate:
            reset_ms = times[0] + SECOND_MS
            return Allowance(granted=False, limit=self.rate, left=0, reset_ms=reset_ms)
        times.append(now_ms)
        left = self.rate - len(times)
        return Allowance(granted=True, limit=self.rate, left=left, reset_ms=now_ms)
