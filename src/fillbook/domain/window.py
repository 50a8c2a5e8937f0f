"""A half-open interval of time, [starts_at, ends_at), in aware UTC."""

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

    def halves(self) -> "tuple[Window, Window]":
        """Two windows that share a bound in the middle."""
        middle = self.starts_at + self.length / 2
        return Window(self.starts_at, middle), Window(middle, self.ends_at)

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
