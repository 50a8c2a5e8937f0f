"""From readings to fills and funding: every amount in the leg's currency, exactly or not at all."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from fillbook.accounting.as_fills import as_fill, as_funding, order_key_of
from fillbook.accounting.known import Known
from fillbook.accounting.leg import Cause, Fill, Funding
from fillbook.domain.execution import CashFlow
from fillbook.domain.raw import digest_key
from fillbook.domain.statement import Price, Terms
from tests.unit.executions import EXECUTION

LINEAR = Known(Terms("linear", "BTCUSDT", base="BTC"))
SPOT = Known(Terms("spot", "BTCUSDT", kind="spot", base="BTC"))
INVERSE = Known(Terms("inverse", "BTCUSD", kind="inverse", base="BTC"))
PRICED = [
    Price(
        "MNT",
        "USDT",
        EXECUTION.executed_at,
        EXECUTION.executed_at + timedelta(hours=1),
        Decimal("0.5"),
    )
]
FLOW = CashFlow(
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


def test_a_fill_carries_what_the_kernel_needs() -> None:
    """Each field of it, from the execution or from what explains it."""
    execution = replace(EXECUTION, client_order_id="alpha:entry:1700000000")

    assert as_fill(execution, LINEAR) == Fill(
        key=EXECUTION.execution_key,
        order_key=digest_key("order", "linear", "BTCUSDT", "order-1"),
        at=EXECUTION.executed_at,
        tie=(7, "order-1", "execution-1"),
        side=1,
        qty=Decimal(2),
        price=Decimal(100),
        fee=Decimal("0.1"),
        closed=Decimal(0),
        cause=Cause.TAGGED,
        bot="alpha",
        reason="entry",
        evidence="client_tag",
        value=None,
        owner_evidence="client_tag",
        tag_unread=False,
    )


def test_a_sale_is_negative_and_a_missing_sequence_comes_first() -> None:
    """And an id that nobody reads is marked."""
    sold = replace(EXECUTION, side="Sell", venue_seq=None, client_order_id="web-7")
    fill = as_fill(sold, LINEAR)

    assert (-1, -1, True) == (fill.side, fill.tie[0], fill.tag_unread)


def test_an_execution_without_an_order_is_its_own_order() -> None:
    """Two of them do not share an order."""
    alone = [replace(EXECUTION, order_id="", execution_id=name) for name in "ab"]

    assert len({as_fill(one, LINEAR).order_key for one in alone}) == 2
    assert as_fill(alone[0], LINEAR).order_key == order_key_of(alone[0])


def test_only_inverse_fills_carry_the_printed_value() -> None:
    """Elsewhere the value is price times quantity; where none is printed there is none."""

    assert as_fill(EXECUTION, INVERSE).value == Decimal(200)
    assert as_fill(replace(EXECUTION, value=None), INVERSE).value is None
    assert as_fill(EXECUTION, LINEAR).value is None
    assert as_fill(EXECUTION, SPOT).value is None


FEES = {
    ("0.1", "USDT"): "0.1",
    ("-0.1", "USDT"): "-0.1",
    ("3", "MNT"): "1.5",
    ("-3", "MNT"): "-1.5",
    ("3", "BNB"): None,
    ("0.001", "BTC"): None,
    ("0", "BNB"): "0",
    (None, "USDT"): None,
    (None, "MNT"): None,
}


@pytest.mark.parametrize(("fee", "coin"), FEES)
def test_a_fee_is_in_the_legs_currency_or_unknown(fee: str | None, coin: str) -> None:
    """Valued at a stated price; nothing of any coin is nothing; the quantity stays."""
    printed, expected = (None if text is None else Decimal(text) for text in (fee, FEES[fee, coin]))
    known = replace(LINEAR, prices=PRICED)

    fill = as_fill(replace(EXECUTION, fee=printed, fee_currency=coin), known)
    assert (expected, Decimal(2)) == (fill.fee, fill.qty)


def test_a_price_counts_at_the_fills_own_instant() -> None:
    """A minute before it was stated to hold, the fee is unknown."""
    early = replace(
        EXECUTION, fee_currency="MNT", executed_at=EXECUTION.executed_at - timedelta(minutes=1)
    )

    assert as_fill(early, replace(LINEAR, prices=PRICED)).fee is None


# side, quantity, price, fee, its coin: quantity and fee of the fill
SPOT_FEES = [
    (("Buy", "0.001", "2000", "0.000001", "BTC"), ("0.000999", "0.002")),
    (("Sell", "1", "100", "0.001", "BTC"), ("1.001", "0.1")),
    (("Buy", "1", "100", "-0.001", "BTC"), ("1.001", "-0.1")),
    (("Sell", "1", "100", "-0.001", "BTC"), ("0.999", "-0.1")),
    (("Buy", "1", "0.000000000012", "0.0000000000000000007", "BTC"),
     ("0.9999999999999999993", "0.0000000000000000000000000000084")),
    (("Buy", "1", "100", "0.1", "USDT"), ("1", "0.1")),
    (("Buy", "1", "100", "2", "MNT"), ("1", "1.0")),
    (("Buy", "1", "100", "2", "BNB"), ("1", None)),
    (("Buy", "1", "100", "0", "BTC"), ("1", "0")),
    (("Buy", "1", "100", None, "BTC"), ("1", None)),
    (("Buy", "1", "100", "1", "BTC"), ("1", None)),
    (("Buy", "1", "100", "2", "BTC"), ("1", None)),
    (("Sell", "1", "100", "-1", "BTC"), ("1", None)),
    (("Buy", "0", "100", "0.1", "BTC"), ("0", None)),
]  # fmt: skip


@pytest.mark.parametrize(("printed", "expected"), SPOT_FEES)
def test_a_spot_fee_in_the_traded_coin_changes_what_arrives(
    printed: tuple[str, str, str, str | None, str], expected: tuple[str, str | None]
) -> None:
    """Less comes in or more goes out, a rebate turns that round; it is worth the fill's price."""
    side, qty, price, fee, coin = printed
    execution = replace(
        EXECUTION,
        side="Buy" if side == "Buy" else "Sell",
        qty=Decimal(qty),
        price=Decimal(price),
        fee=None if fee is None else Decimal(fee),
        fee_currency=coin,
    )

    fill = as_fill(execution, replace(SPOT, prices=PRICED))
    wanted = None if expected[1] is None else Decimal(expected[1])
    assert (Decimal(expected[0]), wanted) == (fill.qty, fill.fee)


def test_a_spot_purchase_costs_what_was_paid() -> None:
    """Net quantity times price and the fee add up to what left the account."""
    execution = replace(EXECUTION, fee=Decimal("0.003"), fee_currency="BTC")
    fill = as_fill(execution, SPOT)

    assert fill.fee is not None
    assert fill.qty * fill.price + fill.fee == execution.qty * execution.price


@pytest.mark.parametrize(
    ("amount", "coin", "expected"),
    [
        ("-0.5", "USDT", "-0.5"),
        ("-0.5", "MNT", "-0.25"),
        ("-0.5", "BNB", None),
        ("0", "BNB", "0"),
    ],
)
def test_a_cash_flow_becomes_funding(amount: str, coin: str, expected: str | None) -> None:
    """Key, instant and amount, in the leg's currency or unknown."""
    flow = replace(FLOW, amount=Decimal(amount), currency=coin)
    worth = None if expected is None else Decimal(expected)

    assert Funding(flow.cash_key, flow.occurred_at, worth) == as_funding(
        flow, replace(LINEAR, prices=PRICED), "USDT"
    )
