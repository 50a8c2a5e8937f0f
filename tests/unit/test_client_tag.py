"""Client tags: each dialect, an account's own pattern, and what is no tag."""

import re

import pytest

from fillbook.domain.client_tag import (
    CLOSING_REASONS,
    OPENING_REASONS,
    PATTERN_CHOICES_MAX,
    PATTERN_LENGTH_MAX,
    PATTERN_READS_MAX,
    REASONS,
    TAG_LENGTH_MAX,
    ClientTag,
    compiled,
    read_tag,
    reason_word,
)

READ = {
    "f1-momentum_001-sl-lk2f9x0a01": ("momentum_001", "stop_loss", "compact"),
    "f1-a-en-0000000000": ("a", "entry", "compact"),
    "f1-a-xx-zzzzzzzzzz": ("a", "other", "compact"),
    "f1-grid-exit-1678886600": ("f1-grid", "exit", "dash"),
    "grid:take_profit:1678886600": ("grid", "take_profit", "colon"),
    "grid:TP:1678886600": ("grid", "take_profit", "colon"),
    "grid:because:1678886600": ("grid", "other", "colon"),
    "grid:unknown:1678886600": ("grid", "unknown", "colon"),
    "grid:7:1678886600": ("grid", "other", "colon"),
    "grid-7-stop_loss-1678886600": ("grid-7", "stop_loss", "dash"),
    "grid-sl-1678886600123": ("grid", "stop_loss", "dash"),
    "grid-sl-16788866": ("grid", "stop_loss", "dash"),
    "grid-sl-1678886600123456789": ("grid", "stop_loss", "dash"),
    "momentum_001_stop_loss_1678886600": ("momentum_001", "stop_loss", "underscore"),
    "momentum_001_sl_1678886600": ("momentum_001", "stop_loss", "underscore"),
    "momentum_trailing_stop_1678886600": ("momentum", "trailing_stop", "underscore"),
    "mm_close_mm_close_1678886600": ("mm_close", "mm_close", "underscore"),
    "Momentum_Entry_1678886600": ("Momentum", "entry", "underscore"),
}

COMPACT_CODES = {
    "en": "entry", "ad": "add", "ex": "exit", "sl": "stop_loss", "tp": "take_profit",
    "tm": "time_exit", "ts": "trailing_stop", "tt": "trailing_tp", "rd": "reduce",
    "rv": "reversal", "mn": "manual", "xx": "other",
}  # fmt: skip

NO_TAGS = [
    "",
    "x",
    "manual",
    "1678886600",
    "stop_loss_1678886600",
    "_stop_loss_1678886600",
    "__sl_1678886600",
    "----sl-1678886600",
    "f1-__-sl-1678886600",
    "::1678886600",
    ":entry:1678886600",
    "...:entry:1678886600",
    "grid:entry:soon",
    "grid:entry:167888660",
    "grid:entry:16788866001234567890",
    "grid:entry:1678886600:more",
    "grid-entry",
    "grid-because-1678886600",
    "grid_because_1678886600",
    "grid_entry_167888",
    "grid-sl-1678886",
    "grid-sl-16788866001234567890",
    "f1-grid-zz-lk2f9x0a01",
    "f1-grid-sl-LK2F9X0A01",
    "f1-grid-sl-lk2f9x0a0",
    "f1-",
    "f1-a_name_that_is_too_long-en-lk2f9x0a01",
    "grid:entry:1678886600\n",
    "gr id:entry:1678886600",
    "gr\x00id:entry:1678886600",
    "gr\ud800id:entry:1678886600",
    "gr\u202eid:entry:1678886600",
    "grid:entry:١٦٧٨٨٨٦٦٠٠",
    "'; DROP TABLE executions; --",
    "b" * 65 + ":entry:1678886600",
    "b" * (TAG_LENGTH_MAX + 1),
    "_" * TAG_LENGTH_MAX,
    "-" * TAG_LENGTH_MAX,
]


@pytest.mark.parametrize("text", READ)
def test_dialects_are_read(text: str) -> None:
    """Bot, reason and dialect of each form."""

    assert ClientTag(*READ[text]) == read_tag(text)


@pytest.mark.parametrize("text", NO_TAGS, ids=ascii)
def test_what_is_no_tag(text: str) -> None:
    """Hostile, broken and other people's ids are no tag, and raise nothing."""

    assert read_tag(text) is None


@pytest.mark.parametrize("code", COMPACT_CODES)
def test_the_compact_form_has_two_letters_for_a_reason(code: str) -> None:
    """Each of its codes."""

    assert ClientTag("a", COMPACT_CODES[code], "compact") == read_tag(f"f1-a-{code}-lk2f9x0a01")


def test_every_reason_is_read_back() -> None:
    """The longest reason wins, so each one survives a bot name with underscores."""
    for reason in sorted(REASONS):
        assert read_tag(f"bot_7_{reason}_1678886600") == ClientTag("bot_7", reason, "underscore")


def test_reasons_open_or_close_or_neither() -> None:
    """No reason does both."""

    assert not OPENING_REASONS & CLOSING_REASONS
    assert {"signal", "conditional", "other", "unknown"} == (
        REASONS - OPENING_REASONS - CLOSING_REASONS
    )


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("exit", "exit"),
        ("SL", "stop_loss"),
        ("timeout", "time_exit"),
        ("because", "other"),
        ("", "unknown"),
    ],
)
def test_a_word_means_a_reason(word: str, reason: str) -> None:
    """Ours, in any case; a synonym; `other`; and no word is not known."""

    assert reason == reason_word(word)


BY_PATTERN = {
    ("(?P<bot>[a-z0-9]+)/(?P<reason>[a-z]+)/(?P<ts>[0-9]+)", "grid7/sl/99"): ("grid7", "stop_loss"),
    ("(?P<bot>[a-z0-9]+)/(?P<reason>[a-z]+)", "grid7/RD"): None,
    ("(?P<bot>[a-z0-9]+)/(?P<reason>[A-Za-z]+)", "grid7/RD"): ("grid7", "reduce"),
    ("(?P<bot>[a-z0-9]+)/(?P<reason>[a-z]+)", "grid7/because"): ("grid7", "other"),
    ("(?P<bot>[a-z0-9]+)(?:/(?P<reason>[a-z]+))?", "grid7"): ("grid7", "unknown"),
    ("#(?P<bot>.*)", "#Grid Sieben"): ("Grid Sieben", "unknown"),
    ("#(?P<bot>.*)", "#"): None,
    ("#(?P<bot>.*)", "#--"): None,
    ("#(?P<bot>.*)", "#a\x07"): None,
    ("#(?P<bot>.*)", "##"): None,
    ("(?P<bot>a)|b", "b"): None,
    ("^(?P<bot>[a-z]+)$", "grid"): ("grid", "unknown"),
    ("(?P<bot>grid)", "grid7"): None,
}


@pytest.mark.parametrize(("pattern", "text"), BY_PATTERN, ids=ascii)
def test_an_account_has_a_pattern_of_its_own(pattern: str, text: str) -> None:
    """It fits the whole id, and its groups say bot and reason; without a reason none is known."""
    said = BY_PATTERN[pattern, text]

    expected = ClientTag(*said, "custom") if said else None
    assert expected == read_tag(text, compiled(pattern))


def test_a_pattern_goes_before_the_dialects() -> None:
    """What it reads is its own; what it does not, the dialects may read."""
    pattern = compiled("(?P<bot>[a-z]+):(?P<reason>[a-z]+):1[0-9]*")

    assert ClientTag("grid", "entry", "custom") == read_tag("grid:entry:1678886600", pattern)
    assert ClientTag("grid", "entry", "colon") == read_tag("grid:entry:2678886600", pattern)


def test_a_pattern_reads_short_ids_only() -> None:
    """What a pattern may cost grows with the text."""
    pattern = compiled("(?P<bot>[a-z]+)")

    assert read_tag("a" * PATTERN_READS_MAX, pattern) is not None
    assert read_tag("a" * (PATTERN_READS_MAX + 1), pattern) is None


USABLE = [
    r"(?P<bot>\w+)",
    r"(?P<bot>[a-z]+(?:_[0-9]{3})?)-(?P<reason>sl|tp|en)-(?P<ts>\d{10,13})",
    r"(?P<bot>(?:ab){3}) (?:x{2}){4}",
    r"(?i:(?P<bot>[a-z]+))(?=-)-\d+",
    r"(?P<bot>a)(?:[b-d]|f)+",
    r"(?P<bot>" + r"a?" * PATTERN_CHOICES_MAX + ")",
]

REFUSED = {
    "(?P<bot>a" + "b" * PATTERN_LENGTH_MAX + ")": "at most 200 characters",
    "(?P<bot>a": "not a regular expression",
    "(?P<bot>a){99999999999999999999}": "not a regular expression",
    "(?P<bot>[[a]b)": "not a regular expression",
    "(.*)": "needs a group",
    "(?P<robot>.*)": "needs a group",
    "": "needs a group",
    "(?P<bot>(a+)+)": "may take forever",
    "(?P<bot>(a*)*b)": "may take forever",
    "(?P<bot>(?:a+?)+?)": "may take forever",
    "(?P<bot>(?:a+){2})": "may take forever",
    "(?P<bot>(?:a?){40})": "may take forever",
    "(?P<bot>(?:a{1,9}){2,9})": "may take forever",
    "(?P<bot>(?:a|ab)+)": "may take forever",
    "(?P<bot>(?:(?=a+)a)*)": "may take forever",
    "(?P<bot>x)(y)?(?(2)(?:a+)+|b)": "may take forever",
    "(?P<bot>(?>a+)+)": "may take forever",
    "(?P<bot>a?a?a?a?a?a?)": f"at most {PATTERN_CHOICES_MAX} parts",
    "(?P<bot>.*.*.*.*.*.*x)": f"at most {PATTERN_CHOICES_MAX} parts",
    "(?P<bot>(a|bb)(a|bb)(a|bb)(a|bb)(a|bb)(a|bb))": f"at most {PATTERN_CHOICES_MAX} parts",
}


@pytest.mark.parametrize("pattern", USABLE)
def test_a_pattern_may_be_used(pattern: str) -> None:
    """Lengths may vary, parts may be left out, and what is repeated may be fixed."""

    assert re.compile(pattern) == compiled(pattern)


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_is_refused(pattern: str) -> None:
    """Too long, broken, without a bot, or able to take forever: a plain error says which."""
    with pytest.raises(ValueError, match=REFUSED[pattern]):
        compiled(pattern)
