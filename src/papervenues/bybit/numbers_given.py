"""Reads the numbers of a request into scaled integers, exactly or not at all."""

import re
from collections.abc import Mapping

from papervenues.bybit.envelope import PARAMETERS, RefusalError

_NUMBER = re.compile(r"(\d{1,18})(?:\.(\d{0,18}))?", re.ASCII)
# The numbers 1 and 0 are the same keys as the truth values.
TRUE_WORDS = {True: True, False: False, "true": True, "false": False, "": False}


def text_of(body: Mapping[str, object], name: str) -> str:
    """A field as text; absent and null are the empty text, numbers are taken as written."""
    found = body.get(name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise RefusalError(PARAMETERS, f"params error: {name} invalid")
    return str(found)


def flag_of(body: Mapping[str, object], name: str) -> bool:
    """A boolean field; clients also write it as text."""
    found = body.get(name)
    if found is None:
        return False
    if not isinstance(found, bool | str | int) or found not in TRUE_WORDS:
        raise RefusalError(PARAMETERS, f"params error: {name} invalid")
    return TRUE_WORDS[found]


def scaled(text: str, *, decimals: int, name: str) -> int:
    """A decimal text as an integer of so many decimals; finer than that is refused."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise RefusalError(PARAMETERS, f"params error: {name} invalid")
    whole, part = match.group(1), (match.group(2) or "").rstrip("0")
    if len(part) > decimals:
        raise RefusalError(PARAMETERS, f"params error: {name} has too many decimals")
    return int(whole + part.ljust(decimals, "0"))


def number_of(body: Mapping[str, object], name: str, *, decimals: int) -> int:
    """A number field; absent and empty are 0."""
    text = text_of(body, name)
    return scaled(text, decimals=decimals, name=name) if text else 0


def word_of(
    body: Mapping[str, object], name: str, *, known: tuple[str, ...], default: str = ""
) -> str:
    """A field that holds one of a few words."""
    text = text_of(body, name) or default
    if text not in known:
        raise RefusalError(PARAMETERS, f"params error: {name} invalid")
    return text
