"""Switches: how the paper Bybit answers each question that the venue's manual leaves open.

A switch is written `NAME=VALUE`. Its default is the reading that Fillbook was first built for; a
client that is right under one value only has read more into the manual than stands there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

NUMBER_MAX = 10**12
TRUE, FALSE = "true", "false"


class SwitchError(ValueError):
    """A switch was written wrongly."""


@dataclass(frozen=True, slots=True)
class Switches:
    """One field for each open question; `QUESTIONS` says what it asks."""

    start_bound: str = "inclusive"
    end_bound: str = "inclusive"
    limit_above: str = "clamped"
    cursor_lifetime_ms: int = 0
    empty_exec_type: str = "accepted"
    closed_pnl_sort: str = "updated"
    closed_pnl_split: bool = False
    self_trade_ids: str = "different"
    asset_kept_days: int = 0
    asset_one_bound: str = "month"
    log_side: str = "same"
    log_order_id: str = "same"
    movement_states: str = "final"
    wording: str = "known"
    long_window_code: int = 10001
    limit_headers: str = "sent"
    ban_minutes: int = 10
    ack_ms: int = 50
    ws_auth_failure: str = "closes"

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Switches":
        """The defaults, changed by texts of the form `NAME=VALUE`; a later one wins."""
        return replace(cls(), **dict[str, Any](map(parse_switch, texts)))


@dataclass(frozen=True, slots=True)
class Question:
    """What a switch decides; without `choices` its value is a whole number."""

    asks: str
    choices: tuple[str, ...] = ()


QUESTIONS: dict[str, Question] = {
    "start_bound": Question("is a row at startTime listed?", ("inclusive", "exclusive")),
    "end_bound": Question("is a row at endTime listed?", ("inclusive", "exclusive")),
    "limit_above": Question("a limit above the maximum is", ("clamped", "refused")),
    "cursor_lifetime_ms": Question("how long a cursor lives; 0 is for ever"),
    "empty_exec_type": Question("execType= without a value is", ("accepted", "refused")),
    "closed_pnl_sort": Question("closed-pnl is sorted by the time", ("updated", "created")),
    "closed_pnl_split": Question("may pages of closed-pnl split one order?", (FALSE, TRUE)),
    "self_trade_ids": Question(
        "the two sides of a self-trade have execIds that are", ("different", "equal")
    ),
    "asset_kept_days": Question(
        "how many days deposits, withdrawals and transfers are kept; 0 is for ever"
    ),
    "asset_one_bound": Question(
        "deposits and withdrawals asked with one bound: a window, or 10001", ("month", "refused")
    ),
    "log_side": Question(
        "the side on the log's lines of a spot trade is the trade's, or that of the line's coin",
        ("same", "of_coin"),
    ),
    "log_order_id": Question(
        "the order id on log lines of forced and settled trades is the execution's, or another",
        ("same", "other"),
    ),
    "movement_states": Question(
        "deposits and withdrawals are listed when done, or from the beginning, failed ones too",
        ("final", "passing"),
    ),
    "wording": Question("the texts of refusals", ("known", "other")),
    "long_window_code": Question("the code for a window that is too long", ("10001", "181010")),
    "limit_headers": Question("the limit headers of private answers are", ("sent", "absent")),
    "ban_minutes": Question("how long an address that asked too fast is shut out", ("10", "30")),
    "ack_ms": Question("how long a subscription waits for its acknowledgement"),
    "ws_auth_failure": Question("after a wrong login the stream", ("closes", "stays")),
}


def parse_switch(text: str) -> tuple[str, str | int | bool]:
    """Read `NAME=VALUE` into a field of `Switches` and its value."""
    name, equals, value = text.partition("=")
    question = QUESTIONS.get(name)
    if question is None:
        raise SwitchError(f"unknown switch {name!r}; known are {', '.join(sorted(QUESTIONS))}")
    if not equals or (question.choices and value not in question.choices):
        choices = " or ".join(question.choices) or "a whole number"
        raise SwitchError(f"{text!r} is no setting of {name}: give {choices}")
    kind = {one.name: one.type for one in fields(Switches)}[name]
    if kind is bool:
        return name, value == TRUE
    return name, _whole(name, value) if kind is int else value


def switch_lines() -> list[str]:
    """What the command's help says of the switches; the default comes first."""
    width = max(map(len, QUESTIONS))
    return [
        f"{name:<{width}} {question.asks}"
        + (f" ({', '.join(question.choices)})" if question.choices else "")
        for name, question in QUESTIONS.items()
    ]


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:15]) <= NUMBER_MAX):
        raise SwitchError(f"{name} is a whole number up to {NUMBER_MAX}, not {text!r}")
    return int(text)
