"""The kernel and rp2, which shares no code with it, find the same gains on spot histories.

What is compared, and where the two differ, is told in docs/explanation/agreement.md.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from fillbook.accounting.as_fills import as_fill
from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import Match, StretchState
from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT
from fillbook.domain.statement import OpeningBalance, Terms
from tests.tidy.source import ROOT
from tests.unit.executions import EXECUTION

Trade = tuple[str, int, str, str, str]  # at, side, quantity, price, fee
Gain = tuple[int, int, Decimal, Decimal]  # places of buy and sale, quantity, gain
Asked = tuple[bool, list[Trade]]  # sales by what arrived, or by price and fee

STARTED = datetime(2024, 1, 1, tzinfo=UTC)
SEEDS = range(6)
TRADES = 250
PROGRAM_SECONDS_MAX = 100
# A share of a fee is the difference of two figures rounded at 18 decimals, and a match bears two.
ROUNDING = Decimal("2E-18")
SPOT = LegName("spot", "BTCUSDT", "net")


def drawn(seed: int, *, fees: bool) -> list[Trade]:
    """Buys in small lots, and sales of parts of one lot or of many, never more than is held."""
    random, held, price = Random(seed), 0, 4_000_000
    trades: list[Trade] = []
    for number in range(TRADES):
        price += random.randint(-9_000, 9_100)
        sells = held > 0 and random.random() < 0.4
        units = random.randint(1, min(held, 9_000_000)) if sells else random.randint(1, 2_000_000)
        held += -units if sells else units
        qty, each = Decimal(units).scaleb(-5), Decimal(price).scaleb(-2)
        fee = (qty * each * Decimal("0.00055")).quantize(Decimal("1E-8")) if fees else Decimal(0)
        at = STARTED + timedelta(hours=7 * number, milliseconds=number)
        trades.append((at.isoformat(), -1 if sells else 1, f"{qty:f}", f"{each:f}", f"{fee:f}"))
    return trades


@pytest.fixture(scope="module")
def by_rp2(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Sequence[Asked]], list[list[Gain]]]:
    """rp2 in a process and a folder of its own."""

    def ask(asked: Sequence[Asked]) -> list[list[Gain]]:
        program = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "agreement" / "rp2_gains.py")],
            input=json.dumps(asked), capture_output=True, text=True, check=True,
            cwd=tmp_path_factory.mktemp("rp2"), timeout=PROGRAM_SECONDS_MAX,
        )  # fmt: skip
        return [
            [(buy, sell, Decimal(qty), Decimal(gain)) for buy, sell, qty, gain in gains]
            for gains in json.loads(program.stdout)
        ]

    return ask


def by_kernel(trades: Sequence[Trade]) -> list[Match]:
    """The whole way a fill takes in Fillbook: reading, fill, lines, matches."""
    terms = Terms("spot", "BTCUSDT", "spot", "BTC")
    known = Known(terms, openings=[OpeningBalance(SPOT, STARTED - timedelta(1), Decimal(0))])
    executions = [
        replace(
            EXECUTION,
            execution_key=UUID(int=place),
            executed_at=datetime.fromisoformat(at),
            category="spot",
            execution_id=f"execution-{place}",
            order_id=f"order-{place}",
            side="Buy" if side > 0 else "Sell",
            price=Decimal(price),
            qty=Decimal(qty),
            closed_qty=None,
            fee=Decimal(fee),
        )
        for place, (at, side, qty, price, fee) in enumerate(trades)
    ]
    fills = [as_fill(execution, known) for execution in executions]
    laid = lay(StretchState(SPOT, STARTED - timedelta(1)), fills, (), known)
    return [match for book in laid.books for match in book.matches]


def gains(matches: Sequence[Match], *, exit_fees: bool = True) -> list[Gain]:
    """Net gains of the matches, in rp2's form."""
    found = []
    for match in matches:
        assert match.entry.key is not None
        assert match.exit.key is not None
        assert match.gross is not None
        assert match.entry_fee is not None
        assert match.exit_fee is not None
        net = EXACT.subtract(match.gross, match.entry_fee)
        if exit_fees:
            net = EXACT.subtract(net, match.exit_fee)
        qty = EXACT.subtract(match.end, match.start)
        found.append((match.entry.key.int, match.exit.key.int, qty, net))
    return found


def differences(ours: Sequence[Gain], theirs: Sequence[Gain]) -> list[Decimal]:
    """Gain by gain, once the same parts of the same lots are found sold in the same sales."""
    assert [gain[:3] for gain in ours] == [gain[:3] for gain in theirs]
    return [abs(EXACT.subtract(our[3], their[3])) for our, their in zip(ours, theirs, strict=True)]


def test_gains_without_fees_are_equal(
    by_rp2: Callable[[Sequence[Asked]], list[list[Gain]]],
) -> None:
    """Every part of every lot is sold where rp2 sells it, at exactly rp2's gain."""
    histories = [drawn(seed, fees=False) for seed in SEEDS]

    theirs = by_rp2([(True, trades) for trades in histories])

    assert theirs == [gains(by_kernel(trades)) for trades in histories]
    assert all(len(found) > TRADES // 2 for found in theirs)


def test_gains_with_fees_agree_to_the_last_decimal_of_a_share(
    by_rp2: Callable[[Sequence[Asked]], list[list[Gain]]],
) -> None:
    """The net of a match is rp2's gain: the buy's fee is cost, the sale's is taken off proceeds."""
    histories = [drawn(seed, fees=True) for seed in SEEDS]

    for trades, theirs in zip(
        histories, by_rp2([(True, trades) for trades in histories]), strict=True
    ):
        found = differences(gains(by_kernel(trades)), theirs)
        assert max(found) <= ROUNDING


def test_a_fee_told_as_a_fee_is_not_in_its_gain(
    by_rp2: Callable[[Sequence[Asked]], list[list[Gain]]],
) -> None:
    """A sale's fee that is told as a fee stays out of rp2's gain; all else is the same."""
    trades = drawn(7, fees=True)

    theirs = by_rp2([(False, trades)])[0]

    matches = by_kernel(trades)
    assert max(differences(gains(matches, exit_fees=False), theirs)) <= ROUNDING
    assert max(differences(gains(matches), theirs)) > 1
