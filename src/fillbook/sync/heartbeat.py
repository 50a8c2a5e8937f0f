"""Keeping a lease while nothing is written: a venue may be silent, or ask to wait, for a minute."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from fillbook.errors import LedgerError, StaleFence
from fillbook.ledger import leases
from fillbook.ledger._pool import Pool
from fillbook.ledger.leases import LEASE_LENGTH, Lease

BEAT_SECONDS = LEASE_LENGTH.total_seconds() / 3


@asynccontextmanager
async def kept(pool: Pool, lease: Lease, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Renew a lease until the block ends. Who lost it is told so when it writes."""
    beating = asyncio.create_task(_beat(pool, lease, clock))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(pool: Pool, lease: Lease, clock: Callable[[], datetime]) -> None:
    with suppress(StaleFence):
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(LedgerError):  # the database is away: the next beat may find it
                await leases.renew(pool, lease, now=clock())
