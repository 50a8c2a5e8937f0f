"""Funding: spread over the owners that held a position, then over the units that were open.

A bot's share is total x its position / the net position; it may exceed the total or change its sign
when bots stand on both sides. Inside a book the payment is borne by the units open at that instant,
which are one interval of the unit line: from what the trailing side has reached to what the leading
side has. A match bears the part that falls on its units. Both steps telescope.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from fillbook.accounting.allocation import as_integer, shares_of, upto
from fillbook.domain.money import unscaled


def by_owner(amount: Decimal, positions: Mapping[str, int]) -> dict[str, Decimal]:
    """Each owner's part of a payment; empty when there was no net position."""
    held = {owner: position for owner, position in sorted(positions.items()) if position}
    if sum(held.values()) == 0:
        return {}
    parts = shares_of(amount, list(held.values()))
    return dict(zip(held, parts, strict=True))


Payment = tuple[int, int, Decimal]  # the open units [start, end) and the amount they bear


def on_units(payments: Sequence[Payment], spans: Sequence[tuple[int, int]]) -> list[Decimal]:
    """What each span of units bears. Payments and spans both rise along the line."""
    if not payments:
        return [Decimal(0)] * len(spans)
    amounts = [as_integer(amount) for _, _, amount in payments]
    scale = max(own for _, own in amounts)
    borne: list[Decimal] = []
    first = 0
    for start, end in spans:
        while first < len(payments) and payments[first][1] <= start:
            first += 1
        total, index = 0, first
        while index < len(payments) and payments[index][0] < end:
            low, high, _ = payments[index]
            amount, own = amounts[index]
            upper = upto(amount, min(end, high) - low, high - low)
            part = upper - upto(amount, max(start, low) - low, high - low)
            total += part * 10 ** (scale - own)
            index += 1
        borne.append(unscaled(total, scale))
    return borne
