"""`python -m papervenues.bybit`: serve a paper Bybit on loopback until stopped.

Standard output carries one JSON line with the address and the keys; everything else goes to
standard error. SIGTERM and SIGINT end it cleanly with exit code 0.
"""

import asyncio
import errno
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

from papervenues.bybit.command_line import VIRTUAL, parser, settings_of
from papervenues.bybit.server import RunningVenue, bind, running, wall_clock_ms
from papervenues.bybit.settings import Settings
from papervenues.bybit.venue import Clock
from papervenues.bybit.virtual_clock import VirtualClock

PARENT_CHECK_SECONDS = 1


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal comes; the answer is the exit code."""
    try:
        arguments = parser().parse_args(argv)
        settings = settings_of(arguments, now_ms=wall_clock_ms())
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        listener = bind(arguments.port)
    except OSError as error:
        _say(_bind_problem(arguments.port, error))
        return 1
    early = _EarlyStop()
    previous = {number: signal.signal(number, early.stop) for number in _SIGNALS}
    clock = VirtualClock(settings.end_ms) if arguments.clock == VIRTUAL else wall_clock_ms
    try:
        asyncio.run(
            _serve(settings, listener=listener, early=early, parent=arguments.parent, clock=clock)
        )
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
    settings: Settings,
    *,
    listener: socket.socket,
    early: _EarlyStop,
    parent: int | None,
    clock: Clock,
) -> None:
    stopped = asyncio.Event()
    _say(f"making {settings.executions} executions over {settings.days} days ...")
    async with running(settings, listener=listener, clock=clock) as venue:
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
    accounts = [_account_line(venue, settings, number) for number in range(settings.accounts)]
    line: dict[str, object] = {"url": venue.url, "ws_url": venue.ws_url}
    line |= accounts[0]
    line |= {"start": settings.start_ms, "end": settings.end_ms}
    if len(accounts) > 1:
        line["accounts"] = accounts
    return line


def _account_line(venue: RunningVenue, settings: Settings, number: int) -> dict[str, object]:
    reading, trading, *further = [key for key in venue.all_keys if key.account == number]
    return {
        "account": str(settings.user_id(number)),
        "api_key": reading.key,
        "api_secret": reading.secret,
        "trade_api_key": trading.key,
        "trade_api_secret": trading.secret,
        "keys": [
            {"kind": key.kind, "api_key": key.key, "api_secret": key.secret} for key in further
        ],
    }


def _bind_problem(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on 127.0.0.1 is in use; choose another one, or 0 for any free port"
    return f"cannot listen on 127.0.0.1:{port}: {error.strerror}"


def _say(text: str) -> None:
    sys.stderr.write(f"paper bybit: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
