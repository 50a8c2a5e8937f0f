"""Exact amounts: text in, Decimal inside, canonical text out.

A venue prints amounts as text. `amount` reads one exactly or says that it cannot; nothing here
rounds. Arithmetic on Decimals goes through `EXACT`, a context wide enough for 38-digit quantities
times 38-digit prices, in which an inexact result raises instead of losing a digit.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

DIGITS_MAX = 76
TEXT_LENGTH_MAX = 200
_EXPONENT_MIN = -60
_EXPONENT_MAX = 60

# The widest product (price x quantity x multiplier, each 136 digits and 60 decimals) fits.
EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation, Overflow])

# Decimal itself also reads blanks, underscores and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def amount(text: str | None) -> Decimal | None:
    """Read an amount; None for no value. What is no plain finite number raises ValueError."""
    if text is None or text == "":
        return None
    if len(text) > TEXT_LENGTH_MAX:
        raise ValueError(f"out of range: {text[:40]!r}")
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"not a number: {text[:40]!r}")
    value = Decimal(text)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if len(digits) > DIGITS_MAX or not _EXPONENT_MIN <= exponent <= _EXPONENT_MAX:
        raise ValueError(f"out of range: {text[:40]!r}")
    return value


def required(text: str | None, what: str) -> Decimal:
    """Read an amount that must be there."""
    value = amount(text)
    if value is None:
        raise ValueError(f"{what} is missing")
    return value


def decimals(value: Decimal) -> int:
    """How many digits stand behind the point."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def scaled(value: Decimal, scale: int) -> int:
    """The value as an integer at `scale` decimals. Exact, or an error."""
    shifted = value.scaleb(scale, EXACT)
    whole = int(shifted)
    if shifted != whole:
        raise ValueError(f"{value} does not fit into {scale} decimals")
    return whole


def unscaled(whole: int, scale: int) -> Decimal:
    """The Decimal behind an integer at `scale` decimals, without trailing zeros."""
    if whole % 10**scale == 0:
        return Decimal(whole // 10**scale)
    return Decimal(whole).scaleb(-scale, EXACT).normalize(EXACT)


def plain(value: Decimal) -> Decimal:
    """The same value without trailing zeros, without an exponent and without a negative zero."""
    if value.is_zero():
        return Decimal(0)
    value = value.normalize(EXACT)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return value.quantize(Decimal(1), context=EXACT) if exponent > 0 else value


def text(value: Decimal) -> str:
    """Canonical text: no exponent, no trailing zeros, no negative zero."""
    return format(plain(value), "f")
