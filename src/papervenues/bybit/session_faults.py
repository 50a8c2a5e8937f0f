"""What a fault changes for good: the server's clock, a key's standing, the two-year edge."""

from dataclasses import dataclass, field

from papervenues.bybit.envelope import PARAMETERS, PERMISSION, SIGNATURE, UNKNOWN_KEY, RefusalError
from papervenues.bybit.settings import ApiKey
from papervenues.draws import digest_of

MINUTE_MS = 60_000
SKEW_MS_MAX = 10 * MINUTE_MS
SKEW_MS_MIN = 6_000  # less would break no rule, since a request lives for five seconds
DRIFT_MS_A_MINUTE = 1_000
EDGE_STEP_MS_MAX = 5 * MINUTE_MS
EDGE_MS_MAX = 60 * MINUTE_MS
KEPT_MS = 2 * 365 * 24 * 60 * MINUTE_MS
WRONG_MODE = 10028
TOO_OLD = "Can't query order earlier than 2 years, please check your params: startTime or endTime!"

KEY_REFUSALS = {
    "key_unknown": (UNKNOWN_KEY, "API key is invalid."),
    "signature_refused": (SIGNATURE, "error sign! origin_string[...]"),
    "permission_lost": (
        PERMISSION,
        "Permission denied, please check your API key permissions.",
    ),
    "address_unbound": (10010, "Unmatched IP, please check your API key's bound IP addresses."),
    "key_expired": (33004, "Your api key has expired."),
}
MODE_CHANGED = "mode_changed"
CLOCKS = ("clock_skew", "clock_step", "clock_drift")


@dataclass(slots=True)
class ServerClock:
    """The time that the server believes it is; data are not touched by it."""

    seed: int
    _offset_ms: int = 0
    _steps: int = 0
    _skewed: bool = False
    _drifting_since_ms: int | None = None

    def shown(self, now_ms: int) -> int:
        """The server's time at a true instant."""
        drift = 0
        if self._drifting_since_ms is not None:
            rate = self._signed("drift rate", DRIFT_MS_A_MINUTE // 2, DRIFT_MS_A_MINUTE)
            drift = (now_ms - self._drifting_since_ms) * rate // MINUTE_MS
        return now_ms + self._offset_ms + drift

    def strike(self, strikes: frozenset[str], *, now_ms: int) -> bool:
        """Let the faults of the clock act; whether the time has changed."""
        before = self.shown(now_ms)
        if "clock_skew" in strikes and not self._skewed:
            self._skewed = True
            self._offset_ms += self._signed("skew", SKEW_MS_MIN, SKEW_MS_MAX)
        if "clock_step" in strikes:
            self._steps += 1
            self._offset_ms = self._signed(f"step {self._steps}", SKEW_MS_MIN, SKEW_MS_MAX)
        if "clock_drift" in strikes and self._drifting_since_ms is None:
            self._drifting_since_ms = now_ms
        return self.shown(now_ms) != before

    def _signed(self, name: str, low: int, high: int) -> int:
        number = digest_of("clock", self.seed, name)
        size = low + (number >> 1) % (high - low + 1)
        return size if number % 2 else -size


@dataclass(slots=True)
class KeyStanding:
    """What was taken from a key in mid-session."""

    _refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    _modes: set[tuple[str, str, str]] = field(default_factory=set)

    def strike(self, strikes: frozenset[str], key: ApiKey, *, path: str, category: str) -> None:
        """Let the faults of keys act, the first one for good."""
        for name, told in KEY_REFUSALS.items():
            if name in strikes:
                self._refusals.setdefault(key.key, told)
        if MODE_CHANGED in strikes:
            self._modes.add((key.key, path, category))

    def check(self, key: ApiKey, *, path: str, category: str) -> None:
        """Refuse what the key has lost."""
        if key.key in self._refusals:
            raise RefusalError(*self._refusals[key.key])
        if (key.key, path, category) in self._modes:
            raise RefusalError(WRONG_MODE, "The account mode does not support this product.")


@dataclass(slots=True)
class Edge:
    """The end of what is kept, which may move faster than time does."""

    seed: int
    _moved_ms: int = 0
    _moves: int = 0

    def strike(self, *, start_ms: int, now_ms: int) -> None:
        """Move on, and refuse a window that begins beyond the edge."""
        self._moves += 1
        step = 1 + digest_of("edge", self.seed, self._moves) % EDGE_STEP_MS_MAX
        self._moved_ms = min(EDGE_MS_MAX, self._moved_ms + step)
        self.check(start_ms=start_ms, now_ms=now_ms)

    def check(self, *, start_ms: int, now_ms: int) -> None:
        """Refuse a window that begins beyond the edge, once it has moved."""
        edge = now_ms - KEPT_MS + self._moved_ms
        if self._moved_ms and 0 < start_ms < edge:
            raise RefusalError(PARAMETERS, TOO_OLD)
