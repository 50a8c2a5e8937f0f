"""What a route is given, and what a route is.

`Asked` carries one understood request. A `Route` says who may ask and computes the answer. Its
`scope` tells the faults which symbol and window the request is about, before it is answered;
without one it is read from the query by `plain_scope`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from papervenues.bybit.envelope import Answered
from papervenues.bybit.query import whole_number
from papervenues.bybit.settings import ApiKey
from papervenues.bybit.venue import Venue

LAST_MS = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `key` is None on public endpoints only."""

    venue: Venue
    key: ApiKey | None
    query: Mapping[str, str]
    now_ms: int
    body: Mapping[str, object] = field(default_factory=dict)

    @property
    def signer(self) -> ApiKey:
        """The key that signed a private request."""
        assert self.key is not None, "a private route is answered to a key only"
        return self.key


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request is about: a symbol ("" for all) and a window, both bounds included."""

    symbol: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint."""

    answer: Callable[[Asked], Answered]
    public: bool = False
    trading: bool = False
    scope: Callable[[Asked], Scope] | None = None

    def scope_of(self, asked: Asked) -> Scope:
        """The symbol and window that the request is about."""
        return plain_scope(asked) if self.scope is None else self.scope(asked)


def plain_scope(asked: Asked) -> Scope:
    """Symbol and bounds as the query writes them; an absent bound is open."""
    start, end = whole_number(asked.query, "startTime"), whole_number(asked.query, "endTime")
    return Scope(
        symbol=asked.query.get("symbol", ""),
        start_ms=0 if start is None else start,
        end_ms=LAST_MS if end is None else end,
    )
