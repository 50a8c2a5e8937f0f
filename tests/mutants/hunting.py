"""Who catches a mutant?

First the tests that its record names are run, then the simulation, seed by seed, then all other
quick tests; the first failure ends the hunt. Tests that look at the form of the source (tidy), at
documents, or at the mutants themselves are no witnesses and are left out. A program that cannot be
run, or runs no test, catches nothing: that mutant counts as not run, with the reason.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.mutants.mutant import Mutant, NotApplicable
from tests.mutants.no_shrinking import PROFILE
from tests.mutants.workshop import Bench, NotImported, Workshop

Stage = Literal["named tests", "simulation", "other tests", "nobody", "not run"]

TEST_SECONDS_MAX = 120  # as in every run: on a busy machine a slow test is no catch
NAMED_SECONDS_MAX = 400
SEED_SECONDS_MAX = 2  # on average
REST_SECONDS_MAX = 1800
SEEDS_MAX = 1_000
REST = (
    "tests/unit", "tests/spec", "tests/property", "tests/venues", "tests/ledger", "tests/sync",
    "tests/reports", "tests/agreement", "tests/faces", "tests/cli", "tests/doors",
)  # fmt: skip
FAST = "not slow and not debian"

_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_VIOLATED = re.compile(r"^VIOLATED (seed=\d+)\W+(\w+)", re.MULTILINE)
PASSED, FAILED, ENDED_EARLY, NOTHING_RUN = 0, 1, 2, 5


class CouldNotRun(RuntimeError):
    """A program of the hunt did not do what it was asked."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """How far the hunt goes, and on which server."""

    database_url: str
    seeds: int = SEEDS_MAX
    simulation_only: bool = False
    named_only: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    stage: Stage
    caught_by: str
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether anybody noticed."""
        return self.stage not in ("nobody", "not run")


def hunted(mutant: Mutant, workshop: Workshop, hunt: Hunt) -> Outcome:
    """Hunt one mutant, stage by stage."""
    begun = time.monotonic()
    try:
        with workshop.bench(mutant) as bench:
            stage, by = _caught(mutant, bench, hunt)
    except (CouldNotRun, NotApplicable, NotImported) as problem:
        stage, by = "not run", str(problem)
    return Outcome(mutant, stage, by, time.monotonic() - begun)


def _caught(mutant: Mutant, bench: Bench, hunt: Hunt) -> tuple[Stage, str]:
    if not hunt.simulation_only:
        by = tests_failed(bench, mutant.tests, hunt, seconds=NAMED_SECONDS_MAX)
        if by:
            return "named tests", by
    if hunt.named_only:
        return "nobody", ""
    by = seeds_failed(bench, hunt)
    if by:
        return "simulation", by
    if not hunt.simulation_only:
        rest = [folder for folder in REST if (bench.root / folder).is_dir()]
        by = tests_failed(bench, (*rest, "-m", FAST), hunt, seconds=REST_SECONDS_MAX)
        if by:
            return "other tests", by
    return "nobody", ""


def tests_failed(bench: Bench, chosen: Sequence[str], hunt: Hunt, *, seconds: float) -> str:
    """Run tests until the first one fails; its name, or nothing."""
    command = [
        str(bench.python), "-m", "pytest", "-x", "-q", "--no-header", "--tb=no",
        "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "tests.mutants.no_shrinking",
        f"--timeout={TEST_SECONDS_MAX}", *chosen,
    ]  # fmt: skip
    code, said = _run(command, bench.root, hunt, seconds)
    if code is None:
        return f"no end within {seconds:.0f} s"
    if code == PASSED:
        return ""
    found = _FAILED.search(said)
    if code in (FAILED, ENDED_EARLY) and found:
        return found[1].removeprefix("tests/")
    raise CouldNotRun(f"pytest ended with {code}: {said[-2000:]}")


def seeds_failed(bench: Bench, hunt: Hunt) -> str:
    """Run the simulation's seeds until one is violated; which, or nothing."""
    if not hunt.seeds or not (bench.root / "tests/simulation/__main__.py").exists():
        return ""
    seconds = 120 + hunt.seeds * SEED_SECONDS_MAX
    seeds = f"1-{hunt.seeds}"
    command = [str(bench.python), "-m", "tests.simulation", "--seeds", seeds, "--first"]
    code, said = _run(command, bench.root, hunt, seconds)
    if code is None:
        return f"no end within {seconds} s"
    if code == PASSED:
        return ""
    found = _VIOLATED.search(said)
    if code == FAILED and found:
        return f"{found[1]} {found[2]}"
    raise CouldNotRun(f"the simulation ended with {code}: {said[-2000:]}")


def _run(command: list[str], root: Path, hunt: Hunt, seconds: float) -> tuple[int | None, str]:
    """Run a program and all that it starts; no code: it did not end in time, and was ended."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "PYTHON", "COV_", "FILLBOOK_")) and name != "VIRTUAL_ENV"
    }
    environment["FILLBOOK_TEST_DATABASE_URL"] = hunt.database_url
    environment["FILLBOOK_HYPOTHESIS"] = PROFILE
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, ""
    return process.returncode, said
