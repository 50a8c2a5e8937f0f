"""A request's query, read once: texts, whole numbers, the window, the limit.

The rules of the window are the venue's: no bound means the last seven days, one bound means
seven days from or up to it, exactly seven days are accepted and a longer window is refused,
and so is one that begins more than two years ago. Both bounds are inclusive.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from papervenues.bybit.envelope import PARAMETERS, RefusalError
from papervenues.bybit.settings import DAY_MS

CATEGORIES = ("linear", "inverse", "spot", "option")
WINDOW_MS_MAX = 7 * DAY_MS
KEPT_MS = 2 * 365 * DAY_MS
DIGITS_MAX = 15


@dataclass(frozen=True, slots=True)
class Window:
    """Both bounds are included."""

    start_ms: int
    end_ms: int


def parse_query(raw: str) -> dict[str, str]:
    """The parameters of a raw query string; the last one of a name wins."""
    parts = (part.partition("=") for part in raw.split("&") if part)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in parts}


def category_of(query: Mapping[str, str]) -> str:
    """The required category."""
    category = query.get("category", "")
    if category not in CATEGORIES:
        raise RefusalError(PARAMETERS, "params error: category invalid")
    return category


def limit_of(query: Mapping[str, str], *, default: int, maximum: int) -> int:
    """The page size; too large a one is clamped."""
    limit = whole_number(query, "limit")
    if limit is None:
        return default
    if limit < 1:
        raise RefusalError(PARAMETERS, "params error: limit invalid")
    return min(limit, maximum)


def whole_number(query: Mapping[str, str], name: str) -> int | None:
    """A whole number, or None when it was not given."""
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise RefusalError(PARAMETERS, f"params error: {name} invalid")
    return int(text)


def window_of(query: Mapping[str, str], *, now_ms: int) -> Window:
    """The asked window, completed and checked."""
    start, end = whole_number(query, "startTime"), whole_number(query, "endTime")
    oldest = now_ms - KEPT_MS
    if (start is not None and start < oldest) or (end is not None and end < oldest):
        raise RefusalError(
            PARAMETERS,
            "Can't query order earlier than 2 years, please check your params: "
            "startTime or endTime!",
        )
    if start is None:
        end = now_ms if end is None else end
        return Window(max(oldest, end - WINDOW_MS_MAX), end)
    if end is None:
        return Window(start, start + WINDOW_MS_MAX)
    if end < start:
        raise RefusalError(PARAMETERS, "The startTime cannot be later than the endTime")
    if end - start > WINDOW_MS_MAX:
        raise RefusalError(
            PARAMETERS, "The time range between startTime and endTime cannot exceed 7 days"
        )
    return Window(start, end)
