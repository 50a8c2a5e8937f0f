"""Finishing what was begun when a stop comes in the middle of it: a page is booked or it is not."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

FINISH_SECONDS_MAX = 2.0  # a stop does not wait longer; what is cut off then is rolled back


async def finished(work: Coroutine[object, object, T]) -> T:
    """Do it. Whoever is cancelled meanwhile leaves when it is done, or after a moment."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            await asyncio.wait([task], timeout=FINISH_SECONDS_MAX)
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
        raise
