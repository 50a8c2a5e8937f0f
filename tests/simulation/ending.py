"""The costly checks at the end of a seed: everything is recomputed, and compared."""

from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import verify
from fillbook.venues.bybit.parse import parse_record
from tests.simulation.connections import OutsidePool
from tests.simulation.invariants import ViolationError
from tests.simulation.plan import Step
from tests.simulation.steps import one_pass
from tests.simulation.world import World

FINDINGS_SHOWN = 3


async def at_the_end(world: World) -> None:
    """V14 for every seed; V9 and the rebuilding for one in some."""
    pool, number = OutsidePool(world.stock).as_pool(), world.account.account_id
    verified = await verify(pool, number, parse_record)
    world.held["V14"] += 1
    if not verified.ok:
        raise ViolationError(f"V14: {verified.findings[:FINDINGS_SHOWN]}")
    hashed = await ledger_hash(pool, number)
    world.trace.note("ledger", hashed)
    if not world.plan.repeats:
        return
    await one_pass(world, Step("pass", again=True))
    world.held["V9"] += 1
    if await ledger_hash(pool, number) != hashed:
        raise ViolationError("V9: reading everything once more has changed the book")
    await rebuild(pool, number, now=world.now())
    world.held["V14"] += 1
    if await ledger_hash(pool, number) != hashed:
        raise ViolationError("V14: rebuilding has changed the book")
