"""Client tags: what a bot wrote into an order's client id, in any dialect that we read.

============  ====================================  ===========================================
dialect       form                                  note
============  ====================================  ===========================================
custom        the account's own pattern             see `compiled`; tried before the others
compact       ``f1-<bot>-<rr>-<time8><nn>``         legal on Bybit; 2-letter reason, base-36 time
colon         ``bot_id:reason:timestamp``           illegal on Bybit today; found in older records
dash          ``bot_id-reason-timestamp``           read from the right
underscore    ``bot_id_reason_timestamp``           read from the right, longest reason first
============  ====================================  ===========================================

Reading never raises. A text that no dialect reads, or that names no bot, is no tag.

No two ids of a bot are the same, but what stands before the timestamp repeats: that part is what
is read once and remembered.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

REASONS = frozenset(
    (
        "entry", "add", "take_profit", "stop_loss", "trailing_stop", "trailing_tp", "time_exit",
        "signal", "reversal", "reduce", "exit", "manual", "liquidation", "adl", "expiry",
        "settlement", "transfer", "spread", "conditional", "admin", "mm_close", "other", "unknown",
    )
)  # fmt: skip

OPENING_REASONS = frozenset(("entry", "add", "reversal"))
CLOSING_REASONS = REASONS - OPENING_REASONS - {"signal", "conditional", "other", "unknown"}

_COMPACT_CODES = {
    "en": "entry", "ad": "add", "ex": "exit", "sl": "stop_loss", "tp": "take_profit",
    "tm": "time_exit", "ts": "trailing_stop", "tt": "trailing_tp", "rd": "reduce",
    "rv": "reversal", "mn": "manual", "xx": "other",
}  # fmt: skip

_SYNONYMS = {
    "tp": "take_profit", "takeprofit": "take_profit", "sl": "stop_loss", "stoploss": "stop_loss",
    "ts": "trailing_stop", "trailing": "trailing_stop", "open": "entry", "enter": "entry",
    "close": "exit", "liq": "liquidation", "flip": "reversal", "timeout": "time_exit",
}  # fmt: skip

TAG_LENGTH_MAX = 200
PATTERN_LENGTH_MAX = 200
PATTERN_CHOICES_MAX = 5  # parts that may match in several ways; each multiplies the work
PATTERN_READS_MAX = 64  # characters of an id; what a pattern may cost grows with them

_HEADS_REMEMBERED = 4096
_DIGITS = "0123456789"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_STAMP36 = 10  # characters of time and counter at the end of the compact form

_COMPACT = re.compile(r"f1-(?P<bot>[A-Za-z0-9_]{1,18})-(?P<reason>[a-z0-9]{2})-")
_COLON = re.compile(r"(?P<bot>[^:\s]{1,64}):(?P<reason>[^:\s]{1,40}):")
_DASH = re.compile(r"(?P<bot>[A-Za-z0-9_.-]{1,64}?)-(?P<reason>[A-Za-z_]{1,40})-")
_UNDERSCORE = re.compile(r"(?P<rest>[A-Za-z0-9_.-]{3,120})_")

_regex_parser = import_module("re._parser")  # as the library reads a pattern; it has no types
_REPEATS = frozenset(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"))


@dataclass(frozen=True, slots=True)
class ClientTag:
    """What a client id says: whose order it was, and why it was sent."""

    bot: str
    reason: str  # `unknown` when it does not say
    dialect: str


def reason_word(text: str) -> str:
    """The reason that a word means: `other` when it is none of ours, `unknown` when it is empty."""
    return (_normal(text) or "other") if text else "unknown"


def read_tag(text: str, pattern: re.Pattern[str] | None = None) -> ClientTag | None:
    """Read a client id in the first dialect that fits; None when none does."""
    if not text or len(text) > TAG_LENGTH_MAX:
        return None
    tag = None
    if pattern is not None:
        tag = _read_custom(text, pattern)
    if tag is None and text.startswith("f1-") and not text[-_STAMP36:].strip(_BASE36):
        tag = _read_compact(text[:-_STAMP36])
    if tag is None:
        head = text.rstrip(_DIGITS)
        tag = _read_stamped(head, len(text) - len(head))
    return tag if tag is not None and tag.bot else None


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile an account's own pattern, or say in a ValueError why it cannot be used.

    It must match a whole client id, and it has a group `bot`; a group `reason` is read when there
    is one, and `ts` is allowed for whoever wants to name it.
    """
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise ValueError(f"a pattern has at most {PATTERN_LENGTH_MAX} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what a later Python may read otherwise
            found = re.compile(pattern)
            parsed = _regex_parser.parse(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if "bot" not in found.groupindex:
        raise ValueError("a pattern needs a group that finds the bot: (?P<bot>...)")
    if sum(_choices(parsed, repeated=False)) > PATTERN_CHOICES_MAX:
        raise ValueError(
            f"a pattern has at most {PATTERN_CHOICES_MAX} parts of varying length or content"
        )
    return found


def _choices(parsed: object, *, repeated: bool) -> Iterator[int]:
    """1 for each part that may match in several ways; one of them inside a repeat may explode."""
    for operation, argument in parsed:  # type: ignore[attr-defined]
        is_repeat = str(operation) in _REPEATS
        if (is_repeat and argument[0] != argument[1]) or str(operation) == "BRANCH":
            if repeated:
                raise ValueError("a repeat or a choice inside a repeat may take forever")
            yield 1
        inside = repeated or (is_repeat and argument[1] > 1)
        for part in _parts(argument):
            yield from _choices(part, repeated=inside)


def _parts(argument: object) -> Iterator[object]:
    """The patterns inside an operation of a pattern."""
    if isinstance(argument, _regex_parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for one in argument:
            yield from _parts(one)


@lru_cache(_HEADS_REMEMBERED)
def _tag(bot: str, reason: str, dialect: str) -> ClientTag:
    """A tag; its bot is empty when the text is no name."""
    return ClientTag(bot if any(map(str.isalnum, bot)) else "", reason, dialect)


def _normal(word: str) -> str | None:
    lowered = word.lower()
    lowered = _SYNONYMS.get(lowered, lowered)
    return lowered if lowered in REASONS else None


def _read_custom(text: str, pattern: re.Pattern[str]) -> ClientTag | None:
    if len(text) > PATTERN_READS_MAX or not text.isprintable():
        return None
    match = pattern.fullmatch(text)
    if match is None:
        return None
    groups = match.groupdict("")
    word = groups.get("reason", "")
    reason = _COMPACT_CODES.get(word.lower()) or reason_word(word)
    return _tag(groups["bot"], reason, "custom")


@lru_cache(_HEADS_REMEMBERED)
def _read_compact(head: str) -> ClientTag | None:
    match = _COMPACT.fullmatch(head)
    if match is None or match["reason"] not in _COMPACT_CODES:
        return None
    return _tag(match["bot"], _COMPACT_CODES[match["reason"]], "compact")


@lru_cache(_HEADS_REMEMBERED)
def _read_stamped(head: str, digits: int) -> ClientTag | None:
    """Read what stands before a timestamp of so many digits."""
    if not head.isprintable() or not 8 <= digits <= 19:
        return None
    if head.endswith(":"):
        return _read_colon(head) if digits >= 10 else None
    return _read_dash(head) if head.endswith("-") else _read_underscore(head)


def _read_colon(head: str) -> ClientTag | None:
    match = _COLON.fullmatch(head)
    return _tag(match["bot"], reason_word(match["reason"]), "colon") if match else None


def _read_dash(head: str) -> ClientTag | None:
    match = _DASH.fullmatch(head)
    reason = _normal(match["reason"]) if match else None
    return _tag(match["bot"], reason, "dash") if match and reason else None


def _read_underscore(head: str) -> ClientTag | None:
    match = _UNDERSCORE.fullmatch(head)
    if match is None:
        return None
    words = match["rest"].split("_")
    for cut in range(1, len(words)):  # the longest reason first
        reason = _normal("_".join(words[cut:]))
        if reason:
            return _tag("_".join(words[:cut]), reason, "underscore")
    return None
