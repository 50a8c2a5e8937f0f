"""The service: live at once, on schedule, never in silence, and gone when it is told to go."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from fillbook.errors import Refused, VenueUnavailable
from fillbook.sync.attending import Attended
from fillbook.sync.schedule import Plan
from fillbook.sync.shift import Opened
from fillbook.sync.watch import Service
from tests.sync.attended import QUICK, SECONDS_MAX, World, until, world
from tests.sync.trading import order
from tests.sync.truth import booked_executions, true_executions

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
LAID = """
SELECT count(*) FROM derived.lines l JOIN facts.executions e USING (account_id, execution_key)
WHERE e.order_id = %s
"""


async def test_a_first_start_reads_everything_and_goes_live(database_url: str) -> None:
    """Without a word from anybody: a backfill, then a fill within a second of its order."""
    async with world(database_url) as one, one.served():
        await one.until_said("main: live")
        told = await order(one.venue, symbol="BTCUSDT", side="Buy", qty="0.01")
        order_id = str(told["result"]["orderId"])

        async def laid() -> bool:
            return bool((await one.rows(LAID, order_id))[0][0])

        seconds = await until(laid)
        kinds = await one.rows("SELECT kind, status FROM ops.runs")
        truth = true_executions(await one.book.truth())

        assert seconds < 1
        assert kinds == [("backfill", "completed")]
        assert await booked_executions(one.book) == truth


async def test_the_catching_up_of_the_feed_is_the_pass_that_is_due(database_url: str) -> None:
    """One pass at the start, not two; the next one an interval later, which confirms the feed."""
    async with world(database_url) as one, one.served():
        await one.until_said("main: live")
        await asyncio.sleep(0.5)
        at_first = await one.rows("SELECT count(*) FROM ops.runs")
        one.clock.moved += 31 * MINUTE

        async def passed() -> bool:
            return bool((await one.rows("SELECT count(*) FROM ops.runs"))[0][0] == 2)

        await until(passed)
        kinds = await one.rows("SELECT kind FROM ops.runs ORDER BY started_at")

        assert at_first == [(1,)]
        assert kinds == [("backfill",), ("hourly",)]


async def test_a_machine_that_slept_catches_up_once(database_url: str) -> None:
    """Three days: one pass, one sweep; the snapshots of the time asleep are missing and counted."""
    async with world(database_url) as one, one.served():
        await one.until_said("main: live")
        before = (await one.rows("SELECT count(*) FROM ops.runs"))[0][0]
        one.clock.moved += timedelta(days=3)

        async def caught_up() -> bool:
            jobs = await one.jobs()
            return jobs.get("sweep", ("",))[0] == "done"

        await until(caught_up)
        await asyncio.sleep(1)
        runs = (await one.rows("SELECT count(*) FROM ops.runs"))[0][0] - before
        jobs = await one.jobs()

        # The feed may have lost its line and caught up; a sweep is two runs, a pass is one.
        assert 2 <= runs <= 4
        assert jobs["sweep"][2] == 2
        assert jobs["snapshot hourly"][2] >= 71
        assert jobs["pass"][0] == "done"


async def test_a_restart_knows_what_was_done(database_url: str) -> None:
    """A slot that was served is not served again; the pass of the new start is its catching up."""
    async with world(database_url) as one:
        async with one.served():
            await one.until_said("main: live")
            await until(lambda: _is_done(one, "snapshot hourly", "key check"))
        first = await one.rows("SELECT job, served FROM ops.jobs WHERE job LIKE 'snapshot%'")
        async with one.served():
            await one.until_said("main: live", times=2)
            await asyncio.sleep(0.5)
        second = await one.rows("SELECT job, served FROM ops.jobs WHERE job LIKE 'snapshot%'")
        runs = await one.rows("SELECT kind FROM ops.runs ORDER BY started_at")

        assert sorted(first) == sorted(second)
        assert runs == [("backfill",), ("hourly",)]


async def _is_done(one: World, *wanted: str) -> bool:
    jobs = await one.jobs()
    minutes = one.clock().minute
    late = {"snapshot hourly"} if minutes > 14 else set()
    return all(jobs.get(job, ("",))[0] in ("done", "missed") for job in set(wanted) - late)


async def test_one_bad_account_stops_no_other(database_url: str) -> None:
    """One whose venue does not answer is in trouble and says so; the other is live."""
    async with world(database_url) as one:
        one.attended.append(one.way("bad", base_url="http://127.0.0.1:9"))
        async with one.served() as service:
            await one.until_said("main: live")
            health = await service.health()
        states = {account.account: account.state for account in health.accounts}

        assert states == {"main": "working", "bad": "trouble"}
        assert health.ready


async def test_accounts_come_and_go_without_a_restart(database_url: str) -> None:
    """Added, rekeyed, paused, resumed, removed: each is noticed and said."""
    async with world(database_url) as one:
        one.attended.clear()
        async with one.served():
            await one.until_said("there is no account yet")
            one.attended.append(one.way())
            await one.until_said("main: live")
            one.attended[0] = one.way(mark="2")
            await one.until_said("the key was changed")
            await one.until_said("main: live", times=2)
            one.attended[0] = replace(one.attended[0], paused=True)
            await one.until_said("main: paused")
            one.attended[0] = replace(one.attended[0], paused=False)
            await one.until_said("main: live", times=3)
            one.attended.clear()
            await one.until_said("its key was removed")


async def test_a_second_service_stands_by_and_takes_over(database_url: str) -> None:
    """Never two at once; it goes on where the first one ended."""
    async with world(database_url) as one:
        first = one.service()
        running = asyncio.create_task(first.run())
        await one.until_said("main: live")
        async with one.served() as second:
            await one.until_said("another worker attends to it")
            standing_by = (await second.health()).accounts[0].state
            first.stop()
            await asyncio.wait_for(running, SECONDS_MAX)
            await one.until_said("taking over")
            await one.until_said("main: live", times=2)
        overlapping = await one.rows(
            "SELECT count(*) FROM ops.runs a JOIN ops.runs b ON a.run_id < b.run_id"
            " AND a.started_at < b.ended_at AND b.started_at < a.ended_at"
        )

        assert standing_by == "standby"
        assert overlapping == [(0,)]


async def test_a_job_that_fails_is_tried_again_and_becomes_an_alarm(database_url: str) -> None:
    """Its error is in the ledger; after the third failure it is an alarm, which success ends."""
    async with world(database_url) as one, one.served():
        await one.until_said("main: live")
        fails = True

        async def before_pass() -> None:
            if fails:
                raise VenueUnavailable("the venue is on holiday")

        one.before_pass = before_pass
        one.clock.moved += 31 * MINUTE
        for failures in (1, 2, 3):
            await until(partial(_failed, one, failures), told=one.said)
            one.clock.moved += 5 * MINUTE
        await one.until_said("ALARM job failing (pass): It failed")
        told = await one.rows("SELECT error FROM ops.jobs WHERE job = 'pass'")
        up = await one.rows("SELECT kind FROM ops.alarms WHERE cleared_at IS NULL")
        fails = False
        one.clock.moved += 31 * MINUTE
        await one.until_said("over: job failing")
        later = await one.rows(
            "SELECT count(*) FROM ops.alarms WHERE kind = 'job failing' AND cleared_at IS NULL"
        )

        assert told == [("the venue is on holiday",)]
        assert ("job failing",) in up
        assert later == [(0,)]


async def _failed(one: World, failures: int) -> bool:
    jobs = await one.jobs()
    return bool(jobs["pass"][1] >= failures)


async def test_a_refused_key_is_an_alarm_until_it_is_changed(database_url: str) -> None:
    """The account is left alone, and begun again as soon as it has another key."""
    async with world(database_url) as one, one.served() as service:
        await one.until_said("main: live")

        async def before_pass() -> None:
            raise Refused("the key can withdraw")

        one.before_pass = before_pass
        one.clock.moved += 31 * MINUTE
        await one.until_said("ALARM key refused: the key can withdraw")
        state = (await service.health()).accounts[0].state
        one.before_pass = None
        one.attended[0] = one.way(mark="2")
        await one.until_said("over: key refused")

        assert state == "refused"


async def test_a_key_that_never_led_anywhere_is_an_alarm_too(database_url: str) -> None:
    """Its account is not known yet: the alarm is the installation's, and names the key."""
    async with world(database_url) as one:

        @asynccontextmanager
        async def refused() -> AsyncIterator[Opened]:
            async with one.way().open() as opened:
                if one.attended:
                    raise Refused("the key can withdraw")
                yield opened

        one.attended.append(Attended("new", "1", refused))
        async with one.served():
            await one.until_said("new: ALARM key refused (new)")
            raised = await one.rows("SELECT account_id, kind, subject FROM ops.alarms")
            one.attended[1] = one.way("new", mark="2")
            await one.until_said("new: over: key refused")

        assert raised == [(0, "key refused", "new")]


async def test_a_stuck_account_is_begun_anew(database_url: str) -> None:
    """A pass that makes no step for too long is cancelled, with an alarm; the next one goes on."""
    async with world(database_url) as one:
        stuck = True

        async def before_pass() -> None:
            if stuck:
                await asyncio.sleep(3600)

        timing = replace(QUICK, stuck=10.0, stuck_at_work=3.0)
        one.before_pass = before_pass
        async with one.served(timing=replace(timing, judge=0.05)):
            await one.until_said("ALARM stuck")
            stuck = False
            await one.until_said("main: live")
            raised = await one.rows("SELECT count(*) FROM ops.alarms WHERE kind = 'stuck'")

        assert raised[0][0] >= 1


async def test_a_task_that_ended_is_begun_anew(database_url: str) -> None:
    """Whatever ended it: an account is never left alone in silence."""
    async with world(database_url) as one, one.served() as service:
        await one.until_said("main: live")
        service._cared["main"].task.cancel()
        await one.until_said("begun anew")
        await one.until_said("main: live", times=2)


async def test_who_cannot_be_told_stops_nothing(database_url: str) -> None:
    """Standard output may be a pipe that nobody reads any more."""
    async with world(database_url) as one:

        def tell(_: str) -> None:
            raise BrokenPipeError

        service = one.service()
        silent = replace(service, tell=tell)
        running = asyncio.create_task(silent.run())
        await until(lambda: _is_live(silent))
        silent.stop()
        await asyncio.wait_for(running, SECONDS_MAX)


async def _is_live(service: Service) -> bool:
    health = await service.health()
    return bool(health.accounts) and health.accounts[0].feed == "live"


async def test_switched_off_it_reads_only_what_is_asked_for(database_url: str) -> None:
    """No feed and no pass, until somebody asks for one."""
    async with world(database_url) as one, one.served(plan=Plan(enabled=False)) as service:
        await until(lambda: _works(service))
        await asyncio.sleep(0.5)
        before = await one.rows("SELECT count(*) FROM ops.runs")
        service.ask("main")

        async def passed() -> bool:
            found = await one.rows("SELECT count(*) FROM ops.runs WHERE status = 'completed'")
            return bool(found[0][0] == 1)

        await until(passed)

        assert before == [(0,)]
        assert not any("connecting" in line for line in one.said)


async def _works(service: Service) -> bool:
    health = await service.health()
    return bool(health.accounts) and health.accounts[0].state == "working"


async def test_it_leaves_quickly_whatever_it_is_doing(database_url: str) -> None:
    """In the middle of a backfill, and cancelled rather than stopped."""
    async with world(database_url, executions=400) as one:
        service = one.service()
        running = asyncio.create_task(service.run())
        await one.until_said("catching up")
        begun = time.monotonic()
        running.cancel()
        await asyncio.wait([running], timeout=SECONDS_MAX)
        seconds = time.monotonic() - begun
        open_workers = await one.rows("SELECT count(*) FROM ops.workers WHERE stopped_at IS NULL")
        leases = await one.rows(
            "SELECT count(*) FROM ops.leases WHERE expires_at > %s", one.clock()
        )

        assert running.cancelled()
        assert seconds < 5
        assert open_workers == [(0,)]
        assert leases == [(0,)]
