"""Shares add up, and amounts go through text and integers without losing a digit."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.allocation import share, shares_of
from fillbook.domain.money import amount, decimals, plain, required, scaled, text, unscaled

TOTALS = st.builds(
    lambda whole, scale: Decimal(whole).scaleb(-scale),
    st.integers(-(10**27), 10**27),
    st.integers(0, 24),
)
WIDE = st.tuples(st.integers(-(10**76) + 1, 10**76 - 1), st.integers(0, 60))


@given(TOTALS, st.lists(st.integers(1, 10**20), min_size=1, max_size=20))
def test_shares_telescope(total: Decimal, sizes: list[int]) -> None:
    """However a total is cut, negative ones too, the shares sum to it, to the last digit."""
    whole, start, shares = sum(sizes), 0, Fraction(0)
    for size in sizes:
        part = share(total, start, start + size, whole)
        exact = Fraction(total) * size / whole
        assert abs(Fraction(part) - exact) <= Fraction(1, 10**18)
        shares += Fraction(part)
        start += size

    assert Fraction(total) == shares


@given(TOTALS, st.lists(st.integers(-(10**9), 10**9), min_size=1).filter(sum))
def test_signed_shares_add_up(total: Decimal, weights: list[int]) -> None:
    """Owners on both sides: parts may exceed the total, and still sum to it."""
    parts = shares_of(total, weights)

    assert Fraction(total) == sum(map(Fraction, parts))
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(total) * weight / sum(weights)
        assert abs(Fraction(part) - exact) <= Fraction(1, 10**18)


@given(WIDE)
def test_integers_and_back(value: tuple[int, int]) -> None:
    """A Decimal of an integer is the integer again, shortest in digits, without exponent."""
    whole, scale = value
    decimal = unscaled(whole, scale)

    assert whole == scaled(decimal, scale)
    assert Fraction(whole, 10**scale) == Fraction(decimal)
    assert str(plain(decimal)) == str(decimal) or decimals(decimal) > 6
    assert decimals(decimal) == decimals(plain(decimal)) <= scale


@given(WIDE)
def test_text_and_back(value: tuple[int, int]) -> None:
    """Canonical text reads back as the same amount and the same text."""
    printed = text(unscaled(*value))

    assert unscaled(*value) == required(printed, "amount")
    assert printed == text(required(printed, "amount"))
    assert "e" not in printed.lower()


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_refused(hostile: str) -> None:
    """No text raises anything but ValueError, and what is read is finite."""
    try:
        value = amount(hostile)
    except ValueError:
        return
    assert value is None or value.is_finite()
