"""Judging one subject at a time: what agrees, what differs, what cannot be compared, and why."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fillbook.accounting.flat_to_flat import Counted, LegFill, LegHistory, judge_trips
from fillbook.accounting.reconciliation import (
    Evidence,
    OrderSums,
    OurCoin,
    OurLeg,
    Sight,
    Told,
    judge_balance,
    judge_order,
    judge_position,
    likely_cause,
)
from fillbook.domain.breaks import Finding, Subject
from fillbook.domain.instrument import LegName
from fillbook.domain.observed import Balance, HeldPosition
from fillbook.domain.window import Window

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SINCE = NOW - 30 * DAY
SIGHT = Sight(NOW, NOW + timedelta(seconds=1))
READ = NOW + timedelta(seconds=2)
NAME = LegName("linear", "BTCUSDT", "net")


def _shown(qty: str, *, opened_at: datetime | None = None, seq: int | None = 1) -> HeldPosition:
    return HeldPosition(
        "linear", "BTCUSDT", "net", Decimal(qty), None, None, None, None, None, None, None,
        opened_at, None, seq,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("leg", "shown", "verdict", "cause"),
    [
        (OurLeg(NAME, Decimal(2), "pinned", SINCE, READ), _shown("2"), "agrees", None),
        (OurLeg(NAME, Decimal(0), "pinned", SINCE, READ), None, "agrees", None),
        (OurLeg(NAME, Decimal(2), "pinned", SINCE, READ), None, "differs", None),
        (
            OurLeg(NAME, Decimal(2), "assumed_flat", SINCE, READ), _shown("3"), "differs",
            "missing_history",
        ),
        (
            OurLeg(NAME, Decimal(2), "assumed_flat", SINCE, READ),
            _shown("3", opened_at=SINCE - DAY), "not_compared", "missing_history",
        ),
        (
            OurLeg(NAME, None, "unknown", SINCE, READ), _shown("3"), "not_compared",
            "missing_history",
        ),
        (OurLeg(NAME, None, "", SINCE, READ), _shown("3"), "not_compared", "missing_history"),
        (OurLeg(NAME, None, "", SINCE, READ), _shown("3", opened_at=NOW - DAY), "differs", None),
        (
            OurLeg(NAME, None, "", SINCE, READ), _shown("3", opened_at=SINCE - DAY),
            "not_compared", "missing_history",
        ),
        (OurLeg(NAME, None, "", None, None), _shown("3"), "not_compared", "missing_history"),
        (OurLeg(NAME, Decimal(2), "pinned", SINCE, NOW), _shown("3"), "deferred", None),
    ],
)  # fmt: skip
def test_a_position(
    leg: OurLeg, shown: HeldPosition | None, verdict: str, cause: str | None
) -> None:
    """What is not known differs from nothing; what the venue leaves out is flat."""
    found = judge_position(leg, shown, SIGHT)

    assert (verdict, cause) == (found.verdict, found.cause)


@pytest.mark.parametrize(
    ("coin", "balance", "borrowed", "verdict"),
    [
        (OurCoin("USDT", frozenset((Decimal(5),)), read_until=READ), "5", None, "agrees"),
        (OurCoin("USDT", frozenset((Decimal(5),)), read_until=READ), "5.00000001", None, "agrees"),
        (OurCoin("USDT", frozenset((Decimal(5),)), read_until=READ), "6", None, "differs"),
        (OurCoin("USDT", frozenset((Decimal(-5),)), read_until=READ), "0", "5", "agrees"),
        (OurCoin("USDT", frozenset((Decimal(5),)), read_until=READ), "5", "5", "agrees"),
        (OurCoin("USDT", frozenset()), "6", None, "not_compared"),
        (
            OurCoin("USDT", frozenset((Decimal(5),)), is_whole=False, read_until=READ), "6", None,
            "not_compared",
        ),
        (OurCoin("USDT", frozenset((Decimal(5),)), read_until=NOW), "6", None, "deferred"),
        (
            OurCoin("USDT", frozenset((Decimal(5),)), later=True, read_until=READ), "6", None,
            "deferred",
        ),
    ],
)  # fmt: skip
def test_a_balance(coin: OurCoin, balance: str, borrowed: str | None, verdict: str) -> None:
    """The log's last balance is the wallet's, with or without what was borrowed."""
    shown = Balance(
        "UNIFIED", "USDT", Decimal(balance), Decimal(borrowed) if borrowed else None, None, None
    )

    assert verdict == judge_balance(coin, shown, SIGHT).verdict


@pytest.mark.parametrize(
    ("theirs", "tolerance", "made", "last_at", "verdict", "cause"),
    [
        ("10", "0", "inside", NOW - DAY, "agrees", None),
        ("10.00000002", "0.00000002", "inside", NOW - DAY, "agrees", None),
        ("10.00000004", "0.00000002", "inside", NOW - DAY, "differs", "rounding"),
        ("11", "0.00000002", "inside", NOW - DAY, "differs", None),
        ("11", "0", "before", NOW - DAY, "not_compared", "missing_history"),
        ("11", "0", "inside", NOW - timedelta(minutes=5), "deferred", None),
    ],
)
def test_an_order(
    theirs: str, tolerance: str, made: str, last_at: datetime, verdict: str, cause: str | None
) -> None:
    """Exact but for what is rounded; not while it may go on, nor where its start is not read."""
    told = Told("exit_value", Decimal(10), Decimal(theirs), Decimal(tolerance))
    order = OrderSums(
        "linear", "BTCUSDT", "1", "USDT", (told,), last_at, last_at, made == "inside", NOW
    )
    (found,) = judge_order(order, way="closed_pnl")

    assert (verdict, cause) == (found.verdict, found.cause)


def _fill(hours: int, order: str, signed: str, cash: str, fee: str | None = "0.1") -> LegFill:
    at = SINCE + timedelta(hours=hours)
    return LegFill(at, order, Decimal(signed), Decimal(cash), Decimal(fee) if fee else None)


def _count(hours: int, order: str, pnl: str, fees: str | None = "0.2") -> Counted:
    at = SINCE + timedelta(hours=hours)
    return Counted(at, order, Decimal(pnl), Decimal(fees) if fees else None)


ROUND = (_fill(1, "a", "1", "-10"), _fill(2, "b", "1", "-20"), _fill(3, "c", "-2", "40"))
STRADDLING = (
    _fill(1, "a", "1", "-10"), _fill(2, "c", "-1", "15"), _fill(3, "b", "1", "-20"),
    _fill(4, "c", "-1", "25"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("held", "fills", "counted", "verdict"),
    [
        ("0", ROUND, (_count(3, "c", "9.7"),), "agrees"),
        ("0", ROUND, (_count(3, "c", "9.2"),), "differs"),
        ("0", ROUND, (_count(3, "c", "9.70000020"),), "differs"),
        ("0", ROUND, (), "differs"),
        ("0", ROUND, (_count(3, "c", "9.7"), _count(2, "unknown", "1")), "differs"),
        ("0", STRADDLING, (_count(4, "c", "9.6"),), "agrees"),
        ("1", (*ROUND, _fill(4, "d", "1", "-7")), (_count(3, "c", "9.7"),), "agrees"),
        ("2", ROUND[:2], (), None),
        (
            "0", (*ROUND[:2], _fill(3, "c", "-2", "40", None)), (_count(3, "c", "9.8", "0.2"),),
            "agrees",
        ),
        (
            "0", (*ROUND[:2], _fill(3, "c", "-2", "40", None)), (_count(3, "c", "9.8", None),),
            "not_compared",
        ),
    ],
)  # fmt: skip
def test_from_flat_to_flat(
    held: str, fills: tuple[LegFill, ...], counted: tuple[Counted, ...], verdict: str | None
) -> None:
    """Sums between instants at which nothing is held and no order is half done."""
    history = LegHistory(NAME, "USDT", "linear", Decimal(held), fills, counted)
    found = judge_trips(history, until=NOW)

    assert verdict == (found.verdict if found else None)


@pytest.mark.parametrize(
    ("hours", "verdict", "begins"),
    [
        ((1, 3), "agrees", 1),  # the same sum once more
        ((4, 5), "agrees", 4),  # what is older is left out
        ((2, 5), "agrees", 1),  # from the flat instant before
        ((0, 3), "not_compared", 1),  # it began before anything that can be summed up
        ((4, 6), "not_compared", 4),  # it goes on after it
    ],
)
def test_what_differed_is_summed_up_again(
    hours: tuple[int, int], verdict: str, begins: int
) -> None:
    """Sums agree again only where they hold all that differed."""
    fills = (*ROUND, _fill(4, "d", "1", "-7"), _fill(5, "e", "-1", "9"))
    counted = (_count(3, "c", "9.7"), _count(5, "e", "1.8"))
    history = LegHistory(NAME, "USDT", "linear", Decimal(0), fills, counted)
    start, end = (SINCE + timedelta(hours=hour) for hour in hours)
    found = judge_trips(history, until=NOW, differed=Window(start, end))

    assert found is not None
    assert found.verdict == verdict
    if found.around is not None:
        assert found.around.starts_at == SINCE + timedelta(hours=begins)


def test_a_sessions_payment_may_count_or_not() -> None:
    """Whether a close counts what sessions have paid is not documented: either will do."""
    paid = Counted(SINCE + timedelta(hours=2), "", Decimal(4), None, is_session=True)
    for counted in ((_count(3, "c", "9.7"), paid), (_count(3, "c", "5.7"), paid)):
        history = LegHistory(NAME, "USDT", "linear", Decimal(0), ROUND, counted)
        found = judge_trips(history, until=NOW)
        assert found is not None
        assert found.verdict == "agrees"


@pytest.mark.parametrize(
    ("age", "cause", "evidence", "expected"),
    [
        (timedelta(hours=1), None, {}, "late_data"),
        (3 * DAY, None, {}, "in_doubt"),
        (3 * DAY, None, {"read_twice": True}, "venue_hole"),
        (3 * DAY, "rounding", {"read_twice": True}, "rounding"),
        (timedelta(hours=1), "missing_history", {}, "missing_history"),
        (3 * DAY, "unknown_record_type", {"read_twice": True}, "unknown_record_type"),
    ],
)
def test_a_cause(
    age: timedelta, cause: str | None, evidence: dict[str, bool], expected: str
) -> None:
    """What the comparison shows counts first; then what may still come; then the readings."""
    around = Window(NOW - age - timedelta(seconds=1), NOW - age)
    finding = Finding(
        Subject(way="position", measure="quantity"), "differs", Decimal(1), Decimal(2), "",
        cause, around,  # type: ignore[arg-type]
    )  # fmt: skip

    assert expected == likely_cause(finding, Evidence(NOW, 2 * DAY, **evidence))
