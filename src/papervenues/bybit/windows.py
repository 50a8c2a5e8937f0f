"""Which window a list covers: each endpoint's own rule for absent, single and distant bounds.

Both bounds are included. Endpoints that resolve to the second widen the window to whole ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from papervenues.bybit.envelope import PARAMETERS, RefusalError
from papervenues.bybit.query import KEPT_MS, Window, whole_number
from papervenues.bybit.settings import DAY_MS

SECOND_MS = 1_000
FINANCE_ORDER = 181009
FINANCE_TOO_LONG = 181010
TOO_OLD = "Can't query order earlier than 2 years, please check your params: startTime or endTime!"


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How bounds are completed and checked; times in milliseconds.

    `alone_ms` is how far a window reaches from its only bound, 0 where both are needed or
    none. `kept_ms` 0 stands for a list that is kept for ever. `unit_ms` is what one unit of a
    bound is, `grain_ms` what bounds are resolved to.
    """

    default_ms: int
    alone_ms: int
    longest_ms: int
    kept_ms: int = KEPT_MS
    unit_ms: int = 1
    grain_ms: int = 1
    names: tuple[str, str] = ("startTime", "endTime")
    long_code: int = PARAMETERS
    order_code: int = PARAMETERS


def days_rule(days: int, *, kept_ms: int = KEPT_MS, grain_ms: int = 1) -> WindowRule:
    """The usual rule: the last so many days, as many from one bound, as many at most."""
    length = days * DAY_MS
    return WindowRule(length, length, length, kept_ms=kept_ms, grain_ms=grain_ms)


def finance_rule(days: int) -> WindowRule:
    """The usual rule, with the codes of the finance family."""
    length = days * DAY_MS
    return WindowRule(length, length, length, long_code=FINANCE_TOO_LONG, order_code=FINANCE_ORDER)


def window_by(rule: WindowRule, query: Mapping[str, str], *, now_ms: int) -> Window:
    """The asked window under a rule, or a refusal."""
    start, end = (_bound(rule, query, name) for name in rule.names)
    oldest = now_ms - rule.kept_ms if rule.kept_ms else 0
    if any(bound is not None and bound < oldest for bound in (start, end)):
        raise RefusalError(PARAMETERS, TOO_OLD)
    if (start is None) != (end is None) and not rule.alone_ms:
        names = " and ".join(rule.names)
        raise RefusalError(PARAMETERS, f"params error: {names} must be given together")
    window = _completed(rule, start, end, now_ms=now_ms)
    if window.end_ms < window.start_ms:
        raise RefusalError(rule.order_code, "The startTime cannot be later than the endTime")
    if window.end_ms - window.start_ms > rule.longest_ms:
        days = rule.longest_ms // DAY_MS
        raise RefusalError(
            rule.long_code,
            f"The time range between startTime and endTime cannot exceed {days} days",
        )
    grain = rule.grain_ms
    first = max(oldest, window.start_ms)
    return Window(first // grain * grain, window.end_ms // grain * grain + grain - 1)


def _bound(rule: WindowRule, query: Mapping[str, str], name: str) -> int | None:
    bound = whole_number(query, name)
    return None if bound is None else bound * rule.unit_ms


def _completed(rule: WindowRule, start: int | None, end: int | None, *, now_ms: int) -> Window:
    if start is not None and end is not None:
        return Window(start, end)
    if start is not None:
        return Window(start, start + rule.alone_ms)
    if end is not None:
        return Window(end - rule.alone_ms, end)
    return Window(now_ms - rule.default_ms, now_ms)
