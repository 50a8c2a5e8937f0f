"""How often the service reads, and whether it does: settings become a plan."""

from datetime import timedelta
from pathlib import Path

import pytest

from fillbook.errors import SettingError
from fillbook.settings import load
from fillbook.wiring.running import plan_of


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 1800),
        ({"EXCHANGE_SYNC_INTERVAL_MINUTES": "5"}, 300),
        ({"SYNC_INTERVAL_SECONDS": "90"}, 90),
        ({"EXCHANGE_SYNC_INTERVAL_MINUTES": "2", "SYNC_INTERVAL_SECONDS": "120"}, 120),
    ],
)
def test_one_interval_by_either_name(tmp_path: Path, given: dict[str, str], seconds: int) -> None:
    """In minutes, in seconds, or in both where they say the same."""
    assert plan_of(load(given, folder=tmp_path)).interval == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "given",
    [
        {"EXCHANGE_SYNC_INTERVAL_MINUTES": "2", "SYNC_INTERVAL_SECONDS": "121"},
        {"EXCHANGE_SYNC_INTERVAL_MINUTES": "0"},
        {"SYNC_INTERVAL_SECONDS": "1"},
        {"FILLBOOK_SWEEP_HOUR": "24"},
        {"EXCHANGE_SYNC_ENABLED": "perhaps"},
    ],
)
def test_nonsense_is_refused_by_name(tmp_path: Path, given: dict[str, str]) -> None:
    """Each variable that is to blame is named."""
    with pytest.raises(SettingError) as refused:
        load(given, folder=tmp_path)

    assert all(name in str(refused.value) for name in given)


def test_the_plan_is_what_settings_say(tmp_path: Path) -> None:
    """The hour of the sweep, and whether anything is done at all."""
    plan = plan_of(
        load({"FILLBOOK_SWEEP_HOUR": "5", "EXCHANGE_SYNC_ENABLED": "false"}, folder=tmp_path)
    )

    assert (plan.sweep_at, plan.enabled) == (timedelta(hours=5), False)
