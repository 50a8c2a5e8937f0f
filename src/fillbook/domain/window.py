"""A half-open interval of time, [starts_at, ends_at), in aware UTC, and sets of such intervals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)


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
        return f"{self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M} UTC"


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
    """What lies in both."""
    right = tuple(right)
    return [
        Window(max(a.starts_at, b.starts_at), min(a.ends_at, b.ends_at))
        for a in left
        for b in right
        if max(a.starts_at, b.starts_at) < min(a.ends_at, b.ends_at)
    ]


def minus(pieces: Iterable[Window], taken: Iterable[Window]) -> list[Window]:
    """What lies in the pieces and not in the taken."""
    left: list[Window] = []
    holes = sorted(taken)
    for piece in pieces:
        at = piece.starts_at
        for hole in holes:
            if hole.ends_at <= at or hole.starts_at >= piece.ends_at:
                continue
            if hole.starts_at > at:
                left.append(Window(at, hole.starts_at))
            at = hole.ends_at
        if at < piece.ends_at:
            left.append(Window(at, piece.ends_at))
    return left
