"""Hunts known-bug mutants: puts each bug back into a copy of the tree and sees who catches it.

    scripts/mutants [NAME ...] [--sample N --seed S] [--jobs 2] [--seeds 1000]

A NAME is a mutant's, or a row of the failure catalogue. Without any all are hunted. The tests that
the records name are run on the sound tree first: they must pass there. The outcomes are printed
and kept in artifacts/mutants.json; `--table` prints what is kept there as Markdown. The exit
status is 1 when a mutant was caught by nobody.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import psutil

from fillbook.ledger._embedded import ensure_running, stop
from tests.conftest import UNSAFE
from tests.mutants import report
from tests.mutants.hunting import NAMED_SECONDS_MAX, SEEDS_MAX, Hunt, Outcome, hunted, tests_failed
from tests.mutants.mutant import Mutant, NotApplicable, named
from tests.mutants.workshop import TREES, Workshop, workshop

JOBS = 2
SERVERS = "fillbook-mutants-server-"


class Unsound(AssertionError):
    """A test that fails on the sound tree catches nothing."""


@contextmanager
def server() -> Iterator[str]:
    """A server for the length of the hunt; its data is thrown away."""
    sweep()
    with tempfile.TemporaryDirectory(prefix=f"{SERVERS}{os.getpid()}-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "server"
        try:
            yield ensure_running(data, settings=UNSAFE).url
        finally:
            stop(data)


def sweep() -> None:
    """Stop the servers of hunts that were killed, and take away what they left."""
    for prefix in (SERVERS, TREES):
        for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            pid = folder.name.removeprefix(prefix).partition("-")[0]
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                if (folder / "server").exists():
                    stop(folder / "server")
                shutil.rmtree(folder, ignore_errors=True)


def hunt_all(
    mutants: Sequence[Mutant], shop: Workshop, hunt: Hunt, *, jobs: int = JOBS
) -> Iterator[Outcome]:
    """Hunt several at once; outcomes come as they are ready."""
    with ThreadPoolExecutor(jobs) as workers:
        running = [workers.submit(hunted, mutant, shop, hunt) for mutant in mutants]
        try:
            for done in as_completed(running):
                yield done.result()
        finally:
            for waiting in running:
                waiting.cancel()


def check_sound(mutants: Sequence[Mutant], shop: Workshop, hunt: Hunt, *, jobs: int = JOBS) -> None:
    """Run all tests that the records name on the sound tree."""
    chosen = sorted({test for mutant in mutants for test in mutant.tests})
    words = [*chosen, "-n", str(jobs), "--dist", "loadfile"]
    with shop.bench() as bench:
        failed = tests_failed(bench, words, hunt, seconds=3 * NAMED_SECONDS_MAX)
    if failed:
        raise Unsound(f"{failed} fails on the sound tree")


def sampled(mutants: Sequence[Mutant], *, count: int, seed: int | str) -> list[Mutant]:
    """Some of them, always the same ones for a seed, in the order of the catalogue."""
    places = random.Random(seed).sample(range(len(mutants)), min(count, len(mutants)))
    return [mutants[place] for place in sorted(places)]


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--sample", type=int, help="hunt so many of them, drawn by the seed")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX, help="of the simulation")
    parser.add_argument("--simulation-only", action="store_true")
    parser.add_argument("--named-only", action="store_true", help="only the tests of the records")
    parser.add_argument("--no-baseline", action="store_true", help="trust that the tree is sound")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--keep", type=Path, default=report.FILE, help="where outcomes are kept")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Run the hunt that was asked for."""
    asked = _arguments(words)
    if asked.table:
        sys.stdout.write(report.table(asked.keep))
        return 0
    mutants: Sequence[Mutant] = named(asked.names)
    if asked.sample is not None:
        mutants = sampled(mutants, count=asked.sample, seed=asked.seed)
    if asked.list:
        sys.stdout.writelines(f"{one.name:<6} {one.title}\n" for one in mutants)
        return 0
    outcomes: list[Outcome] = []
    with server() as url, workshop() as shop:
        hunt = Hunt(url, asked.seeds, asked.simulation_only, asked.named_only)
        if not (asked.no_baseline or asked.simulation_only):
            check_sound(mutants, shop, hunt, jobs=asked.jobs)
        for outcome in hunt_all(mutants, shop, hunt, jobs=asked.jobs):
            outcomes.append(outcome)
            sys.stdout.write(f"{report.line(outcome)}\n")
            sys.stdout.flush()
            outcomes.sort(key=lambda one: mutants.index(one.mutant))
            report.write(outcomes, asked.keep)
    sys.stdout.write(f"{report.summary(outcomes)}\n")
    return 0 if all(one.caught for one in outcomes) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever is ended cleans up as well
    try:
        sys.exit(main(sys.argv[1:]))
    except (NotApplicable, Unsound) as problem:
        sys.exit(str(problem))
