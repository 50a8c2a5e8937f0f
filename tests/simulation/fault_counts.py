"""How often each kind of fault struck: the exchange's own luck, counted.

Luck is decided deep inside the exchange, where nobody is told: here its judges are given a counter.
"""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from papervenues.bybit.history import AccountHistory
from papervenues.bybit.row_faults import UPGRADED
from papervenues.bybit.served import _struck
from papervenues.draws import hits
from papervenues.fault_table import HISTORY
from papervenues.faults import EventLuck, FaultPlan, RequestLuck, RowLuck

COUNTED: Counter[str] = Counter()
BY_INDEX = ("hidden_row", "late_rows")


def _counting(judge: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(judge)
    def counted(self: Any, name: str, *args: Any, **words: Any) -> bool:  # noqa: ANN401
        struck = judge(self, name, *args, **words)
        if struck:
            COUNTED[name] += 1
        return struck

    return counted


def _counting_many(judge: Callable[..., frozenset[str]]) -> Callable[..., frozenset[str]]:
    @wraps(judge)
    def counted(self: Any, *args: Any, **words: Any) -> frozenset[str]:  # noqa: ANN401
        struck = judge(self, *args, **words)
        COUNTED.update(struck)
        return struck

    return counted


def count_them() -> None:
    """Begin to count; once for a process."""
    judges: tuple[tuple[Any, Callable[..., Any]], ...] = (
        (RowLuck, _counting),
        (EventLuck, _counting),
        (RequestLuck, _counting_many),
    )
    for judge, counting in judges:
        if not hasattr(judge.strikes, "__wrapped__"):
            judge.strikes = counting(judge.strikes)


def counted_history(plan: FaultPlan, history: AccountHistory) -> Counter[str]:
    """Rows that a list leaves out; what is of the whole history counts once."""
    counted = Counter(fault.name for fault in plan.acting(HISTORY))
    for name in BY_INDEX:
        counted[name] += len(_struck(history, name, plan, first=0))
    for fault in plan.named(UPGRADED):
        counted[UPGRADED] += hits(history.seed, UPGRADED, 0, share_ppm=fault.share_ppm)
    return +counted
