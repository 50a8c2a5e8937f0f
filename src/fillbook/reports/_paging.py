"""Pages: a cursor names the last row that was seen, by the values that rows are ordered by.

So no row comes twice or is skipped while new ones arrive. A cursor only says where to go on: a
forged one shows nothing else.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

from fillbook.domain import money
from fillbook.domain.window import from_microseconds, microseconds
from fillbook.errors import UsageError

Part = Literal["time", "number", "amount", "word", "key"]

NUMBER_MAX = 2**63 - 1
PART_LENGTH_MAX = 64
_BETWEEN = "|"


def sealed(values: Sequence[object]) -> str:
    """The cursor of a row."""
    words = _BETWEEN.join(_text(value) for value in values)
    return urlsafe_b64encode(words.encode()).decode().rstrip("=")


def opened(cursor: str | None, parts: Mapping[str, Part]) -> dict[str, Any]:
    """The values of a cursor by name; each is None without one."""
    if cursor is None:
        return dict.fromkeys(parts)
    try:
        words = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        values = words.split(_BETWEEN)
        read = zip(parts.items(), values, strict=True)
        return {name: _READ[part](value[:PART_LENGTH_MAX]) for (name, part), value in read}
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise UsageError("That cursor was not given by this report: start without one.") from error


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return str(microseconds(value))
    return money.text(value) if isinstance(value, Decimal) else str(value)


def _time(text: str) -> datetime:
    return from_microseconds(_number(text))


def _number(text: str) -> int:
    number = int(text)
    if abs(number) > NUMBER_MAX:
        raise OverflowError
    return number


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise InvalidOperation
    return amount


def _word(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text


_READ: Mapping[Part, Callable[[str], object]] = {
    "time": _time,
    "number": _number,
    "amount": _amount,
    "word": _word,
    "key": UUID,
}
