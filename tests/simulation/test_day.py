"""A part of a day of the service, with everything that goes wrong in a whole one."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.day import live_a_day
from tests.simulation.day_plan import day_plan
from tests.simulation.many_seeds import be_quiet

HOURS = 4.9  # midnight's snapshots, funding and the sweep at three among them
WITHIN = 0.99


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    be_quiet()
    yield
    structlog.configure(**before)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_day_of_the_service_ends_in_the_truth(database_url: str) -> None:
    """Two accounts, every trouble: all is booked as it was, nothing is open, no alarm is up."""
    came_to = live_a_day(day_plan(hours=HOURS, accounts=2), database_url)
    within_a_second = sum(seconds <= 1 for seconds in came_to.live)

    assert came_to.violations == []
    assert came_to.fills > 300
    assert within_a_second >= WITHIN * len(came_to.live)
    assert {"feed not live", "database away", "key refused"} <= set(came_to.alarms)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_troubles_nothing_is_raised(database_url: str) -> None:
    """An undisturbed evening: every fill within a second, no alarm, no break."""
    came_to = live_a_day(day_plan(hours=1.5, accounts=1, fills=60, faults=False), database_url)

    assert came_to.violations == []
    assert came_to.others == []
    assert max(came_to.live) <= 1
    assert came_to.alarms == {}
    assert came_to.breaks == {}
