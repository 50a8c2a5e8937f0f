"""Amounts are read exactly or refused."""

from decimal import Decimal, Inexact

import pytest

from fillbook.domain.money import (
    DIGITS_MAX,
    EXACT,
    TEXT_LENGTH_MAX,
    amount,
    decimals,
    plain,
    required,
    scaled,
    text,
    unscaled,
)

CANONICAL = {
    "0": "0",
    "-0": "0",
    "-0.000": "0",
    "0E+20": "0",
    "1.500": "1.5",
    "+7": "7",
    ".5": "0.5",
    "5.": "5",
    "1e-7": "0.0000001",
    "1E+3": "1000",
    "-100": "-100",
    "9" * DIGITS_MAX: "9" * DIGITS_MAX,
}

REFUSED = [
    "NaN", "sNaN", "Infinity", "-inf", "-", ".", "e5", "1e", "1_000", " 1", "1\n", "1,5", "0x10",
    "１", "١", "1e61", "1e-61", "1e99999", "1e999999999999999999999", "9" * (DIGITS_MAX + 1),
    "0" * (TEXT_LENGTH_MAX + 1), "null", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("printed", CANONICAL)
def test_amounts_have_one_text(printed: str) -> None:
    """What a venue prints, in canonical text."""

    assert CANONICAL[printed] == text(required(printed, "amount"))


@pytest.mark.parametrize("printed", REFUSED, ids=ascii)
def test_what_is_no_amount(printed: str) -> None:
    """Anything else than a plain finite number within bounds is a ValueError."""
    with pytest.raises(ValueError, match=r"not a number|out of range"):
        amount(printed)


def test_nothing_is_no_amount() -> None:
    """Empty and absent are None, unless the amount is required."""

    assert amount("") is None
    assert amount(None) is None
    with pytest.raises(ValueError, match="price is missing"):
        required("", "price")


def test_scaling_is_exact() -> None:
    """A value that does not fit the scale is an error, not a rounding."""

    assert scaled(Decimal("1.25"), 2) == 125
    assert scaled(Decimal("1E+3"), 2) == 100_000
    with pytest.raises(ValueError, match="does not fit"):
        scaled(Decimal("1.255"), 2)


def test_integers_become_short_decimals() -> None:
    """No trailing zeros, no exponent, no negative zero."""

    assert [str(unscaled(whole, 3)) for whole in (1500, -1000, 0, 1, 10**6)] == [
        "1.5", "-1", "0", "0.001", "1000",
    ]  # fmt: skip
    assert [str(plain(Decimal(raw))) for raw in ("1E+3", "-0.0", "0.10")] == ["1000", "0", "0.1"]
    assert [decimals(Decimal(raw)) for raw in ("1E+3", "0.10", "7")] == [0, 2, 0]


def test_widest_products_are_exact() -> None:
    """The widest price, quantity and multiplier that are read multiply without loss."""
    widest = required("9" * DIGITS_MAX + "e60", "amount")
    finest = required("9" * DIGITS_MAX + "e-60", "amount")
    spread = EXACT.subtract(widest, finest)

    product = EXACT.multiply(EXACT.multiply(spread, spread), spread)
    assert EXACT.divide(product, EXACT.multiply(spread, spread)) == spread
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
