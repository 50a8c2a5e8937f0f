"""One worker at a time per account and stream.

A lease is a row with a fencing number that rises with every take-over. It keeps workers from doing
the same work twice; it does not keep the books right. That is the fence's part: every write checks
the number under the account's chain-head lock, so a worker that lost its lease and wakes up late
cannot write.

A holder names its host and process. A lease whose process is gone from this host is free at once:
waiting for it to run out would only delay a restart. So is one of this very process that nobody in
it works under any more: who lost the database could not give it back, or never heard that it was
his.
"""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fillbook.errors import LeaseHeld, StaleFence
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("writing.sql")

LEASE_LENGTH = timedelta(seconds=30)

_worked_under: set[tuple[int, str, int]] = set()  # account, stream and fence, in this process


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
    lease: Lease | None = None
    try:
        async with transaction(pool) as conn:
            created = await (await conn.execute(SQL["new_lease"], what)).fetchone()
            fence = created[0] if created else await _taken(conn, what, now)
            lease = Lease(account_id, stream, fence)
            _worked_under.add((account_id, stream, fence))
    except BaseException:
        if lease is not None:  # it may be ours, but nobody will work under it
            let_go(lease)
        raise
    return lease


def let_go(lease: Lease) -> None:
    """Nobody in this process works under it any more, whatever the database says."""
    _worked_under.discard((lease.account_id, lease.stream, lease.fence))


async def _taken(conn: Connection, what: dict[str, Any], now: datetime) -> int:
    """Take over what is free, or raise LeaseHeld; the new fence."""
    row = await (await conn.execute(SQL["find_lease"], what)).fetchone()
    assert row is not None
    fence, holder, expires_at = row
    is_free = expires_at <= now or holder_is_gone(holder)
    if not is_free and holder == what["holder"]:
        is_free = (what["account_id"], what["stream"], fence) not in _worked_under
    if not is_free:
        host, _, rest = holder.partition(":")
        raise LeaseHeld(
            f"Another worker ({rest.partition(':')[0]} on {host}) is syncing {what['stream']} of"
            f" this account until {expires_at:%H:%M:%S} UTC at least: wait for it, or stop it, and"
            " run again."
        )
    taken = await (await conn.execute(SQL["take_lease"], what)).fetchone()
    assert taken is not None
    return int(taken[0])


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
    let_go(lease)
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
