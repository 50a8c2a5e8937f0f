"""`python -m papervenues.bybit`: serve a paper Bybit on loopback until stopped.

Standard output carries one JSON line with the address and the keys; everything else goes to
standard error. SIGTERM and SIGINT end it cleanly with exit code 0.
"""

import argparse
import asyncio
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType

from papervenues.bybit.server import RunningVenue, bind, running, wall_clock_ms
from papervenues.bybit.settings import (
    ACCOUNTS_MAX,
    BOTS_MAX,
    DAYS_MAX,
    EXECUTIONS_MAX,
    MINUTE_MS,
    Settings,
)
from papervenues.faults import FAULTS, FaultError, FaultPlan, parse_fault

PORT_MAX = 65_535
PID_MAX = 2**31 - 1
PARENT_CHECK_SECONDS = 1
RATE_MAX = 1_000_000
# Times outside of these are surely mistakes, such as seconds given for milliseconds.
END_MS_MIN = 1_000_000_000_000
END_MS_MAX = 4_000_000_000_000


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal comes; the answer is the exit code."""
    try:
        arguments = _parser().parse_args(argv)
        settings = _settings(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        listener = bind(arguments.port)
    except OSError as error:
        _say(_bind_problem(arguments.port, error))
        return 1
    early = _EarlyStop()
    previous = {number: signal.signal(number, early.stop) for number in _SIGNALS}
    try:
        asyncio.run(_serve(settings, listener=listener, early=early, parent=arguments.parent))
    except (KeyboardInterrupt, _Stopped):
        _say("stopped")
    finally:
        listener.close()
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


class _Stopped(BaseException):
    """A signal came before the server ran."""


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _EarlyStop:
    """Takes signals while history is made. It also remembers: a library may swallow the raise."""

    def __init__(self) -> None:
        self.asked = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        raise _Stopped


async def _serve(
    settings: Settings, *, listener: socket.socket, early: _EarlyStop, parent: int | None
) -> None:
    stopped = asyncio.Event()
    _say(f"making {settings.executions} executions over {settings.days} days ...")
    async with running(settings, listener=listener) as venue:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stopped.set)
        if early.asked:
            return
        sys.stdout.write(json.dumps(_line(venue, settings)) + "\n")
        sys.stdout.flush()
        rows = sum(len(account) for account in venue.history.accounts)
        _say(f"serving {rows} executions on {venue.url}; stop with Ctrl-C")
        while not stopped.is_set() and parent in (None, os.getppid()):
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), PARENT_CHECK_SECONDS)
    _say("stopped")


def _line(venue: RunningVenue, settings: Settings) -> dict[str, object]:
    accounts = [
        {
            "account": str(settings.user_id(number)),
            "api_key": reading.key,
            "api_secret": reading.secret,
            "trade_api_key": trading.key,
            "trade_api_secret": trading.secret,
        }
        for number, (reading, trading) in enumerate(
            zip(venue.keys[::2], venue.keys[1::2], strict=True)
        )
    ]
    line: dict[str, object] = {"url": venue.url, "ws_url": venue.ws_url}
    line |= accounts[0]
    line |= {"start": settings.start_ms, "end": settings.end_ms}
    if len(accounts) > 1:
        line["accounts"] = accounts
    return line


def _settings(arguments: argparse.Namespace) -> Settings:
    end_ms = arguments.end
    if end_ms is None:
        end_ms = wall_clock_ms() // MINUTE_MS * MINUTE_MS
    return Settings(
        end_ms=end_ms,
        seed=arguments.seed,
        days=arguments.days,
        bots=arguments.bots,
        executions=arguments.executions,
        accounts=arguments.accounts,
        rate=arguments.rate,
        faults=FaultPlan(tuple(arguments.fault)),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paper bybit",
        description="A paper Bybit on loopback. Prints one JSON line with its address and keys.",
        epilog="faults:\n" + "\n".join(f"  {name:<16} {FAULTS[name]}" for name in FAULTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=_whole(0, PORT_MAX), default=0, help="0 takes any free port (default)")
    add("--seed", type=int, default=7, help="another seed, another history (default 7)")
    add("--executions", type=_whole(0, EXECUTIONS_MAX), default=60_000, metavar="N",
        help="about how many executions, over all accounts (default 60000)")  # fmt: skip
    add("--days", type=_whole(1, DAYS_MAX), default=90, help="length of history (default 90)")
    add("--bots", type=_whole(0, BOTS_MAX), default=3, help="bots on each account (default 3)")
    add("--accounts", type=_whole(1, ACCOUNTS_MAX), default=1, help="accounts (default 1)")
    add("--rate", type=_whole(0, RATE_MAX), default=0,
        help="requests a second for each key and endpoint; 0 is no limit (default)")  # fmt: skip
    add("--end", type=_instant, default=None, metavar="T",
        help="last instant of history, ISO 8601 or Unix ms (default: this minute)")  # fmt: skip
    add("--parent", type=_whole(1, PID_MAX), default=None, metavar="PID",
        help="end by itself when this process, which started it, is gone")  # fmt: skip
    add("--fault", type=_fault, action="append", default=[], metavar="NAME=SHARE[@SCOPE]",
        help="a fault and how often; SCOPE is a symbol, an instant in ms that the window must "
        "contain, or FROM..TO; repeatable")  # fmt: skip
    return parser


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")

    return read


def _instant(text: str) -> int:
    try:
        end_ms = int(text) if text.isdigit() else _iso_ms(text)
    except ValueError:
        end_ms = 0
    if END_MS_MIN <= end_ms <= END_MS_MAX:
        return end_ms
    raise argparse.ArgumentTypeError(f"{text!r} is neither ISO 8601 nor Unix milliseconds")


def _iso_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def _fault(text: str) -> object:
    try:
        return parse_fault(text)
    except FaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _bind_problem(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on 127.0.0.1 is in use; choose another one, or 0 for any free port"
    return f"cannot listen on 127.0.0.1:{port}: {error.strerror}"


def _say(text: str) -> None:
    sys.stderr.write(f"paper bybit: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
