"""`fillbook run`: live at once, on schedule, never twice, and gone within seconds of being told."""

import hmac
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.cli.command import environment, fillbook, paper_line

SMALL = ("--executions", "200", "--days", "3")
SECONDS_MAX = 40
STOP_SECONDS_MAX = 5
LAID = """
SELECT count(*) FROM derived.lines l JOIN facts.executions e USING (account_id, execution_key)
WHERE e.order_id = %s
"""


@dataclass(slots=True)
class Running:
    """A service in a process of its own, and the lines that it says."""

    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)
    _lines: "queue.Queue[str]" = field(default_factory=queue.Queue)
    _reading: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Read what it says as it says it."""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def until(self, wanted: str) -> str:
        """Wait for a line."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                break
            self.said.append(line)
            if wanted in line:
                return line
        raise AssertionError(f"{wanted!r} was not said: {self.said}")

    def end(self) -> tuple[int, float]:
        """Ask it to stop; its exit code, and how many seconds that took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=3 * STOP_SECONDS_MAX)
        return code, time.monotonic() - begun

    def joined(self) -> None:
        """Nothing is read any more."""
        self._reading.join(timeout=STOP_SECONDS_MAX)


@contextmanager
def service(home: Path, given: Mapping[str, str], *words: str) -> Iterator[Running]:
    """`fillbook run`, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fillbook", "run", *words],
        env=environment(home, given),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    one = Running(process)
    try:
        yield one
    finally:
        process.kill()
        process.wait(timeout=STOP_SECONDS_MAX)
        one.joined()


@contextmanager
def exchange(*words: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """A paper exchange, what it says of itself, and the settings that lead to it."""
    with paper_line(*(words or SMALL)) as line:
        yield line, settings_for(line)


def settings_for(line: Mapping[str, Any]) -> dict[str, str]:
    """The settings that lead to an exchange."""
    return {
        "BYBIT_BASE_URL": str(line["url"]),
        "BYBIT_API_KEY": str(line["api_key"]),
        "BYBIT_API_SECRET": str(line["api_secret"]),
        "BACKFILL_MONTHS": "1",
    }


def buy(line: Mapping[str, Any]) -> str:
    """Trade at the market, as a bot does; the order's id."""
    key, secret = str(line["trade_api_key"]), str(line["trade_api_secret"])
    words = {"category": "linear", "orderType": "Market", "symbol": "BTCUSDT", "side": "Buy"}
    body = json.dumps({**words, "qty": "0.01"})
    now = str(time.time_ns() // 1_000_000)
    signed = hmac.new(secret.encode(), f"{now}{key}5000{body}".encode(), sha256).hexdigest()
    headers = {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": now,
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": signed,
        "Content-Type": "application/json",
    }
    asked = Request(f"{line['url']}/v5/order/create", body.encode(), headers)  # noqa: S310
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - loopback
        told = json.loads(answer.read())
    assert told["retCode"] == 0, told
    return str(told["result"]["orderId"])


def laid_after(url: str, order_id: str) -> float:
    """How many seconds until the fills of an order are in the books."""
    begun = time.monotonic()
    with psycopg.connect(url, autocommit=True) as conn:
        while time.monotonic() - begun < SECONDS_MAX:
            row = conn.execute(LAID, (order_id,)).fetchone()
            if row and row[0]:
                return time.monotonic() - begun
            time.sleep(0.01)
    raise AssertionError(f"the order {order_id} was not booked")


def asked(url: str) -> tuple[int, str]:
    """What a server answers."""
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_live_within_a_second_and_gone_within_five(tmp_path: Path, database_url: str) -> None:
    """Started on nothing: history, then fills as they happen; SIGTERM ends it with exit code 0."""
    with (
        exchange() as (line, given),
        service(tmp_path, given | {"DATABASE_URL": database_url}) as one,
    ):
        one.until("bybit: live")
        seconds = [laid_after(database_url, buy(line)) for _ in range(3)]
        healthy = fillbook("health", home=tmp_path, given={"DATABASE_URL": database_url})
        code, took = one.end()
        after = fillbook("health", home=tmp_path, given={"DATABASE_URL": database_url})
        verified = fillbook("verify", home=tmp_path, given={"DATABASE_URL": database_url})

    assert max(seconds) < 1
    assert (code, healthy.code, after.code, verified.code) == (0, 0, 1, 0)
    assert took < STOP_SECONDS_MAX
    assert "was stopped" in after.err


@pytest.mark.slow
def test_it_serves_and_says_how_it_is(tmp_path: Path, database_url: str) -> None:
    """/healthz at once; /readyz as soon as the account has been read; the status tells the feed."""
    given = {"DATABASE_URL": database_url}
    with (
        exchange() as (_, login),
        service(tmp_path, given | login, "--serve", "--port", "0") as one,
    ):
        url = one.until("http://127.0.0.1").partition("/?")[0]
        alive = asked(f"{url}/healthz")[0]
        one.until("bybit: live")
        ready = asked(f"{url}/readyz")[0]
        time.sleep(2)  # until it was heard of again
        status = fillbook("status", "--format", "json", home=tmp_path, given=given)
        code, took = one.end()

    account = json.loads(status.out)["accounts"][0]
    assert (alive, ready, code) == (200, 200, 0)
    assert took < STOP_SECONDS_MAX
    assert (account["service"], account["feed"], account["alarms"]) == ("working", "live", 0)
    assert account["next_due_at"] is not None


@pytest.mark.slow
def test_a_second_one_takes_over_after_a_kill(tmp_path: Path, database_url: str) -> None:
    """It waits, says so, and goes on by itself when the first one is killed."""
    with exchange() as (line, login):
        given = login | {"DATABASE_URL": database_url}
        with ExitStack() as stack:
            first = stack.enter_context(service(tmp_path, given))
            first.until("bybit: live")
            second = stack.enter_context(service(tmp_path, given))
            second.until("another worker attends to it")
            killed_at = time.monotonic()
            first.process.kill()
            first.process.wait(timeout=STOP_SECONDS_MAX)
            second.until("taking over")
            took_over = time.monotonic() - killed_at
            second.until("bybit: live")
            seconds = laid_after(database_url, buy(line))
            code, _ = second.end()

    assert took_over < 10
    assert seconds < 1
    assert code == 0


@pytest.mark.slow
def test_a_stop_is_quick_in_every_state(tmp_path: Path, database_url: str) -> None:
    """In standby, in a backfill, while the venue or the database is away: exit code 0."""
    given = {"DATABASE_URL": database_url}
    ends: dict[str, tuple[int, float]] = {}
    with exchange("--executions", "20000", "--days", "20") as (_, login):
        with service(tmp_path, given | login) as one:
            one.until("catching up")
            with service(tmp_path, given | login) as other:
                other.until("another worker attends to it")
                ends["standby"] = other.end()
            ends["backfill"] = one.end()
        with service(tmp_path, given | login) as one:
            one.until("catching up")
            one.process.send_signal(signal.SIGHUP)
            ends["resumed"] = one.end()
    with service(tmp_path, given | login) as one:
        one.until("bybit: ")
        ends["no venue"] = one.end()
    nowhere = {"DATABASE_URL": f"postgresql://postgres@127.0.0.1:{free_port()}/nothing"}
    with service(tmp_path, nowhere | login) as one:
        one.until("waiting for the database")
        ends["no database"] = one.end()

    assert {name: code for name, (code, _) in ends.items()} == dict.fromkeys(ends, 0)
    assert max(seconds for _, seconds in ends.values()) < STOP_SECONDS_MAX, ends


@pytest.mark.slow
def test_a_venue_that_is_away_is_waited_for(tmp_path: Path, database_url: str) -> None:
    """Away at the start, and away again later: it comes back by itself, and nothing is missing."""
    port = str(free_port())
    words = (*SMALL, "--end", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:00Z}", "--port", port)
    with exchange(*words) as (_, login):
        pass
    given = login | {"DATABASE_URL": database_url}
    with service(tmp_path, given) as one:
        one.until("bybit: ")
        with exchange(*words):
            one.until("bybit: live")
        one.until("bybit: connecting")
        with exchange(*words) as (line, _):
            one.until("bybit: live")
            truth = json.loads(asked(f"{line['url']}/paper/truth")[1])
        code, took = one.end()
    with psycopg.connect(database_url) as conn:
        booked = conn.execute("SELECT count(*) FROM facts.executions").fetchone()

    fills = [row for row in truth["executions"] if row["execType"] != "Funding"]
    assert booked == (len(fills),)
    assert code == 0
    assert took < STOP_SECONDS_MAX


@pytest.mark.slow
def test_a_database_that_is_away_is_waited_for(home: Path) -> None:
    """Stopped and started: what happened meanwhile is booked without help, and what follows."""
    with exchange() as (line, given), service(home, given) as one:
        one.until("bybit: live")
        stopped = fillbook("db", "stop", home=home)
        order_id = buy(line)
        time.sleep(2)
        started = fillbook("db", "start", home=home)
        url = json.loads(fillbook("db", "status", "--format", "json", home=home).out)["url"]
        laid_after(url, order_id)
        seconds = laid_after(url, buy(line))
        code, took = one.end()
        verified = fillbook("verify", home=home)

    assert (stopped.code, started.code, code, verified.code) == (0, 0, 0, 0)
    assert took < STOP_SECONDS_MAX
    assert seconds < 1


@pytest.mark.slow
def test_stopped_while_the_database_is_away(home: Path) -> None:
    """There is nobody to say goodbye to, and it does not wait for one."""
    with exchange() as (_, given), service(home, given) as one:
        one.until("bybit: live")
        fillbook("db", "stop", home=home)
        time.sleep(1)
        code, took = one.end()

    assert code == 0
    assert took < STOP_SECONDS_MAX


@pytest.mark.slow
def test_one_bad_account_stops_no_other(tmp_path: Path, database_url: str) -> None:
    """A key that the venue does not know is said once; the other account is live."""
    bad = {
        "FILLBOOK_ACCOUNT_BAD_VENUE": "bybit",
        "FILLBOOK_ACCOUNT_BAD_KEY": "nobodysknownkey123",
        "FILLBOOK_ACCOUNT_BAD_SECRET": "nobodysknownsecret123456",
    }
    with exchange() as (_, login):
        bad["FILLBOOK_ACCOUNT_BAD_BASE_URL"] = login["BYBIT_BASE_URL"]
        given = login | bad | {"DATABASE_URL": database_url}
        with service(tmp_path, given) as one:
            one.until("bybit: live")
            if not any(line.startswith("bad: ") for line in one.said):
                one.until("bad: ")
            code, took = one.end()

    assert code == 0
    assert took < STOP_SECONDS_MAX


@pytest.mark.slow
def test_the_service_manager_is_told(tmp_path: Path, database_url: str) -> None:
    """READY when it has begun, WATCHDOG while all turns, STOPPING at the end."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(SECONDS_MAX)
        with exchange() as (_, login):
            given = login | {"DATABASE_URL": database_url, "NOTIFY_SOCKET": address}
            with service(tmp_path, given) as one:
                told = [manager.recv(100).decode(), manager.recv(100).decode()]
                one.until("bybit: live")
                one.end()
                while told[-1] != "STOPPING=1":
                    told.append(manager.recv(100).decode())

    assert told[:2] == ["READY=1", "WATCHDOG=1"]


def test_a_name_that_nobody_has_is_an_error(tmp_path: Path, database_url: str) -> None:
    """Not a service that waits for ever."""
    with exchange() as (_, login):
        given = login | {"DATABASE_URL": database_url}
        ended = fillbook("run", "--account", "nobody", home=tmp_path, given=given)

    assert ended.code == 2
    assert "There is no account named nobody" in ended.err


def test_two_intervals_that_differ_are_an_error(tmp_path: Path) -> None:
    """It names both."""
    given = {"EXCHANGE_SYNC_INTERVAL_MINUTES": "30", "SYNC_INTERVAL_SECONDS": "60"}
    ended = fillbook("run", home=tmp_path, given=given)

    assert ended.code == 2
    assert all(name in ended.err for name in given)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
