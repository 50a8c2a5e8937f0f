"""How often each kind of fault struck a row or a message: the exchange's own luck, counted.

Faults of requests come back with each answer. Those of rows and messages are decided deep inside
the exchange, where nobody is told: here its two judges are given a counter.
"""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from papervenues.bybit.history import AccountHistory
from papervenues.fault_table import HISTORY
from papervenues.faults import EventLuck, FaultPlan, RowLuck

COUNTED: Counter[str] = Counter()


def _counting(judge: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(judge)
    def counted(self: Any, name: str, *args: Any, **words: Any) -> bool:  # noqa: ANN401
        struck = judge(self, name, *args, **words)
        if struck:
            COUNTED[name] += 1
        return struck

    return counted


def count_them() -> None:
    """Begin to count; once for a process."""
    for judge in (RowLuck, EventLuck):
        if not hasattr(judge.strikes, "__wrapped__"):
            judge.strikes = _counting(judge.strikes)  # type: ignore[method-assign]


def counted_history(plan: FaultPlan, history: AccountHistory) -> Counter[str]:
    """A history that was made with faults counts once for each of them."""
    if not len(history.executions.time_ms):
        return Counter()
    return Counter(fault.name for fault in plan.acting(HISTORY))
