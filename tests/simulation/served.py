"""Which of a proven window did the exchange truly serve, whole and to its end?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from fillbook.domain.window import Window, from_milliseconds, minus, union
from fillbook.venues.bybit.histories import HISTORIES

if TYPE_CHECKING:
    from tests.simulation.looks import Proven
    from tests.simulation.network import Served

PATHS = {history.rules.name: history.path for history in HISTORIES}
ROUNDING = timedelta(milliseconds=2)


def unproven_part(served: "Sequence[Served]", proven: "Proven") -> list[Window]:
    """The parts of a proven window that no whole listing covers."""
    path = PATHS[proven.stream]
    whole = [
        Window(
            from_milliseconds(one.starts_ms) - ROUNDING, from_milliseconds(one.ends_ms) + ROUNDING
        )
        for one in served
        if one.is_end and one.path == path and one.scope == proven.scope
    ]
    return minus([Window(proven.starts_at, proven.ends_at)], union(whole))
