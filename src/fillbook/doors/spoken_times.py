"""Times as a caller of a door may give them, as aware UTC."""

from datetime import UTC, datetime, timedelta

from fillbook.domain.window import Window, from_milliseconds
from fillbook.errors import UsageError

SpokenTime = datetime | int | str  # an int is milliseconds since 1970, as venues count


def instant(given: SpokenTime) -> datetime:
    """The instant that is meant. Without a zone it is UTC."""
    if isinstance(given, bool):
        raise UsageError(f"{given} is no time.")
    try:
        at = _read(given)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{given!r} is no time: give a datetime, milliseconds since 1970, or ISO text."
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def interval(
    since: SpokenTime | None, until: SpokenTime | None, *, now: datetime, usual: timedelta
) -> Window:
    """From `since` to `until`; without the one, the usual length before the other."""
    ends_at = now if until is None else instant(until)
    starts_at = ends_at - usual if since is None else instant(since)
    if starts_at >= ends_at:
        raise UsageError("The interval is empty: its start must lie before its end.")
    return Window(starts_at, ends_at)


def _read(given: SpokenTime) -> datetime:
    if isinstance(given, int):
        return from_milliseconds(given)
    return datetime.fromisoformat(given) if isinstance(given, str) else given
