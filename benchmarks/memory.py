"""Resident memory of a sync, sampled every second, from the first window to the last (P12).

Run: `python -m benchmarks.memory [EXECUTIONS] [STREAM ...]`; a million executions and the stream of
executions are the default, `all` reads every stream. Venue, sync and database server are processes
of their own; only the syncing one is measured. It is flat when what it holds does not grow from the
first tenth on. Before a figure is printed, the ids of all that is booked are compared with those of
the venue's own books, by count and by the sum of their digests. To make a history of a million
takes the venue some minutes, which are not measured.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import psutil

from benchmarks import one_pass
from benchmarks.measured import report
from benchmarks.one_pass import executions_alone
from benchmarks.stage import Paper, booked_print, paper, server, true_print

EXECUTIONS = 1_000_000
DAYS = 365
ALL = "all"
SAMPLE_SECONDS = 1.0
MIB = 1 << 20
AIM_MIB = 150
FLAT_GROWTH_PERCENT = 10  # the last tenth beside the second one, by their medians


@dataclass(frozen=True, slots=True)
class Sample:
    """What was resident, and how many executions were booked by then."""

    seconds: float
    executions: int
    mib: float


@dataclass(slots=True)
class Sampler:
    """Looks at a process every second, and hears from it how far it has come."""

    samples: list[Sample] = field(default_factory=list)
    _executions: int = 0
    _thread: threading.Thread | None = None

    def watch(self, process: "subprocess.Popen[str]", executions: int) -> None:
        """The process said how many executions are booked."""
        self._executions = executions
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, args=(process.pid,), daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until the process has ended."""
        if self._thread is not None:
            self._thread.join()

    def _look(self, pid: int) -> None:
        started = time.perf_counter()
        try:
            seen = psutil.Process(pid)
            while mib := seen.memory_info().rss / MIB:
                seconds = time.perf_counter() - started
                self.samples.append(Sample(seconds, self._executions, mib))
                time.sleep(SAMPLE_SECONDS)
        except psutil.NoSuchProcess:
            return


def main(executions: int, streams: Sequence[str]) -> None:
    """Measure and report."""
    sampler = Sampler()
    with server() as ledgers:
        url = ledgers.new_ledger()
        with paper(executions, days=DAYS) as venue:
            came_to = one_pass.run(_job(url, venue, streams), watch=sampler.watch)
            sampler.wait()
            happened = true_print(venue)
        assert booked_print(url) == happened, "the book is not what happened"
    report(
        "resident memory of a sync",
        {
            "executions": happened.ids,
            "of_them_fills": came_to.executions,
            "streams": " ".join(streams),
            "requests": came_to.requests,
            "seconds": came_to.seconds,
            "executions_a_second": round(happened.ids / came_to.seconds),
            **_figures(sampler.samples, came_to.executions, came_to.peak_mib),
        },
    )


def _job(url: str, venue: Paper, streams: Sequence[str]) -> one_pass.Job:
    job = executions_alone(url, venue)
    return replace(job, streams=None if ALL in streams else tuple(streams))


def _figures(samples: Sequence[Sample], executions: int, peak_mib: int) -> dict[str, object]:
    tenth = executions / 10
    second = [one.mib for one in samples if tenth <= one.executions < 2 * tenth]
    last = [one.mib for one in samples if one.executions >= 9 * tenth]
    late = [one.mib for one in samples if one.executions >= tenth]
    figures: dict[str, object] = {
        "samples": len(samples),
        "peak_mib": peak_mib,
        "peak_mib_aim": AIM_MIB,
        "at_the_end_mib": round(samples[-1].mib),
    }
    if not second or not last:
        return figures | {"flat": "too few samples to say: make the history longer"}
    growth = 100 * (median(last) / median(second) - 1)
    return figures | {
        "at_10_percent_mib": round(late[0]),
        "second_tenth_median_mib": round(median(second), 1),
        "last_tenth_median_mib": round(median(last), 1),
        "growth_percent": round(growth, 1),
        "flat": "yes" if growth <= FLAT_GROWTH_PERCENT else "no",
    }


if __name__ == "__main__":
    words = sys.argv[1:]
    main(int(words[0]) if words else EXECUTIONS, words[1:] or ["executions"])
