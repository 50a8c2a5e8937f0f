"""Readings, keys, windows: what changed, what is the same, what lies where."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from fillbook.domain.account import Account, KeyFacts
from fillbook.domain.execution import CashFlow, Execution, completed, revision_reason
from fillbook.domain.raw import content_key, digest_key
from fillbook.domain.window import (
    EPOCH,
    Window,
    from_microseconds,
    from_milliseconds,
    microseconds,
    milliseconds,
)
from tests.unit.executions import EXECUTION

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
POOR = replace(EXECUTION, fee=None, fee_currency="", mark_price=None, client_order_id="")
GUESSED = replace(EXECUTION, fee=Decimal("0.2"), fee_inferred=True)


def test_a_poorer_telling_takes_nothing() -> None:
    """What a later reading leaves empty stays as it was; what it says otherwise is what counts."""
    dearer = replace(POOR, price=Decimal(102))

    assert completed(EXECUTION, POOR) == EXECUTION
    assert completed(EXECUTION, dearer) == replace(EXECUTION, price=Decimal(102))
    assert completed(POOR, EXECUTION) == EXECUTION
    assert (
        completed(EXECUTION, replace(EXECUTION, fee_currency="BTC", fee_inferred=True)) == EXECUTION
    )
    assert completed(FLOW, EXECUTION) == EXECUTION


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (EXECUTION, replace(EXECUTION), None),
        (EXECUTION, replace(EXECUTION, price=Decimal("100.0")), None),
        (POOR, EXECUTION, "completion"),
        (replace(GUESSED, fee=EXECUTION.fee), EXECUTION, "completion"),
        (GUESSED, EXECUTION, "revision"),  # only its coin was a guess
        (EXECUTION, replace(EXECUTION, mark_price=Decimal(99)), "completion"),
        (EXECUTION, POOR, "revision"),
        (EXECUTION, replace(EXECUTION, qty=Decimal(3)), "revision"),
        (EXECUTION, replace(EXECUTION, side="Sell"), "revision"),
        (EXECUTION, replace(EXECUTION, closed_qty=Decimal(1)), "revision"),
        (GUESSED, replace(EXECUTION, price=Decimal(101)), "revision"),
        (FLOW, replace(FLOW, position_qty=Decimal(1)), "completion"),
        (FLOW, replace(FLOW, amount=Decimal(1)), "revision"),
        (FLOW, EXECUTION, "revision"),
    ],
)
def test_why_a_reading_changed(
    before: Execution | CashFlow, after: Execution | CashFlow, expected: str | None
) -> None:
    """What was empty or inferred and arrives completes; another story revises."""

    assert expected == revision_reason(before, after)


def test_keys_of_different_words_differ() -> None:
    """No separator, and no half of a surrogate pair, makes two tuples one."""
    words = [("a", "b"), ("ab",), ("a\x1fb",), ("", "ab"), ("1:a", "b"), ("\ud800",), ()]

    assert len(words) == len({digest_key(*each) for each in words})
    assert digest_key("a", "b") == digest_key("a", "b")
    assert content_key(b"{}").bytes == sha256(b"{}").digest()[:16]


def test_facts_are_frozen() -> None:
    """What an account is does not change under anybody's hands."""
    account = Account(1, "main", "bybit", "live", "4711")
    key = KeyFacts(
        "4711", can_trade=False, can_withdraw=False, expires_in_days=None, bound_to_addresses=True
    )

    assert account.venue_user_id == key.venue_user_id
    for fact, field in (
        (account, "name"),
        (key, "can_trade"),
        (EXECUTION, "qty"),
        (FLOW, "amount"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(fact, field, None)


def test_what_is_no_window() -> None:
    """Bounds need a time zone, and something between them."""
    with pytest.raises(ValueError, match="empty window"):
        Window(EPOCH, EPOCH)
    with pytest.raises(ValueError, match="time zone"):
        Window(EPOCH.replace(tzinfo=None), EPOCH)
    with pytest.raises(ValueError, match="time zone"):
        Window(EPOCH, EPOCH.replace(tzinfo=None))


def test_instants_are_integers_and_back() -> None:
    """Microseconds are exact, milliseconds round down, before the epoch too."""
    at = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)

    assert at == from_microseconds(microseconds(at))
    assert at - timedelta(microseconds=456) == from_milliseconds(milliseconds(at))
    assert milliseconds(EPOCH - timedelta(microseconds=1)) == -1
