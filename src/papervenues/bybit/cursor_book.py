"""Which cursors were handed out, when, and whether they still count."""

from collections import OrderedDict
from dataclasses import dataclass, field

from papervenues.bybit.envelope import PARAMETERS, RefusalError

CURSORS_KEPT = 20_000


@dataclass(slots=True)
class CursorBook:
    """Cursors by endpoint, decoded. A lifetime of 0 is for ever."""

    lifetime_ms: int
    _given: "OrderedDict[tuple[str, str], int]" = field(default_factory=OrderedDict)
    _forgotten: set[tuple[str, str]] = field(default_factory=set)
    _meanings: dict[tuple[str, str], str] = field(default_factory=dict)

    def check(self, path: str, cursor: str, *, now_ms: int) -> None:
        """Refuse a cursor that is too old, or from before a restart."""
        if not cursor:
            return
        if (path, cursor) in self._forgotten:
            raise RefusalError(PARAMETERS, "params error: cursor invalid")
        given_ms = self._given.get((path, cursor))
        if self.lifetime_ms and given_ms is not None and now_ms - given_ms > self.lifetime_ms:
            raise RefusalError(PARAMETERS, "params error: cursor expired")

    def hand_out(self, path: str, cursor: str, *, now_ms: int, keep_meaning: bool) -> None:
        """Remember a cursor; handed out anew, it counts again and means what it says."""
        self._given[path, cursor] = now_ms
        self._given.move_to_end((path, cursor))
        self._forgotten.discard((path, cursor))
        if not keep_meaning:
            self._meanings.pop((path, cursor), None)
        while len(self._given) > CURSORS_KEPT:
            oldest, _ = self._given.popitem(last=False)
            self._forgotten.discard(oldest)
            self._meanings.pop(oldest, None)

    def restart(self) -> None:
        """Forget everything that was handed out."""
        self._forgotten.update(self._given)

    def mean(self, path: str, cursor: str, other: str) -> None:
        """Let a cursor stand for another one, or for the first page ("")."""
        self._meanings[path, cursor] = other

    def meant(self, path: str, cursor: str) -> str | None:
        """The cursor that this one stands for, when that is another."""
        return self._meanings.get((path, cursor))
