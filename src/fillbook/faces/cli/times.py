"""Times as people type them: a date, a date and time, with or without a zone. Without one: UTC."""

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
