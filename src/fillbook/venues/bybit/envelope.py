"""Is this answer a success, and if not, what is to be done?

A body counts only when it is an object with ``retCode`` 0 and a ``result`` that is an object. All
else raises: an answer that cannot be trusted is never read as an empty one. Codes decide, texts do
not: the venue changes its wording. The venue's text is quoted only where it helps, cut short and
without anything that could be a key, a signature or a query.
"""

import re
from collections.abc import Callable
from datetime import datetime

import msgspec

from fillbook.domain.window import from_milliseconds
from fillbook.errors import (
    VenueClockError,
    VenueError,
    VenueKeyError,
    VenueNotOffered,
    VenuePermissionRefused,
    VenueRateLimited,
    VenueRequestError,
    VenueUnavailable,
)
from fillbook.venues._transport import Answer

RESET_HEADER = "x-bapi-limit-reset-timestamp"
QUOTE_LENGTH_MAX = 160
BLOCKED_MINUTES = 10
_HEADER_DIGITS_MAX = 15

CLOCK = frozenset((10002, -1))
TOO_FAST = frozenset((10006, 170222, 20003))
OVERLOADED = frozenset((10000, 10016, 170007, 170146, 429, 500, 502, 503, 504))
# A read that the venue takes for a repeated one carries another time when it is asked again.
REPEATED = 10014
KEY_UNKNOWN = frozenset((10003, 33004, -2015, 10007))
NO_PERMISSION = 10005  # of these alone a key may lack one and be good for the rest
BARRED = frozenset((10009, 10024, 10027, 10008))  # the region, the user or the account
WRONG_MODE = frozenset((10028, 100028, 10029, 181014))
DEFECTS = frozenset((10017, *range(181_000, 181_020)))  # a path or a parameter of our making
SIGNATURE = 10004
ADDRESS = 10010
BLOCKED = 403
BLOCKS = frozenset((BLOCKED, 10018))  # the second is an older name of the first
TIMED_OUT = 408
PARAMETERS = 10001

# Long words, and words that assign a value, could be keys, signatures or queries.
_SUSPICIOUS = re.compile(r"[A-Za-z0-9+/_%-]{20,}|\S*[=&\[\]]\S*")

Redact = Callable[[str], str]


class _Envelope(msgspec.Struct):
    retCode: int  # noqa: N815 - the venue's own spelling
    result: msgspec.Raw = msgspec.Raw(b"")
    retMsg: object = ""  # noqa: N815


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def result_of(answer: Answer, *, host: str, redact: Redact) -> msgspec.Raw:
    """The `result` of an answer that succeeded, undecoded."""
    _check_status(answer, host)
    try:
        envelope = _ENVELOPE.decode(answer.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        envelope = None
    if envelope is None:
        raise VenueUnavailable(f"{host}: the answer is not the JSON that was asked for; try later")
    if envelope.retCode != 0:
        text = envelope.retMsg if isinstance(envelope.retMsg, str) else ""
        raise _refusal(envelope.retCode, host, _quoted(redact(text)), answer)
    if not bytes(envelope.result).lstrip().startswith(b"{"):
        raise VenueUnavailable(f"{host}: the answer says success and carries no result; try later")
    return envelope.result


def header_number(answer: Answer, name: str) -> int | None:
    """A header that must be a whole number; None when it is not there or is none."""
    text = answer.headers.get(name, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > _HEADER_DIGITS_MAX:
        return None
    return int(text)


def _check_status(answer: Answer, host: str) -> None:
    status = answer.status
    if status == 200:
        return
    if status == BLOCKED:
        raise _blocked(BLOCKED, host)
    if status == 401:
        raise VenueKeyError(f"{host} does not accept this key: check key and secret", code=401)
    if status == 429:
        raise _too_fast(429, host, answer)
    if status >= 500 or status == TIMED_OUT:
        raise VenueUnavailable(f"{host} answered HTTP {status}; try again later", code=status)
    if 300 <= status < 400:
        raise VenueError(
            f"{host} points to another address (HTTP {status}): check the base address", code=status
        )
    if status == 404:
        raise VenueRequestError(f"{host} knows no such path: check the base address", code=404)
    raise VenueRequestError(f"{host} refused the request with HTTP {status}", code=status)


def _refusal(code: int, host: str, quote: str, answer: Answer) -> VenueError:
    """The error that a code stands for."""
    if code in TOO_FAST:
        return _too_fast(code, host, answer)
    if code in BLOCKS - {BLOCKED}:
        return _blocked(code, host)
    if code in OVERLOADED or code == REPEATED:
        return VenueUnavailable(f"{host} is overloaded (code {code}); try again later", code=code)
    if code in CLOCK:
        return VenueClockError(
            f"{host} and this machine disagree about the time (code {code}): "
            "synchronise the clock (NTP)",
            code=code,
        )
    if code in KEY_UNKNOWN:
        return VenueKeyError(
            f"the key is unknown at {host} or has expired (code {code}): "
            "was it made for another environment (mainnet, testnet, demo)?",
            code=code,
        )
    if code == SIGNATURE:
        return VenueKeyError(
            f"{host} does not accept the signature (code {code}): check the API secret", code=code
        )
    if code == ADDRESS:
        return VenueKeyError(
            f"the key is bound to other addresses (code {code}): "
            f"add this machine's address to the key at {host}",
            code=code,
        )
    if code == NO_PERMISSION:
        return VenuePermissionRefused(
            f"the key may not do this at {host} (code {code}): "
            "give it read permission for orders, positions and the wallet",
            code=code,
        )
    if code in BARRED:
        return VenueKeyError(
            f"{host} does not serve this account or this region (code {code}): "
            "check the account's state there",
            code=code,
        )
    if code in WRONG_MODE:
        return VenueNotOffered(
            f"the account's mode at {host} does not allow this product (code {code})", code=code
        )
    if code in DEFECTS:
        return VenueRequestError(
            f"{host} knows no such question (code {code}): that is a defect of Fillbook, report it",
            code=code,
        )
    said = f": {quote}" if quote else ""
    return VenueRequestError(f"{host} did not accept the request (code {code}){said}", code=code)


def _blocked(code: int, host: str) -> VenueError:
    return VenueError(
        f"{host} has blocked this address: wait {BLOCKED_MINUTES} minutes, "
        "and check that the region is served and that no other program asks too fast",
        code=code,
    )


def _too_fast(code: int, host: str, answer: Answer) -> VenueRateLimited:
    return VenueRateLimited(
        f"{host} asks for fewer requests (code {code}); lower the rate or try again later",
        code=code,
        retry_at=_reset_at(answer),
    )


def _reset_at(answer: Answer) -> datetime | None:
    ms = header_number(answer, RESET_HEADER)
    try:
        return None if ms is None else from_milliseconds(ms)
    except OverflowError:
        return None


def _quoted(text: str) -> str:
    """A venue's own words, fit for a log: one printable line without suspicious ones."""
    line = "".join(char if char.isprintable() else " " for char in text[: 4 * QUOTE_LENGTH_MAX])
    return _SUSPICIOUS.sub("[…]", " ".join(line.split()))[:QUOTE_LENGTH_MAX]
