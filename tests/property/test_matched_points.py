"""Whatever is in flight while a venue is asked, what agrees is never called a difference."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.reconciliation import (
    DEFERRALS_MAX,
    NEAR,
    Fill,
    OurCoin,
    OurLeg,
    Sight,
    judge_balance,
    judge_position,
)
from fillbook.domain.instrument import LegName
from fillbook.domain.observed import Balance, HeldPosition

ASKED = datetime(2026, 3, 1, tzinfo=UTC)
NAME = LegName("linear", "BTCUSDT", "net")
SINCE = ASKED - timedelta(days=30)
BEFORE = Decimal(3)  # held when the moves begin

# When something happened, in milliseconds from the question; and by how much.
moves = st.lists(
    st.tuples(st.integers(-60_000, 60_000), st.sampled_from([-2, -1, 1, 2])), max_size=8
).map(sorted)


def _shown(qty: Decimal, seq: int | None) -> HeldPosition:
    return HeldPosition(
        "linear", "BTCUSDT", "net", qty, None, None, None, None, None, None, None, None, None, seq
    )


def _fills(told: list[tuple[int, int]]) -> tuple[Fill, ...]:
    return tuple(
        Fill(ASKED + timedelta(milliseconds=at), 100 + place, Decimal(qty))
        for place, (at, qty) in enumerate(told)
    )


def _leg(fills: tuple[Fill, ...], *, off: Decimal = Decimal(0)) -> OurLeg:
    held = sum((fill.signed for fill in fills), BEFORE) + off
    return OurLeg(NAME, held, "pinned", SINCE, ASKED + timedelta(hours=1), fills)


@given(moves, st.integers(0, 8), st.integers(0, 2_000))
def test_a_numbered_position_always_agrees(
    told: list[tuple[int, int]], included: int, took: int
) -> None:
    """Whichever fills the venue had included when it answered, its number says which."""
    fills = _fills(told)
    seen = fills[:included]
    shown = _shown(sum((fill.signed for fill in seen), BEFORE), 99 + len(seen))
    sight = Sight(ASKED, ASKED + timedelta(milliseconds=took))

    assert judge_position(_leg(fills), shown, sight).verdict == "agrees"


@given(moves, st.integers(0, 8), st.integers(0, 2_000), st.sampled_from([-1, 1, 5]))
def test_a_numbered_position_that_is_off_is_seen(
    told: list[tuple[int, int]], included: int, took: int, off: int
) -> None:
    """A fill that the ledger lacks shows, however busy the account is."""
    fills = _fills(told)
    seen = fills[:included]
    shown = _shown(sum((fill.signed for fill in seen), BEFORE) + off, 99 + len(seen))
    sight = Sight(ASKED, ASKED + timedelta(milliseconds=took))
    found = judge_position(_leg(fills), shown, sight)

    assert found.verdict == "differs"
    assert found.difference == off


@given(moves, st.integers(0, 2_000), st.integers(0, 5_000))
def test_a_position_without_a_number_is_never_called_off(
    told: list[tuple[int, int]], took: int, lag: int
) -> None:
    """What the venue showed is a state of the time around the question, or it is put off."""
    fills = _fills(told)
    at = ASKED + timedelta(milliseconds=took - lag)
    shown = _shown(sum((fill.signed for fill in fills if fill.at <= at), BEFORE), None)
    sight = Sight(ASKED, ASKED + timedelta(milliseconds=took))

    assert judge_position(_leg(fills), shown, sight).verdict in ("agrees", "deferred")


@given(st.sampled_from([-1, 1, 5]))
def test_a_quiet_position_without_a_number_that_is_off_is_seen(off: int) -> None:
    """Nothing was in flight, so there is nothing to wait for."""
    shown = _shown(BEFORE + off, None)
    found = judge_position(_leg(()), shown, Sight(ASKED, ASKED + timedelta(seconds=1)))

    assert found.verdict == "differs"
    assert found.difference == off


def test_putting_off_comes_to_an_end() -> None:
    """An account that trades every second is not put off for ever."""
    fills = _fills([(place * 1_000, 1) for place in range(-20, 20)])
    leg = _leg(fills)
    sight = Sight(ASKED, ASKED + timedelta(seconds=1))
    shown = _shown(Decimal(-50), None)
    tired = OurLeg(NAME, leg.qty, "pinned", SINCE, leg.read_until, fills, deferrals=DEFERRALS_MAX)

    assert judge_position(leg, shown, sight).verdict == "deferred"
    assert judge_position(tired, shown, sight).verdict == "differs"


@given(moves, st.integers(0, 2_000), st.integers(0, 5_000))
def test_a_wallet_is_never_called_off(told: list[tuple[int, int]], took: int, lag: int) -> None:
    """What the wallet showed is a balance of the time around the question, or it is put off."""
    sight = Sight(ASKED, ASKED + timedelta(milliseconds=took))
    balance, at_seen = Decimal(1000), ASKED + timedelta(milliseconds=took - lag)
    seen, ends, near = balance, balance, []
    for ms, change in told:
        at = ASKED + timedelta(milliseconds=ms)
        balance += change
        seen = balance if at <= at_seen else seen
        if at < sight.asked_at - NEAR:
            ends = balance
        elif at <= sight.answered_at + NEAR:
            near.append(balance)
    read_until = ASKED + timedelta(hours=1)
    coin = OurCoin("USDT", frozenset((ends,)), tuple(near), read_until=read_until)
    shown = Balance("UNIFIED", "USDT", seen, None, None, None)
    off = Balance("UNIFIED", "USDT", seen + 500, None, None, None)

    assert judge_balance(coin, shown, sight).verdict in ("agrees", "deferred")
    assert judge_balance(coin, off, sight).verdict == ("deferred" if near else "differs")
