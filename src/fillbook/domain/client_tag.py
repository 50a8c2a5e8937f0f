"""Client tags: what a bot wrote into an order's client id, in any dialect that we read.

============  ====================================  ===========================================
dialect       form                                  note
============  ====================================  ===========================================
compact       ``f1-<bot>-<rr>-<time8><nn>``         legal on Bybit; 2-letter reason, base-36 time
colon         ``bot_id:reason:timestamp``           illegal on Bybit today; found in older records
dash          ``bot_id-reason-timestamp``           read from the right
underscore    ``bot_id_reason_timestamp``           read from the right, longest reason first
============  ====================================  ===========================================

Reading never raises. A text that no dialect reads, or that names no bot, is no tag.
"""

import re
from dataclasses import dataclass

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

_COMPACT = re.compile(
    r"f1-(?P<bot>[A-Za-z0-9_]{1,18})-(?P<reason>[a-z0-9]{2})-[0-9a-z]{8}[0-9a-z]{2}"
)
_COLON = re.compile(r"(?P<bot>[^:\s]{1,64}):(?P<reason>[^:\s]{1,40}):[0-9]{10,19}")
_DASH = re.compile(r"(?P<bot>[A-Za-z0-9_.-]{1,64}?)-(?P<reason>[A-Za-z_]{1,40})-[0-9]{8,19}")
_UNDERSCORE = re.compile(r"(?P<rest>[A-Za-z0-9_.-]{3,120})_[0-9]{8,19}")


@dataclass(frozen=True, slots=True)
class ClientTag:
    """What a client id says: whose order it was, and why it was sent."""

    bot: str
    reason: str
    dialect: str


def read_tag(text: str) -> ClientTag | None:
    """Read a client id in the first dialect that fits; None when none does."""
    if not text or len(text) > TAG_LENGTH_MAX or not text.isprintable():
        return None
    for read in (_read_compact, _read_colon, _read_dash, _read_underscore):
        tag = read(text)
        if tag is not None:
            return tag if any(map(str.isalnum, tag.bot)) else None
    return None


def _normal(word: str) -> str | None:
    lowered = word.lower()
    lowered = _SYNONYMS.get(lowered, lowered)
    return lowered if lowered in REASONS else None


def _read_compact(text: str) -> ClientTag | None:
    match = _COMPACT.fullmatch(text)
    if match is None or match["reason"] not in _COMPACT_CODES:
        return None
    return ClientTag(match["bot"], _COMPACT_CODES[match["reason"]], "compact")


def _read_colon(text: str) -> ClientTag | None:
    match = _COLON.fullmatch(text)
    if match is None:
        return None
    return ClientTag(match["bot"], _normal(match["reason"]) or "other", "colon")


def _read_dash(text: str) -> ClientTag | None:
    match = _DASH.fullmatch(text)
    reason = _normal(match["reason"]) if match else None
    return ClientTag(match["bot"], reason, "dash") if match and reason else None


def _read_underscore(text: str) -> ClientTag | None:
    match = _UNDERSCORE.fullmatch(text)
    if match is None:
        return None
    words = match["rest"].split("_")
    for cut in range(1, len(words)):  # the longest reason first
        reason = _normal("_".join(words[cut:]))
        if reason:
            return ClientTag("_".join(words[:cut]), reason, "underscore")
    return None
