"""How far a fetch has come: a bar with an estimate on a terminal, a line now and then elsewhere.

A pass reads many kinds of history, one after the other. Each has a bar of its own, because their
speeds have nothing in common: one estimate for all would jump whenever the next one begins.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from fillbook.faces.cli.run import say
from fillbook.sync.engine import Progress, Step

LINE_EVERY = timedelta(seconds=5)
WHOLE = ("all", "UNIFIED")  # scopes that are all there is of a stream

Clock = Callable[[], datetime]


@contextmanager
def shown(clock: Clock) -> Iterator[Progress]:
    """Show progress while the block runs."""
    if sys.stderr.isatty():
        with _Bar() as bar:
            yield bar.step
    else:
        yield _Lines(clock).step


class _Bar:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[executions]:,} executions"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("reading", executions=0)
        self._reads = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def step(self, step: Step) -> None:
        """Move the bar; what is read next begins a new one in its place."""
        if self._reads != words(step):
            self._reads = words(step)
            self._bar.reset(self._task, total=step.total.total_seconds())
        self._bar.update(
            self._task,
            description=f"{self._reads}, {step.window.ends_at:%Y-%m-%d}",
            total=step.total.total_seconds(),
            completed=step.done.total_seconds(),
            executions=step.executions_new,
        )


class _Lines:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = clock() + LINE_EVERY

    def step(self, step: Step) -> None:
        """Say a line when some time has passed."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + LINE_EVERY
        percent = step.done * 100 // step.total if step.total else 100
        say(
            f"{words(step)}: {percent} %, to {step.window.ends_at:%Y-%m-%d},"
            f" {step.executions_new} new executions"
        )


def words(step: Step) -> str:
    """What is being read: "executions linear", and "deposits" where there is nothing to add."""
    scope = "" if step.scope in WHOLE else f" {step.scope}"
    return f"{step.stream.replace('_', ' ')}{scope}"
