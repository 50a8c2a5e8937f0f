"""Faults: what a paper venue may do wrong, when, and how often.

A fault is written `NAME=SHARE` or `NAME=SHARE@SCOPE`. The share is a probability from 0 to 1.
`fault_table.FAULTS` says what each one does, where it strikes when no scope says otherwise, and
whether it passes; `fault_scopes` says how a scope is written.

Chance is seeded. A request's luck depends on the seed, the fault, the request's own text and
how often that text was asked before. So it does not depend on what other requests ran beside
it, a repeated run meets the same faults, and a retry throws the dice anew. A row's luck depends
on the seed, the fault and the row's own identity: it is the same whenever it is served.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from papervenues.draws import PARTS_PER_MILLION, hits
from papervenues.fault_scopes import (
    ANY,
    EXECUTIONS,
    LISTS,
    FaultError,
    covers_path,
    parse_scope,
)
from papervenues.fault_table import (
    CLOCK,
    FAULTS,
    HISTORY,
    KEY,
    PAGE,
    REQUEST,
    ROW,
    STREAM,
    FaultKind,
)

__all__ = [
    "FAULTS",
    "EventLuck",
    "Fault",
    "FaultError",
    "FaultKind",
    "FaultPlan",
    "RequestLuck",
    "RowLuck",
    "fault_lines",
    "parse_fault",
]
_HOW_TO_READ = (
    "A scope is one or more of these, joined by @: the end of an endpoint's path, such as",
    "transaction-log; lists (all private lists); any (every endpoint); account:N, counted from 0;",
    "a symbol; an instant in ms; FROM..TO. Without an endpoint a fault strikes as said below.",
    "passes: a retry or a later reading heals it. lasts: it stays, and rows can still be read.",
    "hides: something that happened is not served. spoils: a row cannot be read.",
)
ASKED_ONCE = frozenset((REQUEST, PAGE, CLOCK, KEY))  # what acts once for each request


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch: a name, a share and perhaps a scope."""

    name: str
    share_ppm: int
    symbol: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    path: str | None = None
    account: int | None = None

    def covers(
        self,
        *,
        symbol: str,
        start_ms: int,
        end_ms: int,
        path: str = EXECUTIONS,
        account: int | None = None,
    ) -> bool:
        """Whether a request for this symbol ("" for all) and window, or a row, is in scope."""
        if self.symbol not in (None, symbol):
            return False
        if account is not None and self.account not in (None, account):
            return False
        from_ms = start_ms if self.from_ms is None else self.from_ms
        to_ms = end_ms if self.to_ms is None else self.to_ms
        if start_ms > to_ms or from_ms > end_ms:
            return False
        return self.strikes_path(path)

    def strikes_path(self, path: str) -> bool:
        """Whether the endpoint is in scope: the written one, or the one of the table."""
        kind = FAULTS[self.name]
        if kind.acts in (HISTORY, STREAM):
            return True
        return covers_path(kind.strikes if self.path is None else self.path, path)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of one run."""

    faults: tuple[Fault, ...] = ()

    def named(self, name: str) -> tuple[Fault, ...]:
        """The switches of one name."""
        return tuple(fault for fault in self.faults if fault.name == name)

    def acting(self, *acts: str) -> tuple[Fault, ...]:
        """The switches that a part of the venue plays."""
        return tuple(fault for fault in self.faults if FAULTS[fault.name].acts in acts)


class RequestLuck:
    """Decides which request faults strike a request. It remembers what was asked before."""

    __slots__ = ("_asked", "_faults", "_seed")

    def __init__(self, plan: FaultPlan, *, seed: int) -> None:
        self._seed = seed
        self._faults = plan.acting(*ASKED_ONCE)
        self._asked: Counter[str] = Counter()

    def strikes(
        self,
        request: str,
        *,
        symbol: str,
        start_ms: int,
        end_ms: int,
        path: str = EXECUTIONS,
        account: int | None = None,
    ) -> frozenset[str]:
        """The names of the faults that strike this request."""
        if not self._faults:
            return frozenset()
        self._asked[request] += 1
        turn = self._asked[request]
        return frozenset(
            fault.name
            for fault in self._faults
            if fault.covers(
                symbol=symbol, start_ms=start_ms, end_ms=end_ms, path=path, account=account
            )
            and hits(self._seed, fault.name, request, turn, share_ppm=fault.share_ppm)
        )


@dataclass(frozen=True, slots=True)
class RowLuck:
    """Decides which row faults strike a row; the answer is the same at every serving."""

    faults: tuple[Fault, ...]
    seed: int

    @classmethod
    def of(cls, plan: FaultPlan, *, seed: int, path: str, account: int | None) -> "RowLuck":
        """The row faults of one endpoint and account."""
        faults = tuple(
            fault
            for fault in plan.acting(ROW)
            if fault.strikes_path(path) and fault.account in (None, account)
        )
        return cls(faults, seed)

    def strikes(self, name: str, row: str, *, symbol: str, time_ms: int, path: str) -> bool:
        """Whether a fault strikes the row of this identity, symbol and time."""
        return any(
            fault.covers(symbol=symbol, start_ms=time_ms, end_ms=time_ms, path=path)
            and hits(self.seed, name, row, share_ppm=fault.share_ppm)
            for fault in self.faults
            if fault.name == name
        )


class EventLuck:
    """Decides which faults strike a stream's event, by the event's own name."""

    __slots__ = ("_faults", "_seed")

    def __init__(self, plan: FaultPlan, *, seed: int) -> None:
        self._seed = seed
        self._faults = plan.acting(STREAM)

    def strikes(self, name: str, event: str, *, symbol: str = "", time_ms: int = 0) -> bool:
        """Whether the fault strikes this event."""
        return any(
            fault.covers(symbol=symbol, start_ms=time_ms, end_ms=time_ms)
            and hits(self._seed, name, event, share_ppm=fault.share_ppm)
            for fault in self._faults
            if fault.name == name
        )


def parse_fault(text: str) -> Fault:
    """Read `NAME=SHARE[@SCOPE]`."""
    name, equals, rest = text.partition("=")
    share_text, _, scope_text = rest.partition("@")
    kind = FAULTS.get(name)
    if kind is None:
        raise FaultError(f"unknown fault {name!r}; known are {', '.join(sorted(FAULTS))}")
    if not equals:
        raise FaultError(f"{text!r} needs a share, as in {name}=0.05")
    share_ppm = _share_ppm(share_text)
    scope = parse_scope(scope_text)
    if kind.acts in (HISTORY, STREAM) and scope.path is not None:
        raise FaultError(f"{name} is no matter of an endpoint: {scope.path!r} cannot narrow it")
    if kind.acts == HISTORY and scope.from_ms is not None and scope.from_ms == scope.to_ms:
        raise FaultError(f"{name} takes a symbol or a range FROM..TO, not one instant")
    return Fault(
        name, share_ppm, scope.symbol, scope.from_ms, scope.to_ms, scope.path, scope.account
    )


def fault_lines() -> list[str]:
    """What the command's help says of the faults: name, place, nature, what it does."""
    width = max(map(len, FAULTS))
    lines = list(_HOW_TO_READ)
    places = {LISTS: "all private lists", ANY: "what truly happens", EXECUTIONS: EXECUTIONS}
    place = ""
    for kind in FAULTS.values():
        if kind.strikes != place:
            place = kind.strikes
            lines.append(f"strikes {places.get(place, place)}:")
        lines.append(f"  {kind.name:<{width}} {kind.nature:<6} {kind.does}")
    return lines


def _share_ppm(text: str) -> int:
    try:
        share = Decimal(text)
    except InvalidOperation as error:
        raise FaultError(f"the share {text!r} is not a number from 0 to 1") from error
    if not (share.is_finite() and 0 <= share <= 1):
        raise FaultError(f"the share {text!r} is not a number from 0 to 1")
    return int(share * PARTS_PER_MILLION)
