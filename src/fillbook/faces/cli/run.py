"""Running a command's coroutine: a signal cancels it, and it tidies up and says one sentence."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fillbook.errors import Unproven

T = TypeVar("T")

_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Stopped(Unproven):
    """Stopped before it was done: what is booked is kept; run it again to go on."""


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end, or raise Stopped after a signal."""
    return asyncio.run(_guarded(work))


async def _guarded(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    task = asyncio.ensure_future(work())
    stopped: list[int] = []

    def stop(number: int) -> None:
        stopped.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        with suppress(NotImplementedError):  # where the platform has no such handlers
            loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if stopped:
            raise Stopped from None
        raise


def say(line: str) -> None:
    """One plain line on standard error, for people."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def put(line: str) -> None:
    """One plain line on standard output, never wrapped, flushed at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def put_if_heard(line: str) -> None:
    """The same from what must go on: the reader of a pipe may be gone, a disk may be full."""
    with suppress(OSError):
        put(line)
