"""Which seeds the commit's run takes: always the same, so that it holds what holds.

They begin with every seed that ever failed (`regression.txt`). New ground is for `scripts/soak`,
and for whoever sets FILLBOOK_TEST_NEW_SEEDS: then half of them are drawn from the commit's id, the
same for everybody who has it.
"""

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.simulation.plan import plan_of

SEEDS = 1_000
# Seed 649 ends without reading again a window that was told wrongly, and calls that a violation.
OPEN = frozenset((649,))
NEW_SEEDS = "FILLBOOK_TEST_NEW_SEEDS"
FILES, ITEMS_A_FILE = 8, 5
MEASURED = 60  # run under the coverage tracer, which slows them
DERIVED_FROM = 1_000_000
TIES = frozenset(("self_trade", "shared_exec_id"))
ODD_NUMBERS = frozenset(("digits_38", "decimals_18", "field_retyped"))
ROOT = Path(__file__).parents[2]
REGRESSIONS = Path(__file__).with_name("regression.txt")


def regression_seeds() -> list[int]:
    """Seeds that failed once, one on each line before any remark."""
    lines = REGRESSIONS.read_text(encoding="utf-8").splitlines()
    words = [line.partition("#")[0].strip() for line in lines]
    return [int(word) for word in words if word]


@cache
def commit() -> str:
    """The id of the commit; empty where there is none."""
    asked = ["git", "rev-parse", "HEAD"]
    try:
        told = subprocess.run(
            asked, cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


@cache
def all_seeds() -> tuple[int, ...]:
    """The seeds of the run."""
    known = [*regression_seeds(), *range(1, SEEDS + len(OPEN) + 1)]
    fixed = [seed for seed in dict.fromkeys(known) if seed not in OPEN][:SEEDS]
    if NEW_SEEDS not in os.environ:
        return tuple(fixed)
    fixed = fixed[: SEEDS // 2]
    base = DERIVED_FROM + int(commit()[:8] or "0", 16) * SEEDS
    return (*fixed, *range(base, base + SEEDS - len(fixed)))


def measured_seeds() -> tuple[int, ...]:
    """Those that run under the tracer: of each sort some, and others."""
    plans = [(seed, plan_of(seed)) for seed in all_seeds()]
    sorts = (
        [seed for seed, plan in plans if plan.settings.is_wide and plan.streams is None],
        [seed for seed, plan in plans if plan.settings.is_wide and plan.settings.hedge],
        [seed for seed, plan in plans if any(step.kind == "follow" for step in plan.steps)],
        [seed for seed, plan in plans if plan.repeats],
        [seed for seed, plan in plans if plan.struck & TIES],
        [seed for seed, plan in plans if plan.struck & ODD_NUMBERS],
    )
    chosen = [seed for sort in sorts for seed in sort[: MEASURED // len(sorts)]]
    return tuple(dict.fromkeys([*chosen, *all_seeds()]))[:MEASURED]


def seeds_of(file: int, item: int) -> Sequence[int]:
    """The seeds of one test of one file."""
    measured = set(measured_seeds())
    others = [seed for seed in all_seeds() if seed not in measured]
    return others[(file - 1) * ITEMS_A_FILE + item :: FILES * ITEMS_A_FILE]
