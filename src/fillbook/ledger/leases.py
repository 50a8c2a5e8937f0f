"""One worker at a time per account and stream.

A lease is a row with a fencing number that rises with every take-over. It keeps workers from doing
the same work twice; it does not keep the books right. That is the fence's part: every write checks
the number under the account's chain-head lock, so a worker that lost its lease and wakes up late
cannot write.

A holder names its host and process. A lease whose process is gone from this host is free at once:
waiting for it to run out would only delay a restart.
"""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from fillbook.errors import LeaseHeld, StaleFence
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("writing.sql")

LEASE_LENGTH = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one stream of one account, until another fence is handed out."""

    account_id: int
    stream: str
    fence: int


def holder_name() -> str:
    """This process, in a form that another process on this host can check."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def holder_is_gone(holder: str) -> bool:
    """Whether the holder was a process of this host that has ended. False when in doubt."""
    host, _, rest = holder.partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return bool(started) and _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process started, in the kernel's own count; empty where it cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


async def acquire(pool: Pool, account_id: int, stream: str, *, now: datetime) -> Lease:
    """Take the lease, or raise LeaseHeld."""
    what = {
        "account_id": account_id,
        "stream": stream,
        "holder": holder_name(),
        "expires_at": now + LEASE_LENGTH,
    }
    async with transaction(pool) as conn:
        created = await (await conn.execute(SQL["new_lease"], what)).fetchone()
        if created:
            return Lease(account_id, stream, created[0])
        held = await (await conn.execute(SQL["find_lease"], what)).fetchone()
        assert held is not None
        _, holder, expires_at = held
        if expires_at > now and not holder_is_gone(holder):
            raise LeaseHeld(
                f"Another worker ({holder.partition(':')[2].partition(':')[0]} on"
                f" {holder.partition(':')[0]}) is syncing {stream} of this account until"
                f" {expires_at:%H:%M:%S} UTC at least: wait for it, or stop it, and run again."
            )
        taken = await (await conn.execute(SQL["take_lease"], what)).fetchone()
        assert taken is not None
        return Lease(account_id, stream, taken[0])


async def renew(pool: Pool, lease: Lease, *, now: datetime) -> bool:
    """Hold the lease for its whole length from now on; StaleFence where another has taken it.

    False when nothing was renewed because a transaction has the lease in its hands: a write under
    it, which renews it as it begins. The next beat will tell.
    """
    what = {
        "account_id": lease.account_id,
        "stream": lease.stream,
        "fence": lease.fence,
        "expires_at": now + LEASE_LENGTH,
    }
    async with transaction(pool) as conn:
        held = await (await conn.execute(SQL["lock_lease"], what)).fetchone()
        if held is None:
            return False
        if held[0] != lease.fence:
            raise StaleFence(f"Another worker has taken over {lease.stream} of this account.")
        await conn.execute(SQL["renew_lease"], what)
        return True


async def give_back(pool: Pool, lease: Lease, *, now: datetime) -> None:
    """Let the next worker in at once."""
    async with transaction(pool) as conn:
        await conn.execute(
            SQL["give_back_lease"],
            {
                "account_id": lease.account_id,
                "stream": lease.stream,
                "fence": lease.fence,
                "now": now,
            },
        )
