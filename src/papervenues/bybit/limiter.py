"""The venue's request limits: for each user and endpoint, and for each address.

A user's limit is over a rolling second, or over a rolling minute for a few endpoints. It is one
number for all endpoints, or the documented table. An address may ask 600 times in 5 seconds;
after that it is shut out. Whoever is banned once more is shut out for twice as long.
"""

from collections import deque
from dataclasses import dataclass, field

SECOND_MS = 1_000
MINUTE_MS = 60_000
# What the headers announce when there is no limit; a client paced by headers is not slowed.
ANNOUNCED_WITHOUT_LIMIT = 10_000
DOCUMENTED = -1  # as a rate: the table below
DOCUMENTED_WORD = "documented"
ADDRESS_REQUESTS_MAX = 600
ADDRESS_WINDOW_MS = 5_000
BAN_DOUBLINGS_MAX = 8

OTHERS_LIMIT = (10, SECOND_MS)
SPOT_ORDERS_LIMIT = (20, SECOND_MS)
ORDER_PATHS = frozenset(("/v5/order/create", "/v5/order/cancel", "/v5/order/amend"))
DOCUMENTED_LIMITS: dict[str, tuple[int, int]] = {
    "/v5/execution/list": (50, SECOND_MS),
    "/v5/order/realtime": (50, SECOND_MS),
    "/v5/order/history": (50, SECOND_MS),
    "/v5/position/list": (50, SECOND_MS),
    "/v5/position/closed-pnl": (50, SECOND_MS),
    "/v5/position/get-closed-positions": (50, SECOND_MS),
    "/v5/account/wallet-balance": (50, SECOND_MS),
    "/v5/account/info": (50, SECOND_MS),
    "/v5/account/transaction-log": (25, SECOND_MS),
    "/v5/user/query-api": (10, SECOND_MS),
    "/v5/asset/coin/query-info": (5, SECOND_MS),
    "/v5/asset/fundinghistory": (30, SECOND_MS),
    "/v5/asset/deposit/query-record": (100, MINUTE_MS),
    "/v5/asset/deposit/query-internal-record": (300, SECOND_MS),
    "/v5/asset/withdraw/query-record": (300, MINUTE_MS),
    "/v5/asset/transfer/query-inter-transfer-list": (60, MINUTE_MS),
    "/v5/asset/transfer/query-account-coins-balance": (5, SECOND_MS),
    "/v5/asset/settlement-record": (50, SECOND_MS),
    "/v5/asset/delivery-record": (50, SECOND_MS),
}


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
    """Remembers the granted requests. A rate of 0 means no limit, -1 the documented ones."""

    rate: int
    _granted: dict[tuple[str, str], "deque[int]"] = field(default_factory=dict)

    def ask(self, user: str, endpoint: str, *, now_ms: int, category: str = "") -> Allowance:
        """Grant a request, or say when the next one will be granted."""
        if self.rate == 0:
            limit = ANNOUNCED_WITHOUT_LIMIT
            return Allowance(granted=True, limit=limit, left=limit - 1, reset_ms=now_ms)
        limit, window_ms = self._limit_of(endpoint, category)
        times = self._granted.setdefault((user, endpoint), deque())
        while times and times[0] <= now_ms - window_ms:
            times.popleft()
        if len(times) >= limit:
            reset_ms = times[0] + window_ms
            return Allowance(granted=False, limit=limit, left=0, reset_ms=reset_ms)
        times.append(now_ms)
        left = limit - len(times)
        return Allowance(granted=True, limit=limit, left=left, reset_ms=now_ms)

    def _limit_of(self, endpoint: str, category: str) -> tuple[int, int]:
        if self.rate != DOCUMENTED:
            return self.rate, SECOND_MS
        if endpoint in ORDER_PATHS and category == "spot":
            return SPOT_ORDERS_LIMIT
        return DOCUMENTED_LIMITS.get(endpoint, OTHERS_LIMIT)


@dataclass(slots=True)
class AddressGuard:
    """Shuts out addresses: those that ask too fast, when `limited`, and those that are banned."""

    limited: bool
    ban_ms: int
    _asked: dict[str, "deque[int]"] = field(default_factory=dict)
    _until: dict[str, int] = field(default_factory=dict)
    _bans: dict[str, int] = field(default_factory=dict)

    def admits(self, address: str, *, now_ms: int) -> bool:
        """Whether a request from this address is looked at."""
        if now_ms < self._until.get(address, 0):
            return False
        if self.limited and self._is_too_fast(address, now_ms=now_ms):
            self.ban(address, now_ms=now_ms)
            return False
        return True

    def ban(self, address: str, *, now_ms: int) -> None:
        """Shut an address out, twice as long as the last time."""
        before = self._bans.get(address, 0)
        self._bans[address] = before + 1
        self._until[address] = now_ms + self.ban_ms * 2 ** min(before, BAN_DOUBLINGS_MAX)
        self._asked.pop(address, None)

    def _is_too_fast(self, address: str, *, now_ms: int) -> bool:
        times = self._asked.setdefault(address, deque())
        while times and times[0] <= now_ms - ADDRESS_WINDOW_MS:
            times.popleft()
        times.append(now_ms)
        return len(times) > ADDRESS_REQUESTS_MAX
