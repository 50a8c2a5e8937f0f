"""The one way to write an account's facts and figures.

A writing transaction is READ COMMITTED. Before any other read it locks the account's chain head,
then checks the fence of its lease. The lock, not the lease, keeps the writers of one account in
order.

Writers of one process queue for an account before they take a connection: those who wait for the
lock of a busy account would otherwise hold all connections, and the other accounts would wait too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from fillbook.errors import NotFound, StaleFence
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import Head, link
from fillbook.ledger.leases import LEASE_LENGTH, Lease

SQL = queries("writing.sql")

_queues: WeakKeyDictionary[Pool, dict[int, asyncio.Lock]] = WeakKeyDictionary()


@dataclass(slots=True)
class Writing:
    """An open writing transaction on one account."""

    conn: Connection
    account_id: int
    head: Head
    now: datetime

    def extend(self, kind: bytes, payload: bytes) -> tuple[int, bytes]:
        """Add a link to the chain: its sequence and its hash."""
        seq = self.head.seq + 1
        hashed = link(self.head.hash, seq, kind, payload)
        self.head = Head(self.head.generation, seq, hashed)
        return seq, hashed


@asynccontextmanager
async def writing(
    pool: Pool, account_id: int, *, lease: Lease | None, now: datetime
) -> AsyncIterator[Writing]:
    """Lock the account, check the fence, and move the chain's head at the end.

    Without a lease (rebuild, wipe) only the lock orders writers. A wipe outdates all fences, so
    that a sync that is under way cannot prove windows whose pages are gone.
    """
    async with _queue(pool, account_id), transaction(pool) as conn:
        before = await _lock(conn, account_id)
        if lease is not None:
            await _check_fence(conn, lease, now)
        open_writing = Writing(conn, account_id, before, now)
        yield open_writing
        after = open_writing.head
        if after.seq != before.seq and after.generation == before.generation:
            await conn.execute(
                SQL["move_head"], {"account_id": account_id, "seq": after.seq, "hash": after.hash}
            )


def _queue(pool: Pool, account_id: int) -> asyncio.Lock:
    """Where this process's writers of an account wait for each other."""
    return _queues.setdefault(pool, {}).setdefault(account_id, asyncio.Lock())


async def _lock(conn: Connection, account_id: int) -> Head:
    found = await (await conn.execute(SQL["lock_head"], {"account_id": account_id})).fetchone()
    if found is None:
        raise NotFound(f"There is no account {account_id}.")
    return Head(*found[:3])


async def _check_fence(conn: Connection, lease: Lease, now: datetime) -> None:
    renewed = await conn.execute(
        SQL["renew_lease"],
        {
            "account_id": lease.account_id,
            "stream": lease.stream,
            "fence": lease.fence,
            "expires_at": now + LEASE_LENGTH,
        },
    )
    if await renewed.fetchone() is None:
        raise StaleFence(
            f"Another worker has taken over {lease.stream} of this account; nothing was written."
        )
