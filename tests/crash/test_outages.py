"""PostgreSQL goes away in the midst of work, and comes back: nobody has to help."""

import pytest

from tests.crash.following import FOLLOWER, SERVICE, following, until_now
from tests.crash.outages import ABORT, KILL, fall_in_backfill, fall_while_live, rig_at, server_at
from tests.crash.refusing import FEW, crowded, must_refuse_in_a_sentence, read_only

pytestmark = pytest.mark.slow


async def test_a_backfill_ends_with_a_sentence_and_the_next_one_goes_on() -> None:
    """The server aborts, or is killed, while pages are booked."""
    async with server_at() as (server, url), rig_at(url) as one:
        told = [
            await fall_in_backfill(one, server, how, number)
            for how, number in ((ABORT, 500), (KILL, 800))
        ]

    assert all(told)


@pytest.mark.parametrize("words", [FOLLOWER, SERVICE], ids=" ".join)
async def test_who_follows_connects_again_and_misses_nothing(words: tuple[str, ...]) -> None:
    """Fills before, during and after an outage, again and again under one process."""
    async with server_at() as (server, url), rig_at(url, settings=until_now()) as one:
        database = one.database()
        through = one.wire.through(database)
        async with following(one, database, through=through, words=words) as live:
            seconds = [
                await fall_while_live(live, server, how, away_seconds=0.5) for how in (ABORT, KILL)
            ]
            await live.end()
        await live.must_hold_truth()

    assert max(seconds) < 40  # the longest pause of the pool that connects again


async def test_a_database_that_may_not_be_written_to_says_so() -> None:
    """Read-only, as a standby is: one sentence; with the right one again, the work is done."""
    async with server_at(settings=FEW) as (_, url), rig_at(url) as one:
        await one.undisturbed()
        database = one.database()
        with read_only(database):
            await must_refuse_in_a_sentence(one, database, saying="read-only")
        await one.finish(database)
        await one.must_be_whole(database)

        with crowded(database, leave=0):
            await must_refuse_in_a_sentence(one, database, saying="too many clients")
        with crowded(database, leave=1) as others:
            again = await one.finish(database)
        await one.must_be_whole(database)

    assert others > 5
    assert "0 new executions" in again.out
