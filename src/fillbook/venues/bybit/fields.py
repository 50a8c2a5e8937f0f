"""How is one field read? There is one tolerant reader for each kind of field.

An absent field, ``null`` and ``""`` are all no value: the venue uses the last. A number where text
belongs is taken digit by digit, so no binary fraction ever comes into being. What cannot be read is
named and sets its row aside; its neighbours go on.
"""

import re
from datetime import datetime
from decimal import Decimal

from fillbook.domain import money
from fillbook.domain.execution import Side
from fillbook.domain.window import from_milliseconds

TEXT_LENGTH_MAX = 200
WHOLE_MAX = 2**63 - 1
MS_MIN = 1_262_304_000_000  # 2010-01-01
MS_MAX = 4_102_444_800_000  # 2100-01-01

_WHOLE_DIGITS_MAX = 19
_MS_DIGITS = 13
_SECONDS_DIGITS = 10
_BOOLEANS = {"true": True, "false": False, "": None}
# What is this short and has no exponent keeps within every bound of `money.amount`: most amounts.
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch
_SHORT = 50


class Unread(ValueError):
    """A field that cannot be read. Its text is the reason that is shown."""


def text(value: object) -> str | None:
    """A text, or a number's digits; None for what is neither."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) <= WHOLE_MAX else None
    if isinstance(value, str) and len(value) <= TEXT_LENGTH_MAX and "\x00" not in value:
        return value
    return None


def boolean(value: object) -> bool | None:
    """Yes, no or no value; what is neither raises `Unread`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise Unread("neither true nor false")


def whole(value: object) -> int | None:
    """A whole number of 64 bits or no value; what is neither raises `Unread`."""
    read = text(value)
    if read == "":
        return None
    digits = (read or "").removeprefix("-")
    if read is None or not _is_digits(digits) or len(digits) > _WHOLE_DIGITS_MAX:
        raise Unread("not a whole number")
    number = int(read)
    if abs(number) > WHOLE_MAX:
        raise Unread("out of range")
    return number


def amount(told: str, field: str) -> Decimal | None:
    """An exact amount; None for no value."""
    if not told:
        return None
    if len(told) <= _SHORT and _PLAIN(told):
        return Decimal(told)
    try:
        return money.amount(told)
    except ValueError:
        raise Unread(f"{field} is not a plain number") from None


def needed(told: str, field: str) -> Decimal:
    """An exact amount that must be there."""
    value = amount(told, field)
    if value is None:
        raise Unread(f"{field} is missing")
    return value


def not_negative(told: str, field: str) -> Decimal | None:
    """An exact amount of zero or more; None for no value."""
    value = amount(told, field)
    if value is not None and value < 0:
        raise Unread(f"{field} is negative")
    return value


def needed_not_negative(told: str, field: str) -> Decimal:
    """An exact amount of zero or more that must be there."""
    value = not_negative(told, field)
    if value is None:
        raise Unread(f"{field} is missing")
    return value


def positive_or_none(told: str, field: str) -> Decimal | None:
    """A price where the venue may write zero for none."""
    return not_negative(told, field) or None


def milliseconds_in(told: str) -> int | None:
    """A time in milliseconds; None for what is none, or lies outside of 2010 to 2100."""
    if len(told) != _MS_DIGITS or not told.isascii() or not told.isdigit():
        return None
    ms = int(told)
    return ms if MS_MIN <= ms < MS_MAX else None


def seconds_in(told: str) -> int | None:
    """A time told in seconds or in milliseconds, as milliseconds: their lengths tell which."""
    if len(told) == _SECONDS_DIGITS and _is_digits(told):
        return milliseconds_in(f"{told}000")
    return milliseconds_in(told)


def needed_time(told: str, field: str) -> datetime:
    """A time in milliseconds that must be there."""
    return _time(milliseconds_in(told), told, field)


def needed_time_in_seconds(told: str, field: str) -> datetime:
    """A time that must be there, in seconds or milliseconds."""
    return _time(seconds_in(told), told, field)


def time_or_none(told: str, field: str) -> datetime | None:
    """A time in milliseconds; None for no value, and for the zero that stands for it."""
    return None if told in ("", "0") else needed_time(told, field)


def needed_side(told: str) -> Side:
    """Buy or Sell."""
    if told == "Buy":
        return "Buy"
    if told == "Sell":
        return "Sell"
    raise Unread("side is missing" if not told else "side is neither Buy nor Sell")


def needed_text(told: str, field: str) -> str:
    """A text that must be there."""
    if not told:
        raise Unread(f"{field} is missing")
    return told


def _time(ms: int | None, told: str, field: str) -> datetime:
    if ms is None:
        raise Unread(f"{field} is missing" if not told else f"{field} is not a sane time")
    return from_milliseconds(ms)


def _is_digits(told: str) -> bool:
    return told.isascii() and told.isdigit()
