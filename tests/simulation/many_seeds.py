"""Running many seeds, one after the other or on several processes, each within its time."""

import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from types import FrameType

import structlog

from tests.simulation.databases import database
from tests.simulation.report import Summary
from tests.simulation.simulation import Outcome, OutOfTimeError, close_stocks, simulate_here

SECONDS_MAX = 90  # of real time for one seed
QUIET = 50


def be_quiet() -> None:
    """What the product and the driver log is not for this terminal."""
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(QUIET))


@contextmanager
def quietly() -> Iterator[None]:
    """The same for a block."""
    before, level = structlog.get_config(), logging.getLogger("psycopg").level
    be_quiet()
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.getLogger("psycopg").setLevel(level)


def say(*lines: str) -> None:
    """Tell whoever runs it."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def one_line(outcome: Outcome) -> str:
    """Its violation on one line."""
    return " ".join(outcome.violation.split())


def run_seeds(
    seeds: Sequence[int], url: str, *, jobs: int = 1, first: bool = False, is_told: bool = False
) -> Summary:
    """Many seeds, on one or more processes with a database each."""
    begun = time.monotonic()
    if jobs == 1:
        summary = _run_here(seeds, url, first=first, is_told=is_told)
    else:
        summary = _run_beside(seeds, url, jobs=jobs, first=first)
    summary.elapsed = time.monotonic() - begun
    return summary


def _run_beside(seeds: Sequence[int], url: str, *, jobs: int, first: bool) -> Summary:
    summary = Summary()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        parts = [seeds[number::jobs] for number in range(jobs)]
        for part in pool.map(_run_part, parts, [url] * jobs, [first] * jobs):
            summary.merge(part)
    return summary


def _run_part(seeds: Sequence[int], url: str, first: bool) -> Summary:  # noqa: FBT001 - by map
    be_quiet()
    return _run_here(seeds, url, first=first, is_told=False)


def _run_here(seeds: Sequence[int], url: str, *, first: bool, is_told: bool) -> Summary:
    summary = Summary()
    with database(url) as own:
        try:
            for seed in seeds:
                outcome = in_time(seed, own)
                summary.add(outcome)
                if outcome.violation and is_told:
                    say(f"VIOLATED seed={seed} {one_line(outcome)}")
                if outcome.violation and first:
                    break
        finally:
            close_stocks()
    return summary


def in_time(seed: int, url: str, *, keep_trace: bool = False) -> Outcome:
    """One seed; one that does not end in real time is a violation as well."""
    with _alarm(SECONDS_MAX):
        return simulate_here(seed, url, keep_trace=keep_trace)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError(f"V13: the seed did not end within {seconds:.0f} s of real time")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
