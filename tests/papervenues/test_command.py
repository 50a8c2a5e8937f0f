"""`python -m papervenues.bybit`: one line out, clean ends, clear refusals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

import papervenues
from papervenues.bybit.__main__ import main
from papervenues.bybit.command_line import parser, settings_of
from papervenues.bybit.limiter import DOCUMENTED
from papervenues.bybit.switches import QUESTIONS, Switches
from papervenues.faults import FAULTS
from tests.papervenues.paper_client import END_MS

SOURCE = str(Path(papervenues.__file__).parents[1])
SMALL = ["--executions", "300", "--days", "5"]
SECONDS_MAX = 5.0


@contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "papervenues.bybit", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def truth_at(url: str) -> dict[str, list[object]]:
    host = url.removeprefix("http://")
    connection = HTTPConnection(host, timeout=SECONDS_MAX)
    try:
        connection.request("GET", "/paper/truth")
        truth: dict[str, list[object]] = json.load(connection.getresponse())
    finally:
        connection.close()
    return truth


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_tells_all_and_a_signal_ends_it(number: signal.Signals) -> None:
    """Standard output has exactly one JSON line; the end is clean and comes within five seconds."""
    with started(*SMALL, "--end", "2026-01-05T00:00:00Z") as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        truth = truth_at(line["url"])
        began = time.monotonic()
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=SECONDS_MAX)
        seconds = time.monotonic() - began

    assert {"url", "ws_url", "api_key", "api_secret", "trade_api_key", "trade_api_secret"} <= {
        *line
    }
    assert not line["url"].endswith("/")
    assert line["ws_url"] == line["url"].replace("http", "ws", 1) + "/v5/private"
    assert line["end"] - line["start"] == 5 * 86_400_000
    assert line["end"] == 1_767_571_200_000
    assert "accounts" not in line
    assert len(truth["executions"]) > 270
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in complaints
    assert seconds < SECONDS_MAX


def test_several_accounts_have_their_own_keys() -> None:
    """With `--accounts 2` the line lists both, and the first one's keys stand at the top too."""
    with started(*SMALL, "--accounts", "2", "--end", str(END_MS)) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())

    first, second = (int(account["account"]) for account in line["accounts"])
    assert second == first + 1
    assert line["accounts"][0]["api_key"] == line["api_key"]
    assert len({account["api_key"] for account in line["accounts"]}) == 2


def test_a_signal_while_history_is_made_ends_it_too() -> None:
    """Nobody waits for a million executions that are no longer wanted."""
    with started("--executions", "1000000") as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=SECONDS_MAX)

    assert (process.returncode, out) == (0, "")


def test_a_port_in_use_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, one line on standard error, nothing on standard output."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = main([*SMALL, "--port", str(port)])
    out, err = capsys.readouterr()

    assert (code, out) == (1, "")
    assert err == (
        f"paper bybit: port {port} on 127.0.0.1 is in use; choose another one, "
        "or 0 for any free port\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [["--port", "70000"], ["--executions", "many"], ["--fault", "nonsense=1"],
     ["--end", "someday"], ["--end", "1700000000"], ["--days", "0"], ["--unknown"]],
)  # fmt: skip
def test_wrong_usage_is_exit_code_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be understood is refused before anything starts."""

    assert main(arguments) == 2
    assert arguments[0] in capsys.readouterr().err


def test_switches_limits_and_scopes_are_read() -> None:
    """Every switch of the service can be given on the command line."""
    arguments = parser().parse_args(
        ["--switch", "wording=other", "--switch", "end_bound=exclusive", "--ip-limit",
         "--rate", "documented", "--fault", "early_end=0.1@transaction-log@account:0"]
    )  # fmt: skip
    wanted = settings_of(arguments, now_ms=END_MS)

    assert wanted.switches == Switches(wording="other", end_bound="exclusive")
    assert (wanted.ip_limit, wanted.rate) == (True, DOCUMENTED)
    assert wanted.faults.faults[0].path == "transaction-log"


@pytest.mark.parametrize("text", ["nonsense=1", "wording=third", "wording"])
def test_a_wrong_switch_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name or value ends with exit code 2 and says what is known."""

    assert main(["--switch", text]) == 2
    assert "--switch" in capsys.readouterr().err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` lists all options and faults."""

    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(
        f"--{name}" in shown
        for name in ("port", "seed", "executions", "days", "bots", "rate", "end", "accounts")
    )
    assert all(name in shown for name in (*FAULTS, *QUESTIONS))
    assert all(kind.nature in shown for kind in FAULTS.values())
