"""At which instant are ledger and venue compared? Fills that came later do not count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fillbook.accounting.reconciliation import Fill, OurLeg, Sight, judge_position
from fillbook.domain.instrument import LegName
from fillbook.domain.observed import HeldPosition

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SIGHT = Sight(NOW, NOW + SECOND)
NAME = LegName("linear", "BTCUSDT", "net")
# Three are held: two since long, and one that was bought by the fill of sequence 7.
LEG = OurLeg(
    NAME, Decimal(3), "pinned", NOW - timedelta(days=30), NOW + 20 * SECOND,
    (Fill(NOW, 7, Decimal(1)),),
)  # fmt: skip


def _shown(qty: str, seq: int | None) -> HeldPosition:
    return HeldPosition(
        "linear", "BTCUSDT", "net", Decimal(qty), None, None, None, None, None, None, None,
        None, None, seq,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("qty", "seq", "verdict"),
    [("2", 6, "agrees"), ("3", 7, "agrees"), ("3", 6, "differs"), ("2", 7, "differs")],
)
def test_the_sequence_says_which_fills_count(qty: str, seq: int, verdict: str) -> None:
    """Those up to the number that the venue shows, and no later one."""
    assert verdict == judge_position(LEG, _shown(qty, seq), SIGHT).verdict


@pytest.mark.parametrize(("qty", "verdict"), [("2", "agrees"), ("3", "differs")])
def test_without_a_sequence_the_time_says_it(qty: str, verdict: str) -> None:
    """A fill long after the answer is in no answer."""
    leg = replace(LEG, recent=(Fill(NOW + 10 * SECOND, None, Decimal(1)),))

    assert verdict == judge_position(leg, _shown(qty, None), SIGHT).verdict
