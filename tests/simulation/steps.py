"""What happens in one step of a seed: passes, waiting, outages, blows, a follower."""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fillbook.domain.window import Window
from fillbook.errors import FillbookError
from fillbook.ledger.rebuild import rebuild
from fillbook.sync.engine import Passed
from fillbook.sync.live import Follower, Rhythm
from fillbook.sync.reconcile import Reconciled, reconciled_pass
from papervenues.draws import digest_of
from tests.simulation.plan import DAY, MINUTE, Step
from tests.simulation.workers import Blow, Worker
from tests.simulation.world import World

PASS_SECONDS_MAX = 3 * DAY  # of virtual time: retries, bans and blocks included
LEAVING_SECONDS_MAX = 600.0
PROCESS = str(os.getpid())  # the only thing in an error that differs from run to run
SHORTLY = timedelta(days=2)
RHYTHM = Rhythm(confirm_every=timedelta(seconds=90), lateness=timedelta(seconds=20))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker's job ended."""

    worker: Worker
    passed: Passed | None = None
    error: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked for is proven."""
        return self.passed is not None and self.passed.complete and not self.passed.left_out


async def take(world: World, step: Step) -> list[Ended]:
    """One step."""
    match step.kind:
        case "pass":
            return [await one_pass(world, step, blow=step.blow)]
        case "both":
            return await _both(world, step)
        case "wait":
            await asyncio.sleep(step.seconds)
        case "away":
            return await _away(world, step)
        case "database away":
            return await _database_away(world, step)
        case "rebuild":
            return [await _rebuilt(world, step)]
        case "follow":
            return [await _followed(world, step)]
    return []


async def one_pass(
    world: World, step: Step, *, blow: Blow | None = None, after: float = 0.0
) -> Ended:
    """A new worker makes one pass."""
    worker = world.worker()
    worker.arm(blow)

    async def doing() -> Passed:
        await asyncio.sleep(after)
        venue = world.venue(worker)
        try:
            engine = world.engine(worker, venue, again=step.again)
            if world.plan.repeats:  # as the service does it
                return (await reconciled_pass(engine, step.run, asked(world, step)))[0]
            return await engine.sync(step.run, asked(world, step))
        finally:
            await venue.close()

    return await _of(world, worker, doing())


async def compared(world: World) -> Reconciled | None:
    """A new worker reads everything once more and compares the book with the exchange."""
    worker, found = world.worker(), list[Reconciled | None]()

    async def doing() -> Passed:
        venue = world.venue(worker)
        try:
            engine = world.engine(worker, venue, again=True)
            passed, reconciled = await reconciled_pass(engine, "manual", asked(world, Step("pass")))
            found.append(reconciled)
            return passed
        finally:
            await venue.close()

    await _of(world, worker, doing())
    return found[0] if found else None


def asked(world: World, step: Step) -> Window:
    """The window that a pass is asked for."""
    now = world.now()
    if step.run == "hourly":
        return Window(max(world.plan.begins, now - SHORTLY), now)
    if step.run == "manual":
        length = now - world.plan.begins
        first = digest_of("manual", world.plan.seed, step.seconds) % 80
        return Window(world.plan.begins + length * first // 100, now)
    return Window(world.plan.begins, now)


async def _of(world: World, worker: Worker, doing: Coroutine[Any, Any, Passed | None]) -> Ended:
    """Let a worker do something to its end, whatever the end."""
    task = world.begin(worker, doing)
    try:
        async with asyncio.timeout(PASS_SECONDS_MAX):
            passed = await task
        ended = Ended(worker, passed)
    except FillbookError as error:
        ended = Ended(worker, error=str(error))
    except asyncio.CancelledError:
        assert worker.is_dead, "nobody else cancels a worker"
        ended = Ended(worker, error="crashed")
    except TimeoutError:
        raise AssertionError(f"V13: {worker.name} did not end in {PASS_SECONDS_MAX} s") from None
    await _gone(worker)
    if ended.passed is not None:
        world.complaints += (*ended.passed.failures, *ended.passed.left_out)
    world.complaints.append(ended.error)
    status = ended.passed.complete if ended.passed else ended.error
    world.trace.note("ended", worker.name, status)
    return ended


async def _gone(worker: Worker) -> None:
    """Nothing of a worker is left over."""
    worker.wakes_at = 0.0
    left = [task for task in worker.tasks if not task.done()]
    if left and worker.is_dead:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=LEAVING_SECONDS_MAX)
    left = [task for task in worker.tasks if not (task.done() or _is_the_loops(task))]
    assert not left, f"V15: {worker.name} left {len(left)} tasks: {left}"
    worker.close()


def _is_the_loops(task: "asyncio.Task[object]") -> bool:
    """The loop itself closes a generator that was dropped, whenever the collector finds it."""
    return "async_generator_athrow" in repr(task.get_coro())


async def _both(world: World, step: Step) -> list[Ended]:
    """Two workers on one account, the second a moment later; a blow strikes the first."""
    later = step.seconds % 90
    return list(
        await asyncio.gather(
            one_pass(world, step, blow=step.blow), one_pass(world, step, after=later)
        )
    )


async def _away(world: World, step: Step) -> list[Ended]:
    """The exchange is out of reach for a while, and one pass finds it so."""
    exchange = world.exchange
    if step.worker:
        exchange.is_away = True
        ended = await one_pass(world, step)
    else:  # it goes away in mid-pass
        asyncio.get_running_loop().call_later(step.seconds % 5, exchange.go_away)
        ended = await one_pass(world, step)
    await asyncio.sleep(step.seconds)
    exchange.is_away = False
    return [ended]


async def _database_away(world: World, step: Step) -> list[Ended]:
    """The database refuses connections from some moment of a pass on."""
    loop = asyncio.get_running_loop()
    leaving = loop.call_later(step.seconds % 5, world.lose_database)
    ended = await one_pass(world, step)
    leaving.cancel()
    await asyncio.sleep(MINUTE)
    world.is_database_away = False
    return [ended]


async def _rebuilt(world: World, step: Step) -> Ended:
    worker = world.worker()
    worker.arm(step.blow)

    async def doing() -> None:
        await rebuild(worker.pool.as_pool(), world.account.account_id, now=world.now())

    return await _of(world, worker, doing())


async def _followed(world: World, step: Step) -> Ended:
    """A follower listens for some minutes while somebody trades."""
    worker, exchange = world.worker(), world.exchange
    worker.arm(step.blow)
    going_on = exchange.begin(exchange.go_on())

    async def doing() -> None:
        venue = world.venue(worker)

        async def window() -> Window:
            return Window(world.plan.begins, world.now())

        async def may_be_used() -> None:
            await venue.key_facts()

        follower = Follower(
            world.engine(worker, venue), window, rhythm=RHYTHM, before_pass=may_be_used
        )
        following = asyncio.create_task(follower.follow())
        try:
            await asyncio.wait([following], timeout=step.seconds)
            follower.stop()
            await following
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await following
            await venue.close()

    trading = exchange.begin(_trading(world, step))
    try:
        return await _of(world, worker, doing())
    finally:
        for task in (trading, going_on):
            if task.done():
                task.result()  # the exchange itself must not err
            task.cancel()


async def _trading(world: World, step: Step) -> None:
    """Orders at the market, now and then."""
    for number in range(step.orders):
        drawn = digest_of("order", world.plan.seed, number)
        await asyncio.sleep(step.seconds / (step.orders + 1) * (drawn % 200) / 100)
        if world.now_ms() < world.plan.settings.end_ms:
            continue
        side, qty = ("Buy", "Sell")[drawn % 2], f"0.0{1 + drawn // 7 % 9}"
        leg = (1 if side == "Buy" else 2) if world.plan.settings.hedge else 0
        said = world.exchange.order(
            category="linear", symbol="BTCUSDT", side=side, qty=qty, orderType="Market",
            positionIdx=leg,
        )  # fmt: skip
        world.has_live_fills = True
        world.trace.note("order", side, qty, said)
