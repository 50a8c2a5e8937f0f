"""Alarms outlive what they tell of: a process that is begun again and again, and one that hangs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fillbook.errors import DatabaseUnavailable, Refused
from fillbook.ledger import alarms
from fillbook.ledger.alarms import Alarm
from fillbook.sync.attending import Attendant, Attended
from fillbook.sync.judging import Judge
from fillbook.sync.shift import Opened
from tests.sync.attended import QUICK, World, until, world

MINUTE = timedelta(minutes=1)
UP = "SELECT account_id, kind, subject FROM ops.alarms WHERE cleared_at IS NULL ORDER BY kind"
ALL = "SELECT count(*), count(cleared_at) FROM ops.alarms WHERE kind = %s"


async def test_a_service_begun_anew_every_twenty_minutes_says_that_nothing_passes(
    database_url: str,
) -> None:
    """A pass that hangs until the process ends: the alarm comes in time, and stays."""
    async with world(database_url) as one:
        one.before_pass = _for_ever
        for _ in range(5):
            async with one.served():
                await until(lambda: _is_doing(one, "working"))
                await asyncio.sleep(0.3)
                one.clock.moved += 20 * MINUTE
                await asyncio.sleep(0.3)
        raised = [(await one.rows(ALL, kind))[0] for kind in ("no pass", "job failing")]

        assert raised == [(1, 0), (1, 0)]


async def test_what_gets_stuck_each_time_says_so_until_it_passes(database_url: str) -> None:
    """Begun anew three times: one alarm, which is over with the first pass that comes through."""
    async with world(database_url) as one:
        one.before_pass = _for_ever
        timing = replace(QUICK, stuck=10.0, stuck_at_work=0.6)
        async with one.served(timing=timing) as service:
            since = service.clock()
            await one.until_said("begun anew", times=3)
            await asyncio.sleep(0.3)
            at_last = (await one.rows(ALL, "stuck"))[0]
            kept = service._cared["main"].attendant.since
            one.before_pass = None
            await one.until_said("over: stuck")

        assert at_last == (1, 0)
        assert kept - since < timedelta(seconds=0.5)


async def test_the_alarms_of_a_key_that_is_gone_are_over(database_url: str) -> None:
    """Of one that led nowhere by its name, of an account by its number; at once."""
    async with world(database_url) as one:
        one.attended.append(Attended("new", "1", lambda: _refused(one)))
        async with one.served():
            await one.until_said("new: ALARM key refused (new)")
            one.attended.pop()
            await one.until_said("new: over: key refused")
            one.before_pass = _refuses
            one.clock.moved += 31 * MINUTE
            await one.until_said("main: ALARM key refused")
            one.attended.clear()
            await one.until_said("main: over: key refused")
            left = await one.rows(UP)

        assert left == []


async def test_keys_that_went_while_nobody_looked_leave_no_alarm(database_url: str) -> None:
    """Seen at the next start. What concerns the whole, and accounts that are there, stays."""
    async with world(database_url) as one:
        async with one.served():
            await one.until_said("main: live")
        assert one.account is not None
        known = one.account.account_id
        now = one.clock()
        for account_id, subject in ((0, "gone"), (known + 1, ""), (known, "x")):
            alarm = Alarm("gap", subject, now, "...")
            await alarms.change(one.pool, account_id, raised=[alarm], now=now)
        one.attended[0] = replace(one.attended[0], account_id=known)
        service = one.service()
        await alarms.clear_of_strangers(one.pool, service.worker_id, {"main": known}, now=now)
        left = await one.rows(UP)

        assert left == [(known, "gap", "x")]


async def test_one_account_that_cannot_be_judged_stops_no_other(database_url: str) -> None:
    """Its judge fails each time; the alarms of the others come all the same."""

    class Unable(Judge):
        async def judge(self, attendant: Attendant) -> None:
            raise ValueError(f"{attendant.state}: cannot be judged")

    async with world(database_url) as one:
        one.attended.append(Attended("other", "1", lambda: _refused(one)))
        async with one.served() as service:
            await one.until_said("main: live")
            service._cared["main"].judge = Unable(one.pool, "main", one.said.append)
            await one.rows("DELETE FROM ops.alarms")
            await one.until_said("other: ALARM key refused (other)", times=2)


async def test_an_outage_is_kept_until_it_could_be_written(database_url: str) -> None:
    """The database goes away again in the midst of that: one row, raised and over."""
    async with world(database_url) as one:
        service = one.service()
        service._database_is_away("no answer")
        change, tries = alarms.change, []

        async def fails_once(*given: Any, **more: Any) -> None:  # noqa: ANN401
            tries.append(more)
            if len(tries) == 1:
                raise DatabaseUnavailable("no answer")
            await change(*given, **more)

        alarms.change = fails_once
        try:
            for _ in range(3):
                try:
                    await service._database_is_back()
                except DatabaseUnavailable:
                    continue
        finally:
            alarms.change = change
        kept = await one.rows(ALL, "database away")

        assert len(tries) == 2
        assert kept == [(1, 1)]


async def test_a_snapshot_does_not_wait_for_the_feed(database_url: str) -> None:
    """The feed's first pass takes long: what is held is asked all the same, and the key checked."""
    async with world(database_url) as one:
        asked: list[object] = []

        async def snapshot(engine: object) -> None:
            asked.append(engine)

        async def first_only() -> None:
            if not asked:
                await asyncio.sleep(3600)

        one.before_pass = first_only
        service = one.service()
        service.duties = replace(service.duties, snapshot=snapshot)
        one.clock.moved += _to_next_hour(one)
        running = asyncio.create_task(service.run())
        try:
            await until(lambda: _holds(bool(asked)), told=one.said)
        finally:
            service.stop()
            await asyncio.wait([running])
        runs = await one.rows("SELECT count(*) FROM ops.runs")

        assert runs == [(0,)]


def _to_next_hour(one: World) -> timedelta:
    now: datetime = one.clock()
    return timedelta(hours=1) - (now - now.replace(minute=1, second=0, microsecond=0))


async def _holds(what: bool) -> bool:  # noqa: FBT001
    return what


async def _is_doing(one: World, state: str) -> bool:
    found: Sequence[tuple[Any, ...]] = await one.rows(
        "SELECT 1 FROM ops.workers WHERE state = %s AND stopped_at IS NULL", state
    )
    return bool(found)


async def _for_ever() -> None:
    await asyncio.sleep(3600)


async def _refuses() -> None:
    raise Refused("the key can withdraw")


@asynccontextmanager
async def _refused(one: World) -> AsyncIterator[Opened]:
    async with one.way().open() as opened:
        if one.attended:
            raise Refused("the key can withdraw")
        yield opened
