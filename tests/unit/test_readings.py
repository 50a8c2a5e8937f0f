"""Readings, keys, windows: what changed, what is the same, what lies where."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from fillbook.domain.account import Account, KeyFacts
from fillbook.domain.execution import CashFlow, Execution, revision_reason
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


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (EXECUTION, replace(EXECUTION), None),
        (EXECUTION, replace(EXECUTION, price=Decimal("100.0")), None),
        (POOR, EXECUTION, "completion"),
        (GUESSED, EXECUTION, "completion"),
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


def test_windows_have_a_length_and_a_middle() -> None:
    """Two halves share a bound and are the whole."""
    window = Window(EPOCH, EPOCH + timedelta(days=2))
    first, second = window.halves()

    assert window.length == timedelta(days=2)
    assert (EPOCH, first.ends_at, window.ends_at) == (
        first.starts_at,
        second.starts_at,
        second.ends_at,
    )
    assert str(window) == "1970-01-01 00:00 to 1970-01-03 00:00 UTC"


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
