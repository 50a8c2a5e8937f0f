"""Times as people type them: a date, a date and time, with or without a zone. Without one: UTC."""

from calendar import monthrange
from datetime import UTC, datetime

from fillbook.errors import UsageError


def read_time(text: str | None) -> datetime | None:
    """An aware instant, or an error that shows the form."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no time: write 2026-11-20 or 2026-11-20T12:30:00Z."
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def months_before(at: datetime, months: int) -> datetime:
    """The same day so many months earlier, or the last day of that month."""
    whole = at.year * 12 + at.month - 1 - months
    year, month = divmod(whole, 12)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)
