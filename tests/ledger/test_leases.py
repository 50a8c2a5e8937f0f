"""A lease is one worker's turn: held while it lives, free when it is gone, fenced when taken."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from fillbook.errors import LeaseHeld, NotFound, StaleFence
from fillbook.ledger import leases
from fillbook.ledger.leases import (
    LEASE_LENGTH,
    acquire,
    give_back,
    holder_is_gone,
    holder_name,
    renew,
)
from fillbook.ledger.writing import writing
from tests.ledger.handed_in import END, Hand, hand


async def _write(one: Hand, lease: leases.Lease, *, later: timedelta = timedelta()) -> None:
    async with writing(one.pool, one.account_id, lease=lease, now=END + later) as open_writing:
        await open_writing.conn.execute(b"CREATE TABLE IF NOT EXISTS trace (at int)")


async def test_a_lease_is_held_until_it_is_given_back(database_url: str) -> None:
    """A second worker is refused with a sentence that names the first; afterwards it may."""
    async with hand(database_url) as one:
        first = await acquire(one.pool, one.account_id, "executions", now=END)
        with pytest.raises(LeaseHeld, match=str(os.getpid())):
            await acquire(one.pool, one.account_id, "executions", now=END)
        await give_back(one.pool, first, now=END)
        second = await acquire(one.pool, one.account_id, "executions", now=END)

        assert second.fence == first.fence + 1


async def test_a_lease_runs_out_and_every_write_renews_it(database_url: str) -> None:
    """Without writing it is free after its length; a write counts its length anew."""
    async with hand(database_url) as one:
        first = await acquire(one.pool, one.account_id, "executions", now=END)
        await _write(one, first, later=LEASE_LENGTH - timedelta(seconds=1))
        with pytest.raises(LeaseHeld):
            await acquire(one.pool, one.account_id, "executions", now=END + LEASE_LENGTH)
        later = END + 2 * LEASE_LENGTH

        assert 2 == (await acquire(one.pool, one.account_id, "executions", now=later)).fence


async def test_a_lease_that_was_taken_over_cannot_write(database_url: str) -> None:
    """The old worker's write is refused and leaves nothing; giving back takes nothing away."""
    async with hand(database_url) as one:
        first = await acquire(one.pool, one.account_id, "executions", now=END)
        later = END + 2 * LEASE_LENGTH
        second = await acquire(one.pool, one.account_id, "executions", now=later)
        with pytest.raises(StaleFence):
            await _write(one, first)
        await give_back(one.pool, first, now=later)

        assert [(None,)] == await one.rows("SELECT to_regclass('trace')::text")
        with pytest.raises(LeaseHeld):
            await acquire(one.pool, one.account_id, "executions", now=later)
        await _write(one, second)


async def test_a_heartbeat_holds_a_lease(database_url: str) -> None:
    """It counts the length anew, even of one that ran out, until another worker has it."""
    async with hand(database_url) as one:
        first = await acquire(one.pool, one.account_id, "executions", now=END)
        assert await renew(one.pool, first, now=END + LEASE_LENGTH / 2)
        with pytest.raises(LeaseHeld):
            await acquire(one.pool, one.account_id, "executions", now=END + LEASE_LENGTH)
        assert await renew(one.pool, first, now=END + 2 * LEASE_LENGTH)
        later = END + 4 * LEASE_LENGTH
        second = await acquire(one.pool, one.account_id, "executions", now=later)
        with pytest.raises(StaleFence):
            await renew(one.pool, first, now=later)

        assert await renew(one.pool, second, now=later)


async def test_a_heartbeat_does_not_wait_for_a_write(database_url: str) -> None:
    """The write holds the lease itself, and a beat that waited would hold a connection."""
    async with hand(database_url) as one:
        lease = await acquire(one.pool, one.account_id, "executions", now=END)
        async with writing(one.pool, one.account_id, lease=lease, now=END):
            assert not await renew(one.pool, lease, now=END)

        assert await renew(one.pool, lease, now=END)


async def test_streams_have_leases_of_their_own(database_url: str) -> None:
    """Two streams of one account are read by two workers."""
    async with hand(database_url) as one:
        await acquire(one.pool, one.account_id, "executions", now=END)

        assert 1 == (await acquire(one.pool, one.account_id, "cash", now=END)).fence


async def test_an_account_that_is_not_there_cannot_be_written(database_url: str) -> None:
    """Writing needs a chain to write on."""
    async with hand(database_url) as one:
        with pytest.raises(NotFound):
            async with writing(one.pool, 999, lease=None, now=END):
                pass


def test_a_process_that_ended_is_gone() -> None:
    """Its number alone does not make a holder: another process may have got it since."""
    host, pid, started = holder_name().split(":")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert not holder_is_gone(f"{host}:{pid}:{started}")
    assert holder_is_gone(f"{host}:{ended.pid}:1")
    assert holder_is_gone(f"{host}:{pid}:1")


def test_in_doubt_a_holder_lives() -> None:
    """Another host's processes cannot be seen, and nonsense proves nothing."""

    assert not holder_is_gone("elsewhere:1:1")
    assert not holder_is_gone("")
    assert not holder_is_gone(f"{holder_name().partition(':')[0]}:no number:1")
