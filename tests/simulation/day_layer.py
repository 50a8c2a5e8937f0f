"""Days of the service as a layer of a long run: another seed for each, one after the other."""

import time
from dataclasses import asdict
from typing import Any

from tests.simulation.databases import database, server
from tests.simulation.day import DayOutcome, live_a_day
from tests.simulation.day_plan import day_plan
from tests.simulation.many_seeds import be_quiet
from tests.simulation.report import LayerReport

SHOWN_MAX = 20


def run(count: int, seed: int) -> LayerReport:
    """So many virtual days, each on an empty ledger."""
    be_quiet()
    begun, days = time.perf_counter(), list[DayOutcome]()
    with server() as url:
        for number in range(seed, seed + count):
            with database(url) as own:
                days.append(live_a_day(day_plan(seed=number), own))
    broken = [day for day in days if day.violations]
    return LayerReport(
        name="service",
        planned=count,
        done=len(days),
        failed=len(broken),
        seconds=time.perf_counter() - begun,
        detail=_detail(days, broken),
    )


def _detail(days: list[DayOutcome], broken: list[DayOutcome]) -> dict[str, Any]:
    violations = [f"seed={day.plan.seed} {one}" for day in broken for one in day.violations]
    return {
        "fills": sum(day.fills for day in days),
        "breaks": sum(sum(day.breaks.values()) for day in days),
        "alarms": sum(sum(day.alarms.values()) for day in days),
        "memory": [asdict(memory) for day in days if (memory := day.memory) is not None],
        "violations": violations[:SHOWN_MAX],
    }
