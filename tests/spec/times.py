"""Times of specification tables: milliseconds after the start, or a date and a time of day."""

from datetime import UTC, datetime, timedelta

STARTED = datetime(2024, 1, 1, tzinfo=UTC)


def instant(cell: str) -> datetime:
    """`5` is five milliseconds after the start; `2024-03-31T00:30Z` is what it says."""
    if cell.isdecimal():
        return STARTED + timedelta(milliseconds=int(cell))
    found = datetime.fromisoformat(cell)
    assert found.tzinfo is not None, f"{cell} names no zone"
    return found.astimezone(UTC)


def milliseconds(at: datetime) -> str:
    """The way back, for short times."""
    return str((at - STARTED) // timedelta(milliseconds=1))
