"""Mutants as a layer of the soak: hunt so many of them, and say what the hunt came to."""

import time
from collections.abc import Sequence

from tests.mutants import report
from tests.mutants.__main__ import JOBS, check_sound, hunt_all, sampled, server
from tests.mutants.hunting import SEEDS_MAX, Hunt, Outcome
from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.workshop import workshop
from tests.simulation.report import LayerReport

NAME = "mutants"
SHARE_MIN_PERCENT = 98


def run(count: int, seed: int) -> LayerReport:
    """Hunt `count` mutants, all there are at most; the layer fails below 98 % caught."""
    mutants = sampled(all_mutants(), count=count, seed=seed)
    begun = time.monotonic()
    outcomes = hunted_in_a_workshop(mutants, seeds=SEEDS_MAX, jobs=JOBS)
    missed = [one for one in outcomes if not one.caught]
    is_enough = report.share_caught(outcomes) >= SHARE_MIN_PERCENT
    return LayerReport(
        name=NAME,
        planned=len(mutants),
        done=len(outcomes),
        failed=0 if is_enough else len(missed),
        seconds=time.monotonic() - begun,
        detail={
            "share_percent": round(report.share_caught(outcomes), 2),
            "missed": {one.mutant.name: one.caught_by for one in missed},
            "caught": {one.mutant.name: one.caught_by for one in outcomes if one.caught},
        },
    )


def hunted_in_a_workshop(
    mutants: Sequence[Mutant],
    *,
    seeds: int = 0,
    jobs: int = 1,
    named_only: bool = False,
    baseline: bool = True,
) -> list[Outcome]:
    """Hunt some mutants with a server and a copy of the tree of their own."""
    with server() as url, workshop() as shop:
        hunt = Hunt(url, seeds, named_only=named_only)
        if baseline:
            check_sound(mutants, shop, hunt, jobs=jobs)
        return list(hunt_all(mutants, shop, hunt, jobs=jobs))
