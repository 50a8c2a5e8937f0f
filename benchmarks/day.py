"""A day of the service in accelerated time: is every fill booked, and does memory stay flat?

Run: `python -m benchmarks.day [--hours 24] [--seed 1] [--fills N] [--accounts 3]
[--without-faults] [--traced]`. The shipped service follows paper accounts on which bots trade all
day, in one process and in virtual time, on a real database; `tests/simulation/day.py` says what
goes wrong meanwhile. Seconds from a fill to the book are virtual: the network, the exchange's own
telling and a millisecond for each statement. Memory is this process's own, the paper exchange and
its growing history included; `--traced` counts what the product's own code holds, and is slower.
Before a figure is printed, the book is held against what truly happened.
"""

import argparse
import sys
import tracemalloc
from collections.abc import Sequence

from benchmarks.measured import report
from tests.simulation.databases import database, server
from tests.simulation.day import DayOutcome, Hour, live_a_day
from tests.simulation.day_plan import ACCOUNTS, DAY_HOURS, day_plan
from tests.simulation.many_seeds import be_quiet

AIM_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Live the day and report."""
    asked = _asked(arguments)
    plan = day_plan(
        seed=asked.seed,
        hours=asked.hours,
        accounts=asked.accounts,
        fills=asked.fills,
        faults=not asked.without_faults,
    )
    be_quiet()
    if asked.traced:
        tracemalloc.start(1)
    with server() as url, database(url) as own:
        came_to = live_a_day(plan, own, tell=lambda line: print(line, file=sys.stderr, flush=True))
    print(_table(came_to.hours))
    assert not came_to.violations, "\n".join(came_to.violations)
    report("a day of the service", _figures(came_to))


def _figures(came_to: DayOutcome) -> dict[str, object]:
    figures: dict[str, object] = {
        "virtual_hours": came_to.plan.hours,
        "accounts": came_to.plan.accounts,
        "seconds": round(came_to.wall_seconds, 1),
        "fills": came_to.fills,
        "fills_told_live": len(came_to.live),
        "live_seconds_median_p99_max": _spread(came_to.live),
        "live_within_a_second_percent": _within(came_to.live),
        "not_live_seconds_median_p99_max": _spread(came_to.others),
        "requests": came_to.requests,
        "statements": came_to.statements,
        "troubles": len(came_to.plan.troubles),
        "faults_of_answers": sum(came_to.fired.values()),
        "passes": dict(came_to.passes),
        "breaks_opened_and_healed": dict(came_to.breaks),
        "longest_break_minutes": round(came_to.longest_break / 60, 1),
        "breaks_left": 0,
        "alarms_raised_and_cleared": dict(came_to.alarms),
        "tasks_at_most": max(hour.tasks for hour in came_to.hours),
        "connections_at_most": max(hour.connections for hour in came_to.hours),
        "messages_waiting_at_most": max(hour.queued for hour in came_to.hours),
    }
    for name, memory in (("", came_to.memory), ("own_", came_to.own_memory)):
        if memory is not None:
            figures[f"{name}mib_first_quarter"] = memory.first_quarter
            figures[f"{name}mib_last_quarter"] = memory.last_quarter
            figures[f"{name}growth_percent"] = memory.growth_percent
    return figures


def _spread(seconds: Sequence[float]) -> str:
    """Of a sorted list."""
    if not seconds:
        return "none"
    places = (len(seconds) // 2, len(seconds) * 99 // 100, len(seconds) - 1)
    return ", ".join(f"{seconds[place]:.2f}" for place in places)


def _within(seconds: Sequence[float]) -> float:
    within = sum(one <= AIM_SECONDS for one in seconds)
    return round(100 * within / len(seconds), 2) if seconds else 0.0


def _table(hours: Sequence[Hour]) -> str:
    lines = ["hour  MiB     tasks  connections  waiting  fills  not laid  wall s"]
    lines += [
        f"{one.number:<6}{one.rss_mib:<8}{one.tasks:<7}{one.connections:<13}{one.queued:<9}"
        f"{one.fills:<7}{one.not_laid:<10}{one.wall_seconds}"
        for one in hours
    ]
    return "\n".join(lines)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day")
    parser.add_argument("--hours", type=float, default=DAY_HOURS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fills", type=int, help="how many are wanted, over all accounts")
    parser.add_argument("--accounts", type=int, default=len(ACCOUNTS), choices=(1, 2, 3))
    parser.add_argument("--without-faults", action="store_true")
    parser.add_argument("--traced", action="store_true", help="memory of the product's own code")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
