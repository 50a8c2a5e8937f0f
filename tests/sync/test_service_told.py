"""What the service does is told: by the status, below every report, and when it falls silent."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from fillbook.ledger import workers
from fillbook.ledger.workers import PROCESS, Doing
from fillbook.reports._report import Query, ask, find
from fillbook.reports.status import Status
from tests.sync.attended import QUICK, World, until, world

MINUTE = timedelta(minutes=1)


async def status(one: World, *, later: timedelta = timedelta()) -> Status:
    """The status report."""
    answer = await ask(one.pool, find("status"), Query(), now=one.clock() + later)
    assert isinstance(answer, Status)
    return answer


async def _is_working(one: World) -> bool:
    told = await status(one)
    return any((account.service, account.feed) == ("working", "live") for account in told.accounts)


async def test_the_status_tells_feed_schedule_and_worker(database_url: str) -> None:
    """While it runs: working, live, what is due. After it was stopped: nothing of the kind."""
    async with world(database_url) as one:
        async with one.served():
            await one.until_said("main: live")
            await until(lambda: _is_working(one))
            running = await status(one)
        stopped = await status(one)

    account = running.accounts[0]
    assert account.next_due_at is not None
    assert account.alarms == 0
    assert [worker.state for worker in running.workers] == ["running"]
    assert {job.job for job in running.jobs} >= {"pass", "sweep"}
    assert (stopped.accounts[0].service, stopped.accounts[0].feed) == (None, None)
    assert stopped.workers == ()


async def test_a_service_that_fell_silent_makes_every_report_not_fresh(database_url: str) -> None:
    """Killed, it says nothing: what it should have read by now is missed, and said."""
    async with world(database_url) as one:
        async with one.served():
            await one.until_said("main: live")
            await until(lambda: _is_working(one))
        # As a kill leaves it: no goodbye.
        await one.rows("UPDATE ops.workers SET stopped_at = NULL, state = 'working'")
        fresh = (await status(one, later=59 * MINUTE)).basis.not_fresh
        stale = await status(one, later=61 * MINUTE)
        answer = await ask(one.pool, find("positions"), Query(), now=one.clock() + 61 * MINUTE)

    assert fresh is None
    assert stale.basis.not_fresh is not None
    assert stale.basis.not_fresh.startswith(
        "main should be read every 0:30:00 h, and was not since"
    )
    assert answer.basis.not_fresh == stale.basis.not_fresh
    assert (stale.accounts[0].service or "").startswith("not heard of since")
    assert [worker.state for worker in stale.workers] == ["not heard of"]


async def test_a_service_that_was_stopped_promises_nothing(database_url: str) -> None:
    """Whoever stopped it knows: the age is told, and no more."""
    async with world(database_url) as one:
        async with one.served():
            await one.until_said("main: live")
            await until(lambda: _is_working(one))
        later = await status(one, later=timedelta(days=3))

    assert later.basis.not_fresh is None
    assert later.basis.age_seconds is not None
    assert later.basis.age_seconds > 2 * 86_400


async def test_an_alarm_stands_in_the_status_until_it_is_over(database_url: str) -> None:
    """With its account, its kind and since when."""
    async with world(database_url) as one, one.served(timing=replace(QUICK, judge=0.05)):
        await one.until_said("main: live")
        await one.rows(
            "INSERT INTO ops.key_checks (account_id, check_id, checked_at, fingerprint, source,"
            " can_trade, can_withdraw, expires_on, is_bound, account_kind)"
            " SELECT account_id, gen_random_uuid(), now(), 'f', 'stored', false, false,"
            " current_date + 2, true, 'unified' FROM ops.accounts"
        )
        await one.until_said("ALARM key expires")
        up = await status(one)
        await one.rows("DELETE FROM ops.key_checks")
        await one.until_said("over: key expires")
        over = await status(one)

    assert [(alarm.account, alarm.kind) for alarm in up.alarms] == [("main", "key expires")]
    assert up.accounts[0].alarms == 1
    assert over.alarms == ()


async def test_the_dead_are_succeeded_and_forgotten(database_url: str) -> None:
    """A worker that ended without a word is closed by the next one, and pruned after a week."""
    async with world(database_url) as one:
        old, now = uuid4(), one.clock()
        await workers.beat(one.pool, old, {PROCESS: Doing("running")}, now=now - 3 * MINUTE)
        await workers.succeed(one.pool, uuid4(), PROCESS, now=now)
        closed = await workers.latest_workers(one.pool)
        await workers.beat(one.pool, uuid4(), {PROCESS: Doing("running")}, now=now)
        await workers.prune_workers(one.pool, now=now + timedelta(days=8))
        left = await workers.latest_workers(one.pool)

    assert [(worker.state, worker.stopped_at is None) for worker in closed] == [("stopped", False)]
    assert len(left) == 1
