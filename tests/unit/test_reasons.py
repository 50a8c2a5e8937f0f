"""The ladder of evidence: forced, tagged, created, stopped, unknown."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fillbook.accounting.as_fills import as_fill, as_funding
from fillbook.accounting.leg import Cause, Funding
from fillbook.accounting.reasons import Explained, explain
from fillbook.domain.execution import CashFlow
from fillbook.domain.raw import digest_key
from tests.unit.executions import EXECUTION

TAG = "alpha:take_profit:1700000000"

# execution type, client id, created by, stop type: bot, reason, evidence, cause
FORCED, MANUAL, STOP, TAGGED = Cause.FORCED, Cause.MANUAL, Cause.STOP, Cause.TAGGED
LADDER = [
    (("BustTrade", "", "CreateByLiq", ""), (None, "liquidation", "exec_type", FORCED)),
    (("AdlTrade", TAG, "", ""), ("alpha", "adl", "exec_type", FORCED)),
    (("Delivery", "", "", ""), (None, "expiry", "exec_type", MANUAL)),
    (("Trade", TAG, "CreateByStopLoss", ""), ("alpha", "take_profit", "client_tag", TAGGED)),
    (("Trade", "web-7", "CreateByStopLoss", ""), (None, "stop_loss", "create_type", STOP)),
    (("Trade", "", "CreateByLiq", ""), (None, "liquidation", "create_type", FORCED)),
    (("Trade", "", "CreateByClosing", ""), (None, "manual", "create_type", MANUAL)),
    (("Trade", "", "", "TrailingStop"), (None, "trailing_stop", "stop_order_type", STOP)),
    (("Trade", "", "CreateByUser", ""), (None, "unknown", "none", MANUAL)),
    (("Trade", "unassigned:exit:1700000000", "", ""), (None, "unknown", "none", MANUAL)),
]


@pytest.mark.parametrize(("said", "expected"), LADDER)
def test_the_first_rung_that_speaks_decides(
    said: tuple[str, str, str, str], expected: tuple[str | None, str, str, Cause]
) -> None:
    """Who and why, and the rung that says so."""
    exec_type, client_order_id, create_type, stop_type = said
    execution = replace(
        EXECUTION,
        exec_type=exec_type,
        client_order_id=client_order_id,
        create_type=create_type,
        stop_type=stop_type,
    )

    assert Explained(*expected) == explain(execution)


def test_an_execution_without_an_order_is_its_own_order() -> None:
    """Two of them do not share an order."""
    alone = [as_fill(replace(EXECUTION, order_id="", execution_id=name)).order_key for name in "ab"]

    assert len(set(alone)) == 2
    assert as_fill(EXECUTION).order_key == digest_key("order", "linear", "BTCUSDT", "order-1")


def test_fills_carry_what_the_kernel_needs() -> None:
    """Sides are signs, a missing sequence sorts first, a fee in another coin is unknown."""
    sold = replace(EXECUTION, side="Sell", venue_seq=None, fee_currency="BNB")

    assert (1, (7, "order-1", "execution-1"), Decimal("0.1")) == (
        as_fill(EXECUTION).side,
        as_fill(EXECUTION).tie,
        as_fill(EXECUTION).fee,
    )
    assert (-1, -1, None) == (as_fill(sold).side, as_fill(sold).tie[0], as_fill(sold).fee)
    assert as_fill(replace(sold, fee=Decimal(0))).fee == 0


def test_a_cash_flow_becomes_funding() -> None:
    """Key, instant and amount."""
    flow = CashFlow(
        cash_key=digest_key("a payment"),
        occurred_at=EXECUTION.executed_at,
        kind="funding",
        category="linear",
        symbol="BTCUSDT",
        leg="net",
        flow_id="payment-1",
        amount=Decimal("-0.5"),
        currency="USDT",
        position_qty=None,
        price=None,
    )

    assert Funding(flow.cash_key, flow.occurred_at, flow.amount) == as_funding(flow)
