"""What of a pass is news: the first one, what was found, and what is wrong since the last one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from fillbook.sync.engine import Passed


@dataclass(slots=True)
class News:
    """Says what passes came to, and nothing twice."""

    tell: Callable[[str], None]
    _said: tuple[str, ...] | None = None  # by the pass before; None: there was none

    def passed(self, passed: Passed) -> None:
        """Say what is new in a pass."""
        run, new = passed.run, passed.run.booked.executions_new
        if new or self._said is None:
            self.tell(
                f"pass: {new} new executions, {run.trades_new} new completed trades,"
                f" {run.requests} requests, {passed.seconds / timedelta(seconds=1):.1f} s"
            )
        if run.booked.quarantined:
            self.tell(f"{run.booked.quarantined} rows could not be read; they are kept verbatim")
        said = (*passed.failures, *passed.left_out)
        if said != (self._said or ()):
            self._say_what_is_wrong(passed)
        self._said = said

    def _say_what_is_wrong(self, passed: Passed) -> None:
        for one in passed.left_out:
            self.tell(f"left out: {one}")
        for one in passed.failures:
            self.tell(f"not proven: {one}")
        if not passed.failures and not passed.left_out:
            self.tell("everything that was asked for is proven again")
