"""Which windows are planned: the oldest first, a tail that is read again, nothing twice."""

from datetime import UTC, datetime, timedelta

from fillbook.domain.window import Window
from fillbook.ledger.coverage import Coverage
from fillbook.sync.windows import plan
from fillbook.venues._contract import StreamRules

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
RULES = StreamRules(
    name="executions",
    scopes=("linear",),
    window_max=7 * DAY,
    page_rows_max=100,
    bound_slack=timedelta(milliseconds=1),
    overlap=timedelta(minutes=30),
    lateness=2 * DAY,
    retention=730 * DAY,
    is_essential=True,
)


def _ago(days: float, until: float = 0) -> Window:
    return Window(NOW - days * DAY, NOW - until * DAY)


def test_the_oldest_time_is_read_first() -> None:
    """What a venue forgets next is asked for first, whatever lies between the gaps."""
    known = Coverage(read=(_ago(60, 50), _ago(30, 20)), settled=(_ago(60, 50),))

    planned = plan(known, _ago(90), RULES, now=NOW)

    assert sorted(planned) == planned
    assert NOW - 90 * DAY == planned[0].starts_at
    assert NOW == planned[-1].ends_at


def test_the_tail_is_read_again() -> None:
    """A row may be listed a moment after its time was read: each pass goes back by the overlap."""
    read = Window(NOW - 10 * DAY, NOW - HOUR)
    known = Coverage(read=(read,), settled=(read,))

    (tail,) = plan(known, _ago(10), RULES, now=NOW)

    assert Window(NOW - HOUR - RULES.overlap, NOW) == tail


def test_a_gap_is_read_with_the_overlap_before_it() -> None:
    """What stands just before a gap may have been read too early as well."""
    known = Coverage(read=(_ago(10, 6), _ago(5)), settled=(_ago(10, 6), _ago(5)))

    gap, *_ = plan(known, _ago(10), RULES, now=NOW)

    assert Window(NOW - 6 * DAY - RULES.overlap, NOW - 5 * DAY) == gap


def test_what_was_read_too_early_is_read_once_more() -> None:
    """Once rows can no longer be late the time is read again, which settles it."""
    known = Coverage(read=(_ago(10),), settled=(_ago(10, 5),))

    planned = plan(known, _ago(10), RULES, now=NOW)

    assert Window(NOW - 5 * DAY, NOW - RULES.lateness) in planned


def test_a_short_piece_that_still_grows_waits_to_be_settled() -> None:
    """A service asks for it once in some hours; what grows no more is settled however short."""
    due = NOW - RULES.lateness
    growing = Coverage(read=(_ago(10),), settled=(Window(NOW - 10 * DAY, due - HOUR),))
    grown = Coverage(
        read=(_ago(10),),
        settled=(Window(NOW - 10 * DAY, due - HOUR), Window(due - HOUR / 2, due)),
    )

    assert all(piece.starts_at > due for piece in plan(growing, _ago(10), RULES, now=NOW))
    assert Window(due - HOUR, due - HOUR / 2) in plan(grown, _ago(10), RULES, now=NOW)
    assert Window(due - HOUR, due + 5 * HOUR) in plan(growing, _ago(10), RULES, now=NOW + 5 * HOUR)
