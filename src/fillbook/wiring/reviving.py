"""Keeping the embedded server alive while a service works: nobody else would start it again.

A server that crashed or was killed is started again. One that somebody has stopped stays stopped,
and so does a server of the user's own, which others look after.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fillbook.errors import FillbookError
from fillbook.ledger import _embedded
from fillbook.venues._logger import get_logger

log = get_logger()

LOOK_SECONDS = 3.0


@asynccontextmanager
async def revived(data_dir: Path | None) -> AsyncIterator[None]:
    """Look after the server of a folder while the block runs; None: there is none to look after."""
    if data_dir is None:
        yield
        return
    looking = asyncio.create_task(_look_after(data_dir))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def _look_after(data_dir: Path) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if await asyncio.to_thread(_embedded.revive, data_dir):
                log.warning("database revived", folder=str(data_dir))
        except (FillbookError, OSError) as error:  # the next look may find it mended
            log.warning("database not revived", folder=str(data_dir), reason=str(error))
