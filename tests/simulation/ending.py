"""The costly checks at the end of a seed: everything is recomputed, and compared."""

from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import verify
from fillbook.venues.bybit.parse import parse_record
from tests.simulation.connections import OutsidePool
from tests.simulation.invariants import ViolationError
from tests.simulation.steps import compared
from tests.simulation.world import World

FINDINGS_SHOWN = 3
TRIES_MAX = 4


async def at_the_end(world: World) -> None:
    """V14 for every seed; the others for one in some."""
    pool, number = OutsidePool(world.stock).as_pool(), world.account.account_id
    verified = await verify(pool, number, parse_record)
    world.held["V14"] += 1
    if not verified.ok:
        raise ViolationError(f"V14: {verified.findings[:FINDINGS_SHOWN]}")
    hashed = await ledger_hash(pool, number)
    world.trace.note("ledger", hashed)
    if not world.plan.repeats:
        return
    reconciled = None
    for _ in range(TRIES_MAX):  # the network is slow now and then, as before
        reconciled = reconciled or await compared(world)
    world.held["P7"] += 1
    # Only the orders tell the leg of a fill; who doesn't read them has it on another one.
    knows_legs = world.plan.streams != ("executions",) or not world.plan.settings.hedge
    if reconciled is None or (knows_legs and (reconciled.still_open or reconciled.opened)):
        raise ViolationError(f"P7: a book that is exact differs from the exchange: {reconciled}")
    world.held["V9"] += 1
    if await ledger_hash(pool, number) != hashed:
        raise ViolationError("V9: reading everything once more has changed the book")
    await rebuild(pool, number, now=world.now())
    world.held["V14"] += 1
    if await ledger_hash(pool, number) != hashed:
        raise ViolationError("V14: rebuilding has changed the book")
