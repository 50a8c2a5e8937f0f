"""No secret reaches a log, by whatever name or in whatever text it comes."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from fillbook.wiring import logs

CANARY = "log-canary-secret"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What is configured and hidden here ends here."""
    hidden = set(logs._hidden)
    yield
    file = getattr(structlog.get_config()["logger_factory"], "_file", None)
    if file is not None:
        file.close()
    logs._hidden.clear()
    logs._hidden.update(hidden)
    structlog.reset_defaults()


def say_everything() -> None:
    """A secret under a telling name, in a text, in a value, in a traceback."""
    log = structlog.get_logger()
    log.warning("one", api_key=CANARY, url=f"https://host/?k={CANARY}", parts=[CANARY, 1], count=3)
    try:
        int(CANARY)
    except ValueError:
        log.warning("two", exc_info=True)


def test_a_log_file_holds_no_secret(tmp_path: Path) -> None:
    """And everything else that was said."""
    logs.hide(CANARY)
    path = logs.log_to(tmp_path, level="INFO", started_at=datetime(2026, 11, 20, tzinfo=UTC))

    say_everything()
    text = path.read_text(encoding="utf-8")

    assert CANARY not in text
    assert "ValueError" in text
    assert '"count": 3' in text


def test_the_console_shows_no_secret() -> None:
    """Warnings on standard error are cleaned as well."""
    logs.hide(CANARY)
    shown = io.StringIO()
    logs.log_to_console(shown)

    structlog.get_logger().warning("one", url=f"https://host/?k={CANARY}", count=3)

    assert CANARY not in shown.getvalue()
    assert "count=3" in shown.getvalue()


def test_the_console_is_not_steered_by_what_a_venue_sent() -> None:
    """Neither escape sequences nor line ends get through; a file holds them as JSON writes them."""
    shown = io.StringIO()
    logs.log_to_console(shown)

    structlog.get_logger().warning("one", reason="\x1b[31mred\r\nwarning: forged")

    assert shown.getvalue().count("\n") == 1
    assert shown.getvalue().rstrip("\n").isprintable()


def test_what_nobody_hid_would_be_found(tmp_path: Path) -> None:
    """Under a name that says nothing, an unknown secret is text like any other."""
    path = logs.log_to(tmp_path, level="INFO", started_at=datetime(2026, 11, 20, tzinfo=UTC))

    structlog.get_logger().warning("one", url=CANARY)

    assert CANARY in path.read_text(encoding="utf-8")
