"""Client tags: each dialect, and what is no tag."""

import pytest

from fillbook.domain.client_tag import (
    CLOSING_REASONS,
    OPENING_REASONS,
    REASONS,
    TAG_LENGTH_MAX,
    ClientTag,
    read_tag,
)

READ = {
    "f1-momentum_001-sl-lk2f9x0a01": ("momentum_001", "stop_loss", "compact"),
    "f1-a-en-0000000000": ("a", "entry", "compact"),
    "grid:take_profit:1678886600": ("grid", "take_profit", "colon"),
    "grid:TP:1678886600": ("grid", "take_profit", "colon"),
    "grid:because:1678886600": ("grid", "other", "colon"),
    "grid-7-stop_loss-1678886600": ("grid-7", "stop_loss", "dash"),
    "grid-sl-1678886600123": ("grid", "stop_loss", "dash"),
    "momentum_001_stop_loss_1678886600": ("momentum_001", "stop_loss", "underscore"),
    "momentum_001_sl_1678886600": ("momentum_001", "stop_loss", "underscore"),
    "momentum_trailing_stop_1678886600": ("momentum", "trailing_stop", "underscore"),
    "mm_close_mm_close_1678886600": ("mm_close", "mm_close", "underscore"),
    "Momentum_Entry_1678886600": ("Momentum", "entry", "underscore"),
}

NO_TAGS = [
    "",
    "x",
    "manual",
    "stop_loss_1678886600",
    "_stop_loss_1678886600",
    "__sl_1678886600",
    "----sl-1678886600",
    "::1678886600",
    ":entry:1678886600",
    "...:entry:1678886600",
    "grid:entry:soon",
    "grid:entry:1678886600:more",
    "grid-entry",
    "grid-because-1678886600",
    "grid_because_1678886600",
    "grid_entry_167888",
    "f1-grid-zz-lk2f9x0a01",
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
