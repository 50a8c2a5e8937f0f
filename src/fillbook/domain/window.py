"""A half-open interval of time, [starts_at, ends_at), in aware UTC, and sets of such intervals."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """What is asked for, read and proven."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError("a window needs times with a time zone")
        if self.starts_at >= self.ends_at:
            raise ValueError(f"an empty window: {self.starts_at} to {self.ends_at}")

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.ends_at - self.starts_at

    def __str__(self) -> str:
        if self.length < _MINUTE:
            return f"{_to_ms(self.starts_at)} to {_to_ms(self.ends_at)} UTC"
        return f"{self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M} UTC"


def _to_ms(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def microseconds(at: datetime) -> int:
    """Whole microseconds since the epoch."""
    return (at - EPOCH) // _MICROSECOND


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since the epoch, rounded down."""
    return (at - EPOCH) // _MILLISECOND


def from_milliseconds(ms: int) -> datetime:
    """The instant that many milliseconds after the epoch."""
    return EPOCH + timedelta(milliseconds=ms)


def from_microseconds(us: int) -> datetime:
    """The instant that many microseconds after the epoch."""
    return EPOCH + timedelta(microseconds=us)


def union(pieces: Iterable[Window]) -> list[Window]:
    """The pieces joined where they overlap or touch."""
    joined: list[Window] = []
    for piece in sorted(pieces):
        if joined and piece.starts_at <= joined[-1].ends_at:
            end = max(joined[-1].ends_at, piece.ends_at)
            joined[-1] = Window(joined[-1].starts_at, end)
        else:
            joined.append(piece)
    return joined


def intersect(left: Iterable[Window], right: Iterable[Window]) -> list[Window]:
    """What lies in both: the pieces on the left, cut to the time on the right."""
    cuts = union(right)
    return [
        Window(max(piece.starts_at, cut.starts_at), min(piece.ends_at, cut.ends_at))
        for piece in left
        for cut in _touching(piece, cuts)
    ]


def _touching(piece: Window, sorted_apart: list[Window]) -> Iterator[Window]:
    """Those of some windows, which are apart and in order, that share time with a piece."""
    first = bisect_right(sorted_apart, piece.starts_at, key=attrgetter("ends_at"))
    for place in range(first, len(sorted_apart)):
        if sorted_apart[place].starts_at >= piece.ends_at:
            return
        yield sorted_apart[place]


def minus(pieces: Iterable[Window], taken: Iterable[Window]) -> list[Window]:
    """What lies in the pieces and not in the taken."""
    left: list[Window] = []
    holes = union(taken)
    for piece in pieces:
        at = piece.starts_at
        for hole in _touching(piece, holes):
            if hole.starts_at > at:
                left.append(Window(at, hole.starts_at))
            at = hole.ends_at
        if at < piece.ends_at:
            left.append(Window(at, piece.ends_at))
    return left
