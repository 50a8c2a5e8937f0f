"""One seed from its plan to its verdict."""

import asyncio
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from fillbook.ledger import accounts
from tests.simulation.connections import OutsidePool, Stock
from tests.simulation.ending import at_the_end
from tests.simulation.fault_counts import COUNTED, count_them, counted_history
from tests.simulation.invariants import Memory, must_hold
from tests.simulation.plan import Plan, Step, plan_of
from tests.simulation.steps import Ended, one_pass, take
from tests.simulation.trace import Trace
from tests.simulation.turns import Turns
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.world import World

_STOCKS: dict[str, Stock] = {}
_NUMBERS = count(1)
PASSES_MAX = 6


class OutOfTimeError(BaseException):
    """A seed took too long by the wall clock; nothing may catch this but the simulation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed."""

    seed: int
    trace_hash: str
    simulated_seconds: float
    wall_seconds: float
    violation: str
    fired: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    statements: int = 0
    rows: int = 0
    trace: tuple[str, ...] = ()


def simulate_here(seed: int, url: str, *, keep_trace: bool = False) -> Outcome:
    """Run one seed in this thread, on a loop of its own."""
    stock = _STOCKS.get(url)
    if stock is None:
        stock = _STOCKS[url] = Stock(url)
    begun = time.perf_counter()
    loop = VirtualLoop(Turns(seed, stock.monitor))
    trace = Trace()
    if keep_trace:
        trace.keep_all()
    count_them()
    COUNTED.clear()
    violation = ""
    asyncio.set_event_loop(loop)
    world = loop.run_until_complete(_prepared(plan_of(seed), loop, stock, trace))
    try:
        loop.run_until_complete(_lived(world))
    except (AssertionError, OutOfTimeError) as error:
        violation = str(error) or _where(error)
    except Exception as error:  # noqa: BLE001 - nothing but its own errors may leave the product
        violation = f"V13: {type(error).__name__}: {error} at {_where(error)}"
    finally:
        _closed(loop, world, is_broken=bool(violation))
    if violation:
        violation = f"{violation} ({world.place})"
    world.fired.update(COUNTED)
    world.fired.update(
        counted_history(world.plan.settings.faults, world.exchange.history.accounts[0])
    )
    return Outcome(
        seed, trace.hash, loop.instant, time.perf_counter() - begun, violation,
        fired=world.fired, reached=world.reached, struck=world.struck, held=world.held,
        requests=world.requests, statements=loop.turns.count, trace=tuple(trace.lines),
    )  # fmt: skip


async def _prepared(plan: Plan, loop: VirtualLoop, stock: Stock, trace: Trace) -> World:
    """A world with a new account."""
    name = f"seed {plan.seed} number {next(_NUMBERS)} {time.time_ns()}"
    account = await accounts.find_or_add(
        OutsidePool(stock).as_pool(), name=name, venue="bybit",
        environment=name,  # contract terms and marks belong to all accounts of an environment
        venue_user_id=name, now=plan.begins,
    )  # fmt: skip
    return World(plan, loop, stock, account, trace)


async def _lived(world: World) -> None:
    memory = Memory()
    for number, step in enumerate(world.plan.steps, start=1):
        world.place = f"step {number}, {step.kind}"
        world.trace.note("step", step)
        ended = await take(world, step)
        must_hold(world, tuple(ended), memory, is_sound=False)
    world.place = "the sound end"
    must_hold(world, (await _healed(world),), memory, is_sound=True)
    await at_the_end(world)


async def _healed(world: World) -> Ended:
    """Liveness: once nothing goes wrong any more, some passes bring the book up to date."""
    world.exchange.end()
    world.exchange = world.exchange.sound()
    await asyncio.sleep(3 * 86_400)
    ended: Ended | None = None
    for number in range(PASSES_MAX):
        ended = await one_pass(world, Step("pass", again=number == 0))
        if ended.is_complete:
            return ended
        await asyncio.sleep(3_600)
    assert ended is not None
    why = (*ended.passed.failures, *ended.passed.left_out) if ended.passed else (ended.error,)
    raise AssertionError(f"V13: not complete after {PASSES_MAX} sound passes: {'; '.join(why)}")


def _where(error: BaseException) -> str:
    """The last lines of code that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return ", ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)


def _closed(loop: VirtualLoop, world: World, *, is_broken: bool) -> None:
    """End the loop. After a violation nothing is asked to end well."""
    world.exchange.end()
    for worker in world.workers:
        if is_broken:
            worker.is_dead = True
            worker.pool.drop_all()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    with suppress(BaseException):
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    loop.close()


def close_stocks() -> None:
    """Close this process's connections."""
    for stock in _STOCKS.values():
        stock.close()
    _STOCKS.clear()


async def simulate(seed: int, database_url: str, *, keep_trace: bool = False) -> Outcome:
    """Run one seed beside a loop that is running already."""
    return await asyncio.to_thread(simulate_here, seed, database_url, keep_trace=keep_trace)
