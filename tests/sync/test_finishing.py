"""A stop in the middle of a page: the page is finished first, and never waited for long."""

import asyncio

import pytest

from fillbook.sync import finishing
from fillbook.sync.finishing import finished


async def test_what_was_begun_is_finished_before_a_stop() -> None:
    """Whoever is cancelled leaves, and what was under way is done by then."""
    done: list[str] = []

    async def booking() -> str:
        await asyncio.sleep(0.05)
        done.append("booked")
        return "booked"

    task = asyncio.create_task(finished(booking()))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["booked"]


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs is cut off after a moment, and its own tidying up is let run."""
    monkeypatch.setattr(finishing, "FINISH_SECONDS_MAX", 0.05)
    said: list[str] = []

    async def hanging() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            said.append("rolled back")

    task = asyncio.create_task(finished(hanging()))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == ["rolled back"]


async def test_results_and_errors_pass() -> None:
    """Nobody notices it where nothing is cancelled."""

    async def failing() -> None:
        raise ValueError("as it is")

    async def working() -> int:
        await asyncio.sleep(0)
        return 7

    assert await finished(working()) == 7
    with pytest.raises(ValueError, match="as it is"):
        await finished(failing())
