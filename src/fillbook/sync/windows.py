"""Which windows to read next, oldest first.

Three things are worth reading: what was asked for and is not proven; a tail that every pass reads
again, because rows can appear late; and what was read while rows could still be late, once that
time has passed, which settles it. Nothing is planned before the venue's retention.

What may be settled grows with every minute. It is read again in pieces of some hours: a proof for
each pass would double what a service asks for and keeps, and say the same.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from fillbook.domain.window import Window, intersect, minus, union
from fillbook.ledger.coverage import Coverage
from fillbook.venues._contract import StreamRules

ROWS_PER_WINDOW_AIM = 10_000
WINDOW_MIN = timedelta(minutes=10)
SETTLED_AT_ONCE_MIN = timedelta(hours=6)


def plan(
    coverage: Coverage, asked: Window, rules: StreamRules, *, now: datetime, again: bool = False
) -> list[Window]:
    """The pieces of time to read, joined where they touch, oldest first.

    `again` reads all that was asked for, proven or not.
    """
    edge = now - rules.retention
    start = max(asked.starts_at, edge)
    if start >= asked.ends_at:
        return []
    asked = Window(start, asked.ends_at)
    if again:
        return _cut([asked], now - rules.lateness)
    todo = [_widened(gap, asked, rules) for gap in minus([asked], coverage.read)]
    todo += _tail(coverage, asked, rules)
    todo += _settling(coverage, asked, Window(edge, now - rules.lateness))
    return _cut(union(todo), now - rules.lateness)


def _settling(coverage: Coverage, asked: Window, due: Window) -> list[Window]:
    """What is due to be settled, but for a short piece that is still growing."""
    pieces = intersect(minus(intersect(coverage.read, [asked]), coverage.settled), [due])
    return [
        piece
        for piece in pieces
        if piece.ends_at < due.ends_at or piece.length >= SETTLED_AT_ONCE_MIN
    ]


def _widened(gap: Window, asked: Window, rules: StreamRules) -> Window:
    """A gap with the overlap before it: what was read just before may have been read too early."""
    return Window(max(asked.starts_at, gap.starts_at - rules.overlap), gap.ends_at)


def _cut(pieces: Iterable[Window], at: datetime) -> list[Window]:
    """Cut at the instant before which a reading settles: a window lies on one side of it."""
    cut: list[Window] = []
    for piece in pieces:
        if piece.starts_at < at < piece.ends_at:
            cut += [Window(piece.starts_at, at), Window(at, piece.ends_at)]
        else:
            cut.append(piece)
    return cut


def unavailable(asked: Window, rules: StreamRules, *, now: datetime) -> Window | None:
    """The part of what was asked that the venue no longer serves."""
    edge = now - rules.retention
    if asked.starts_at >= edge:
        return None
    return Window(asked.starts_at, min(edge, asked.ends_at))


def _tail(coverage: Coverage, asked: Window, rules: StreamRules) -> list[Window]:
    if not coverage.read:
        return []
    last = coverage.read[-1]
    overlap = Window(max(last.starts_at, last.ends_at - rules.overlap), last.ends_at)
    return intersect([overlap], [asked])


def next_window(piece: Window, length: timedelta) -> Window:
    """The first window of a piece."""
    return Window(piece.starts_at, min(piece.ends_at, piece.starts_at + length))


def adapted(length: timedelta, rows: int, longest: timedelta) -> timedelta:
    """The length of the next window, so that one holds a bounded number of rows."""
    if rows > ROWS_PER_WINDOW_AIM * 2:
        return max(WINDOW_MIN, length / 2)
    if rows < ROWS_PER_WINDOW_AIM // 2:
        return min(longest, length * 2)
    return length
