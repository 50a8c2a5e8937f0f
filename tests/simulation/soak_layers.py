"""What a soak consists of: each layer's figure for a night and for a release, and how to run some.

A layer is run in slices of about half a minute, each in a process of its own, so that a soak can be
stopped at any time and goes on where it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from tests.simulation.report import LayerReport

JOBS = 2


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of test: how many in a night, how many for a release, how many to begin with."""

    name: str
    night: int
    release: int
    first_slice: int
    run: Callable[[int, int], LayerReport]
    is_whole: bool = False  # has so many and no more, however long a soak lasts


def _simulation(count: int, seed: int) -> LayerReport:
    from tests.simulation.databases import server
    from tests.simulation.many_seeds import run_seeds

    with server() as url:
        summary = run_seeds(range(seed, seed + count), url, jobs=JOBS)
    detail = {"fired": dict(summary.fired), "struck": dict(summary.struck),
              "held": dict(summary.held), "violations": summary.violations,
              "simulated_seconds": summary.simulated_seconds}  # fmt: skip
    return LayerReport(
        "simulation", count, summary.seeds, len(summary.violations), summary.elapsed, detail
    )


def _rig(name: str) -> Callable[[int, int], LayerReport]:
    def run(count: int, seed: int) -> LayerReport:
        from tests.crash import layers

        return layers.run(name, count, seed)

    return run


def _of(module: str) -> Callable[[int, int], LayerReport]:
    def run(count: int, seed: int) -> LayerReport:
        ran: LayerReport = import_module(module).run(count, seed)
        return ran

    return run


LAYERS: Mapping[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer("simulation", 30_000, 150_000, 40, _simulation),
        Layer("crash", 5_000, 20_000, 20, _rig("crash")),
        Layer("postgres", 1_300, 4_000, 6, _rig("postgres")),
        Layer("commit", 10_000, 50_000, 20, _rig("commit")),
        Layer("disk", 500, 2_000, 5, _rig("disk")),
        Layer("nth", 2_000, 6_000, 20, _rig("nth")),
        Layer("workers", 2_000, 10_000, 5, _rig("workers")),
        Layer("service", 8, 60, 1, _of("tests.simulation.day_layer")),
        Layer("backup", 50, 400, 3, _of("tests.ledger.backup_layer")),
        Layer("mutants", 1_000, 1_000, 1_000, _of("tests.mutants.layer"), is_whole=True),
    )
}
