"""Histories of a leg as a venue would tell them: drawn fills with their true closed sizes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from fillbook.accounting.known import Known
from fillbook.accounting.leg import Cause, Fill, Funding, StretchState
from fillbook.accounting.sequence import closes
from fillbook.domain.instrument import LegName
from fillbook.domain.money import unscaled
from fillbook.domain.statement import OpeningBalance, Terms

STARTED = datetime(2024, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SCALES = (0, 3, 18)
# One unit of a drawn quantity, in the smallest unit: round, odd, and 37 digits long.
GRAINS = (1, 1000, 37, 1234567890123456789012345678901234567)

NET = LegName("linear", "BTCUSDT", "net")
NEW_STRETCH = StretchState(NET, STARTED)
PLAIN = Known(Terms("linear", "BTCUSDT"))

# What a leg holds, the kind and multiplier of its contract, and its smallest order in grains.
LEGS = st.sampled_from(
    [
        (NET, Terms("linear", "BTCUSDT"), None),
        (NET, Terms("linear", "BTCUSDT", multiplier=Decimal("0.001")), 3),
        (LegName("linear", "BTCUSDT", "long"), Terms("linear", "BTCUSDT"), 2),
        (LegName("linear", "BTCUSDT", "short"), Terms("linear", "BTCUSDT"), None),
        (LegName("inverse", "BTCUSD", "net"), Terms("inverse", "BTCUSD", "inverse"), None),
        (
            LegName("inverse", "BTCUSD", "short"),
            Terms("inverse", "BTCUSD", "inverse", multiplier=Decimal(100)),
            2,
        ),
        (LegName("linear", "XBTQ", "net"), Terms("linear", "XBTQ", "quanto"), None),
        (LegName("spot", "BTCUSDT", "net"), Terms("spot", "BTCUSDT", "spot", "BTC"), 2),
    ]
)
ONE_LEG = st.just((NET, Terms("linear", "BTCUSDT"), None))

WHO = st.sampled_from(
    [
        (Cause.TAGGED, "alpha"),
        (Cause.TAGGED, "beta"),
        (Cause.TAGGED, "gamma"),
        (Cause.ASSIGNED, "beta"),
        (Cause.ASSIGNED, "unassigned"),
        (Cause.ASSIGNED, None),
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
    """Fills in their true order, funding, what was held before and what is known beside."""

    opening: Decimal
    fills: tuple[Fill, ...]
    flows: tuple[Funding, ...]
    scale: int
    grain: int = 1
    name: LegName = NET
    known: Known = PLAIN

    @property
    def stretch(self) -> StretchState:
        """The stretch before anything is laid."""
        return StretchState(self.name, STARTED)

    @property
    def holds(self) -> int:
        """1: longs only, -1: shorts only, 0: either."""
        if self.known.terms.kind == "spot":
            return 1
        return {"net": 0, "long": 1, "short": -1}[self.name.leg]


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    openings: st.SearchStrategy[int] = FLAT,
    steps: st.SearchStrategy[int] = APART,
    length_max: int = 24,
    lossless: bool = True,
    legs: st.SearchStrategy[tuple[LegName, Terms, int | None]] = ONE_LEG,
    costs: bool = False,
) -> History:
    """A history. `steps` are the milliseconds between fills; 0 makes bursts.

    `costs` adds fills without a quantity, and payments in a coin without a price.
    """
    scale, grain = draw(st.sampled_from(SCALES)), draw(st.sampled_from(GRAINS))
    name, terms, least = draw(legs)
    if least is not None:
        terms = replace(terms, qty_min=unscaled(least * grain, scale))
    history = History(Decimal(0), (), (), scale, grain, name, Known(terms))
    position = draw(openings) * grain
    position = opening = history.holds * abs(position) if history.holds else position
    at, fills = STARTED + MILLISECOND, []
    for number in range(draw(st.integers(0, length_max))):
        side, qty = draw(st.sampled_from((1, -1))), draw(st.integers(0 if costs else 1, 6)) * grain
        at += draw(steps) * MILLISECOND
        closed: int | None = closes(position, side, qty)
        position += side * qty
        if history.holds and position * history.holds < 0:
            position = 0
        if not lossless and draw(st.integers(0, 9)) == 0:
            closed = None
        fill = draw(_fills(number, at, side, qty=unscaled(qty, scale)))
        fills.append(replace(fill, closed=None if closed is None else unscaled(closed, scale)))
    return replace(
        history,
        opening=unscaled(opening, scale),
        fills=tuple(fills),
        flows=draw(_flows(unvalued=costs)),
    )


@st.composite
def _fills(draw: st.DrawFn, number: int, at: datetime, side: int, *, qty: Decimal) -> Fill:
    (cause, bot), reason = draw(WHO), draw(REASONS)
    price = Decimal(draw(st.integers(0, 10**9))).scaleb(-4)
    return Fill(
        key=UUID(int=number + 1),
        order_key=UUID(int=10_000 + number // 2),
        at=at,
        tie=(number, f"order-{number // 2}", f"execution-{number}"),
        side=side,
        qty=qty,
        price=price,
        fee=None if draw(st.integers(0, 9)) == 0 else Decimal(draw(FEES)),
        closed=None,
        cause=cause,
        bot=bot,
        reason=reason,
        evidence="drawn",
        value=Decimal(draw(st.integers(1, 10**12))).scaleb(-9) if draw(st.booleans()) else None,
        owner_evidence=f"{cause.value} {bot}",
        tag_unread=draw(st.booleans()),
    )


@st.composite
def _flows(draw: st.DrawFn, *, unvalued: bool) -> tuple[Funding, ...]:
    amounts = st.one_of(AMOUNTS, st.none()) if unvalued else AMOUNTS
    return tuple(
        Funding(
            UUID(int=20_000 + number),
            STARTED + ms * MILLISECOND,
            None if amount is None else Decimal(amount),
        )
        for number, (ms, amount) in enumerate(
            draw(st.lists(st.tuples(st.integers(0, 40), amounts), max_size=6))
        )
    )


def any_histories(*, lossless: bool = False) -> st.SearchStrategy[History]:
    """All that can happen to a leg of any kind, stated openings included."""
    drawn = histories(
        openings=st.integers(-4, 4),
        steps=st.integers(0, 2),
        lossless=lossless,
        legs=LEGS,
        costs=True,
    )
    return drawn.flatmap(_with_openings)


@st.composite
def _with_openings(draw: st.DrawFn, history: History) -> History:
    """Some histories have openings stated: true ones, wrong ones, withdrawn ones."""
    if draw(st.integers(0, 2)):
        return history
    stated = draw(
        st.lists(
            st.tuples(
                st.integers(-1, 6),
                st.one_of(st.none(), st.integers(-5, 5)),
                st.one_of(st.none(), st.sampled_from(["0", "100", "27464.504"])),
                st.sampled_from(["unassigned", "alpha", "delta"]),
            ),
            min_size=1,
            max_size=5,
        )
    )
    openings = [
        OpeningBalance(
            history.name,
            STARTED + ms * MILLISECOND,
            None if qty is None else unscaled(qty * history.grain, history.scale),
            None if price is None else Decimal(price),
            owner,
        )
        for ms, qty, price, owner in stated
    ]
    return replace(history, known=replace(history.known, openings=openings))


def without_telling_ties(fills: Sequence[Fill], names: Sequence[int]) -> list[Fill]:
    """The same fills with sequence numbers and ids that say nothing about their order."""
    return [
        replace(fill, tie=(-1, f"order-{name}", f"execution-{name}"))
        for fill, name in zip(fills, names, strict=True)
    ]
