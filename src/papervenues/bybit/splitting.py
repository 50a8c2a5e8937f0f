"""How an order comes to its fills: in how many parts, and how far apart in time."""

from papervenues.draws import Draws

# How many fills an order gets, each as likely as it is often written here.
FILLS_AN_ORDER = (1,) * 40 + (2,) * 20 + (3,) * 14 + (4,) * 9 + (5,) * 6 + (6,) * 5 + (7, 8) * 3


def parts_of(qty: int, *, step: int, draws: Draws) -> list[int]:
    """The quantities of an order's fills, multiples of the step."""
    steps = qty // step
    wanted = min(FILLS_AN_ORDER[draws.below(len(FILLS_AN_ORDER))], steps)
    parts = []
    for still in range(wanted, 1, -1):
        part = min(1 + draws.below(2 * steps // still), steps - still + 1)
        parts.append(part * step)
        steps -= part
    parts.append(steps * step)
    return parts


def pause_of(*, first: bool, limit: bool, patience: int, draws: Draws) -> int:
    """Milliseconds before an order's next fill."""
    if limit:
        same = not first and draws.percent(30)
        return 0 if same else 1 + draws.below(patience)
    if first:
        return 1 + draws.below(60)
    return 0 if draws.percent(65) else 1 + draws.below(25)
