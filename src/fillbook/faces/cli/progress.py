"""How far a fetch has come: a bar with an estimate on a terminal, a line now and then elsewhere.

A pass reads many kinds of history side by side. Each has a bar of its own, because their speeds
have nothing in common; it is there while something is left to read.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fillbook.faces.cli.run import say
from fillbook.sync.engine import Progress, Step

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_EVERY = timedelta(seconds=5)
WHOLE = ("all", "UNIFIED")  # scopes that are all there is of a stream

EXECUTIONS = "executions"

Clock = Callable[[], datetime]


@contextmanager
def shown(clock: Clock, *, names_accounts: bool = False) -> Iterator[Callable[[str], Progress]]:
    """Show progress while the block runs; what is yielded takes the name of an account."""
    if sys.stderr.isatty():
        with _Bars() as bars:
            yield lambda name: partial(bars.step, f"{name}: " if names_accounts else "")
    else:
        lines = _Lines(clock)
        yield lambda name: partial(lines.step, f"{name}: " if names_accounts else "")


class _Bars:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[new]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._reads: dict[TaskID, str] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def step(self, account: str, step: Step) -> None:
        """Move the bar of a stream; what it reads next begins a new one in its place."""
        total = step.total.total_seconds()
        task = self._tasks.get((account, step.stream))
        if task is None:
            task = self._bars.add_task("", total=total, new="", visible=False)
            self._tasks[account, step.stream] = task
        if self._reads.get(task) != step.scope:
            self._reads[task] = step.scope
            self._bars.reset(task, total=total)
        self._bars.update(
            task,
            description=f"{account}{words(step)}, {step.window.ends_at:%Y-%m-%d}",
            total=total,
            completed=step.done.total_seconds(),
            visible=step.done < step.total,
            new=_new(step),
        )


class _Lines:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = clock() + LINE_EVERY

    def step(self, account: str, step: Step) -> None:
        """Say a line when some time has passed."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + LINE_EVERY
        percent = step.done * 100 // step.total if step.total else 100
        say(
            f"{account}{words(step)}: {percent} %, to {step.window.ends_at:%Y-%m-%d},"
            f" {step.executions_new} new executions so far"
        )


def _new(step: Step) -> str:
    return f"{step.executions_new:,} executions" if step.stream == EXECUTIONS else ""


def words(step: Step) -> str:
    """What is being read: "executions linear", and "deposits" where there is nothing to add."""
    scope = "" if step.scope in WHOLE else f" {step.scope}"
    return f"{step.stream.replace('_', ' ')}{scope}"
