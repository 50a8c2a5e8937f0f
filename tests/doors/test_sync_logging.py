"""The five `log_*` names: one record each, where the run writes, and a line on the console."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.contextvars import bound_contextvars

from fillbook import (
    log_position_update,
    log_sync_summary,
    log_trade_fetch_result,
    log_trade_fetch_start,
    log_trade_storage,
)
from fillbook.wiring import logs

AT = datetime(2026, 11, 20, tzinfo=UTC)


def records(home: Path) -> list[dict[str, object]]:
    """What stands in the log of the process."""
    text = (home / "book" / "logs" / "exchange_sync.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_each_writes_one_record_and_one_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its fields are those that were given; what was not given is left out."""
    log_trade_fetch_start("bybit", "BTCUSDT", AT, AT + timedelta(days=1))
    log_trade_fetch_result("bybit", "BTCUSDT", 12, seconds=1.5, pages=2)
    log_trade_storage("bybit", "BTCUSDT", 10, 2, seconds=timedelta(seconds=0.25))
    log_position_update("bybit", "BTCUSDT", Decimal("0.5"), Decimal(50000), leg="net")
    log_sync_summary("bybit", 10, status="completed", successful=1, failed=0, seconds=2)

    found = records(home)
    assert [record["event"] for record in found] == [
        "fetch started", "fetch ended", "trades stored", "position updated", "sync summary",
    ]  # fmt: skip
    assert {record["level"] for record in found} == {"info"}
    assert found[0]["since"] == "2026-11-20 00:00:00+00:00"
    assert (found[1]["rows"], found[1]["ms"], found[1]["pages"]) == (12, 1500, 2)
    assert (found[2]["rows_new"], found[2]["duplicates"], found[2]["ms"]) == (10, 2, 250)
    assert (found[3]["quantity"], found[3]["avg_entry_price"]) == ("0.5", "50000")
    assert "error" not in found[4]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 5
    assert said[1] == "info: fetch ended exchange=bybit symbol=BTCUSDT rows=12 ms=1500 pages=2"


def test_an_error_is_a_record_at_the_level_of_errors(home: Path) -> None:
    """With what went wrong."""
    log_trade_fetch_result("bybit", error="the venue did not answer")

    (record,) = records(home)
    assert (record["level"], record["error"]) == ("error", "the venue did not answer")


def test_a_record_within_a_run_is_in_the_runs_file(home: Path) -> None:
    """By the run's id, wherever it is called from."""
    with bound_contextvars(run="r-1"):
        log_trade_storage("bybit", stored=1)
    log_trade_storage("bybit", stored=2)

    (file,) = (home / "book" / "logs" / "trade_sync").iterdir()
    (record,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (record["run"], record["rows_new"]) == ("r-1", 1)
    assert len(records(home)) == 2


def test_no_secret_is_written_or_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither by name nor by value."""
    logs.hide("door-canary-secret")

    log_sync_summary("bybit", api_key="abc", note="with door-canary-secret in it")

    text = str(records(home)) + capsys.readouterr().err
    assert "door-canary-secret" not in text
    assert "abc" not in text
