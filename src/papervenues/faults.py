"""Faults: what a paper venue may do wrong, when, and how often.

A fault is written `NAME=SHARE` or `NAME=SHARE@SCOPE`. The share is a probability from 0 to 1.
The scope narrows it: a symbol, an instant in Unix milliseconds (only requests whose window
contains it, or rows of exactly that time), or a range `FROM..TO` (only requests whose window
overlaps it, or rows inside it; both bounds included).

Chance is seeded. A request's luck depends on the seed, the fault, the request's own text and
how often that text was asked before. So it does not depend on what other requests ran beside
it, a repeated run meets the same faults, and a retry throws the dice anew.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from papervenues.draws import PARTS_PER_MILLION, hits

REQUEST_FAULTS = {
    "http_500": "the answer is HTTP 500 with a plain text",
    "rate_limited": "the answer is 10006 with a reset header",
    "truncated_json": "HTTP 200 with JSON that is cut off",
    "html_body": "HTTP 200 with an HTML page",
    "result_null": "retCode 0 and result null",
    "duplicate_rows": "rows are repeated inside a page and across pages",
    "cursor_loop": "the next cursor points to the same page",
    "cursor_expired": "a cursor is refused with 10001 in mid-walk",
    "slow_body": "the body arrives in pieces, slowly",
    "dropped_socket": "the connection breaks before or inside the body",
}
ROW_FAULTS = {
    "late_rows": "rows become visible only after their window was asked a few times",
    "hidden_row": "rows are never listed, though they truly happened",
}
HISTORY_FAULTS = {
    "same_ms_burst": "an order becomes a burst of up to 300 fills in one millisecond, whose "
    "seq are equal or shuffled (share of all bot orders)",
}
FAULTS = REQUEST_FAULTS | ROW_FAULTS | HISTORY_FAULTS


class FaultError(ValueError):
    """A fault was written wrongly."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch: a name, a share and perhaps a scope."""

    name: str
    share_ppm: int
    symbol: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def covers(self, *, symbol: str, start_ms: int, end_ms: int) -> bool:
        """Whether a request for this symbol ("" for all) and window, or a row, is in scope."""
        if self.symbol is not None:
            return symbol == self.symbol
        if self.from_ms is None or self.to_ms is None:
            return True
        return start_ms <= self.to_ms and self.from_ms <= end_ms


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of one run."""

    faults: tuple[Fault, ...] = ()

    def named(self, name: str) -> tuple[Fault, ...]:
        """The switches of one name."""
        return tuple(fault for fault in self.faults if fault.name == name)


class RequestLuck:
    """Decides which request faults strike a request. It remembers what was asked before."""

    __slots__ = ("_asked", "_faults", "_seed")

    def __init__(self, plan: FaultPlan, *, seed: int) -> None:
        self._seed = seed
        self._faults = tuple(f for f in plan.faults if f.name in REQUEST_FAULTS)
        self._asked: Counter[str] = Counter()

    def strikes(self, request: str, *, symbol: str, start_ms: int, end_ms: int) -> frozenset[str]:
        """The names of the faults that strike this request."""
        if not self._faults:
            return frozenset()
        self._asked[request] += 1
        turn = self._asked[request]
        return frozenset(
            fault.name
            for fault in self._faults
            if fault.covers(symbol=symbol, start_ms=start_ms, end_ms=end_ms)
            and hits(self._seed, fault.name, request, turn, share_ppm=fault.share_ppm)
        )


def parse_fault(text: str) -> Fault:
    """Read `NAME=SHARE[@SCOPE]`."""
    name, equals, rest = text.partition("=")
    share_text, _, scope = rest.partition("@")
    if name not in FAULTS:
        raise FaultError(f"unknown fault {name!r}; known are {', '.join(sorted(FAULTS))}")
    if not equals:
        raise FaultError(f"{text!r} needs a share, as in {name}=0.05")
    share_ppm = _share_ppm(share_text)
    symbol, from_ms, to_ms = _scope(scope)
    if name in HISTORY_FAULTS and from_ms is not None and from_ms == to_ms:
        raise FaultError(f"{name} takes a symbol or a range FROM..TO, not one instant")
    return Fault(name, share_ppm, symbol, from_ms, to_ms)


def _share_ppm(text: str) -> int:
    try:
        share = Decimal(text)
    except InvalidOperation as error:
        raise FaultError(f"the share {text!r} is not a number from 0 to 1") from error
    if not (share.is_finite() and 0 <= share <= 1):
        raise FaultError(f"the share {text!r} is not a number from 0 to 1")
    return int(share * PARTS_PER_MILLION)


def _scope(text: str) -> tuple[str | None, int | None, int | None]:
    if not text:
        return None, None, None
    first, dots, last = text.partition("..")
    # A symbol of digits alone does not exist, so digits are always a time.
    if first.isdigit() and (last.isdigit() or not dots):
        from_ms = int(first)
        to_ms = int(last) if dots else from_ms
        if to_ms < from_ms:
            raise FaultError(f"the range {text!r} ends before it begins")
        return None, from_ms, to_ms
    if dots or not text.isalnum():
        raise FaultError(f"the scope {text!r} is no symbol, no time in ms and no range FROM..TO")
    return text.upper(), None, None
