"""Histories of a leg as a venue would tell them: drawn fills with their true closed sizes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from fillbook.accounting.leg import Cause, Fill, Funding, StretchState
from fillbook.accounting.sequence import closes
from fillbook.domain.instrument import LegName
from fillbook.domain.money import unscaled

STARTED = datetime(2024, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SCALES = (0, 3, 18)
# One unit of a drawn quantity, in the smallest unit: round, odd, and 37 digits long.
GRAINS = (1, 1000, 37, 1234567890123456789012345678901234567)

NEW_STRETCH = StretchState(LegName("linear", "BTCUSDT", "net"), STARTED)

WHO = st.sampled_from(
    [
        (Cause.TAGGED, "alpha"),
        (Cause.TAGGED, "beta"),
        (Cause.TAGGED, "gamma"),
        (Cause.MANUAL, None),
        (Cause.STOP, None),
        (Cause.FORCED, None),
    ]
)
FLAT = st.just(0)
APART = st.sampled_from([1, 1, 1, 5000])
REASONS = st.sampled_from(["entry", "add", "stop_loss", "take_profit", "reversal", "unknown"])
FEES = st.sampled_from(["0", "0.1", "-0.025", "0.000000000000000001", "1.0000000000000000000003"])
AMOUNTS = st.sampled_from(
    ["1", "-1", "0.000000000000000007", "-12.34567", "0.12345678901234567891"]
)


@dataclass(frozen=True, slots=True)
class History:
    """Fills in their true order, funding, and what was held before."""

    opening: Decimal
    fills: tuple[Fill, ...]
    flows: tuple[Funding, ...]
    scale: int


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    openings: st.SearchStrategy[int] = FLAT,
    steps: st.SearchStrategy[int] = APART,
    length_max: int = 24,
    lossless: bool = True,
) -> History:
    """A history. `steps` are the milliseconds between fills; 0 makes bursts."""
    scale, grain = draw(st.sampled_from(SCALES)), draw(st.sampled_from(GRAINS))
    position = opening = draw(openings) * grain
    at, fills = STARTED + MILLISECOND, []
    for number in range(draw(st.integers(0, length_max))):
        side, qty = draw(st.sampled_from((1, -1))), draw(st.integers(1, 6)) * grain
        (cause, bot), reason = draw(WHO), draw(REASONS)
        at += draw(steps) * MILLISECOND
        closed: int | None = closes(position, side, qty)
        position += side * qty
        if not lossless and draw(st.integers(0, 9)) == 0:
            closed = None
        fill = Fill(
            key=UUID(int=number + 1),
            order_key=UUID(int=10_000 + number // 2),
            at=at,
            tie=(number, f"order-{number // 2}", f"execution-{number}"),
            side=side,
            qty=unscaled(qty, scale),
            price=Decimal(draw(st.integers(1, 10**9))).scaleb(-4),
            fee=None if draw(st.integers(0, 9)) == 0 else Decimal(draw(FEES)),
            closed=None if closed is None else unscaled(closed, scale),
            cause=cause,
            bot=bot,
            reason=reason,
            evidence="drawn",
        )
        fills.append(fill)
    flows = tuple(
        Funding(UUID(int=20_000 + number), STARTED + ms * MILLISECOND, Decimal(amount))
        for number, (ms, amount) in enumerate(
            draw(st.lists(st.tuples(st.integers(0, 40), AMOUNTS), max_size=6))
        )
    )
    return History(unscaled(opening, scale), tuple(fills), flows, scale)


def without_telling_ties(fills: Sequence[Fill], names: Sequence[int]) -> list[Fill]:
    """The same fills with sequence numbers and ids that say nothing about their order."""
    return [
        replace(fill, tie=(-1, f"order-{name}", f"execution-{name}"))
        for fill, name in zip(fills, names, strict=True)
    ]
