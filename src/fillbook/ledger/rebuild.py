"""Dropping derived state and laying it again from facts, and dropping an account's chain whole."""

from dataclasses import dataclass
from datetime import datetime

from fillbook.domain.window import Window, minus, union
from fillbook.ledger import accounts, chain_breaks, derived, disputes
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.derived import DERIVATION_VERSION, all_tasks
from fillbook.ledger.knowing import Knowing, knowing
from fillbook.ledger.proofs import as_multirange, check_version
from fillbook.ledger.writing import writing

SQL = queries("rebuild.sql")
LAYING = queries("laying.sql")
VERIFY = queries("verify.sql")

_DROPS = (
    "drop_derived_lines",
    "drop_derived_matches",
    "drop_derived_funding",
    "drop_derived_alarms",
    "drop_derived_unattached",
    "drop_derived_trips",
    "drop_derived_trades",
    "drop_derived_stretches",
    "drop_derived_books",
    "drop_derived_coverage",
    "drop_derived_disputes",
    "drop_derived_breaks",
    "drop_derived_laid",
)
_WIPES = (
    "wipe_executions",
    "wipe_cash_flows",
    "wipe_quarantined",
    "wipe_windows",
    "wipe_raw_records",
    "wipe_orders",
    "wipe_log_entries",
    "wipe_closed_pnl",
    "wipe_movements",
    "wipe_statements",
    "wipe_failures",
    "wipe_restatements",
    "wipe_orders_asked",
    "wipe_breaks",
    "wipe_comparisons",
    "wipe_compared_time",
    "wipe_reconciliations",
    "wipe_observed_positions",
    "wipe_observed_balances",
    "wipe_observations",
)


@dataclass(frozen=True, slots=True)
class Covered:
    """The coverage of one stream and scope, as the windows tell it."""

    stream: str
    scope: str
    read: tuple[Window, ...]
    settled: tuple[Window, ...]
    unavailable: tuple[Window, ...]
    live: tuple[Window, ...]


async def rebuild(pool: Pool, account_id: int, *, now: datetime) -> int:
    """Drop an account's derived state and lay it again; returns how many legs were laid."""
    async with writing(pool, account_id, lease=None, now=now) as open_writing:
        conn = open_writing.conn
        await _drop(conn, account_id)
        await check_version(open_writing)
        laid = 0
        for covered in await covered_by_windows(conn, account_id):
            await _put_coverage(conn, account_id, covered)
        known = await known_to_count(conn, account_id)
        await disputes.lay_all(conn, account_id, through=known.through)
        await chain_breaks.lay_all(conn, account_id)
        for task in await all_tasks(known):
            await derived.lay_leg(known, task)
            laid += 1
        await conn.execute(
            LAYING["move_through"], {"account_id": account_id, "through": known.through}
        )
        await accounts.audit(
            conn,
            account_id=account_id,
            actor="fillbook",
            act="rebuild",
            detail=f"{laid} legs laid by version {DERIVATION_VERSION}",
            now=now,
        )
    return laid


async def rebuild_outdated(pool: Pool, *, now: datetime) -> int:
    """Rebuild the accounts whose figures were laid by another version of the rules."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["outdated"], {"derivation_version": DERIVATION_VERSION})
        outdated = [row[0] for row in await found.fetchall()]
    for account_id in outdated:
        await rebuild(pool, account_id, now=now)
    return len(outdated)


async def wipe(pool: Pool, account_id: int, *, actor: str, now: datetime) -> dict[str, int]:
    """Drop an account's chain whole and open the next generation; returns what was deleted."""
    async with writing(pool, account_id, lease=None, now=now) as open_writing:
        conn = open_writing.conn
        await conn.execute(SQL["outdate_leases"], {"account_id": account_id, "now": now})
        counts = {}
        for name in _WIPES:
            deleted = await conn.execute(SQL[name], {"account_id": account_id})
            counts[name.removeprefix("wipe_")] = deleted.rowcount
        await _drop(conn, account_id)
        said = ", ".join(f"{count} {what}" for what, count in counts.items())
        await accounts.open_chain(
            conn,
            account_id,
            generation=open_writing.head.generation + 1,
            opened_by=actor,
            reason=f"wiped {said}",
            now=now,
        )
        await accounts.audit(
            conn, account_id=account_id, actor=actor, act="wipe", detail=said, now=now
        )
    return counts


async def _drop(conn: Connection, account_id: int) -> None:
    for name in _DROPS:
        await conn.execute(SQL[name], {"account_id": account_id})


async def _put_coverage(conn: Connection, account_id: int, covered: Covered) -> None:
    await conn.execute(
        SQL["put_coverage"],
        {
            "account_id": account_id,
            "stream": covered.stream,
            "scope": covered.scope,
            "read": as_multirange(covered.read),
            "settled": as_multirange(covered.settled),
            "unavailable": as_multirange(covered.unavailable),
            "live": as_multirange(covered.live),
        },
    )


async def covered_by_windows(conn: Connection, account_id: int) -> list[Covered]:
    """Coverage as a fold over the windows on the chain."""
    found = await conn.execute(VERIFY["all_windows"], {"account_id": account_id})
    known: dict[tuple[str, str], Covered] = {}
    for _, stream, scope, starts_at, ends_at, outcome, *_ in await found.fetchall():
        before = known.get((stream, scope), Covered(stream, scope, (), (), (), ()))
        known[stream, scope] = _fold(before, Window(starts_at, ends_at), outcome)
    return [known[key] for key in sorted(known)]


def _fold(before: Covered, window: Window, outcome: str) -> Covered:
    read, settled, live = before.read, before.settled, before.live
    unavailable = before.unavailable
    if outcome == "unavailable":
        unavailable = tuple(union([*unavailable, *minus([window], read)]))
    elif outcome == "live":
        live = tuple(union([*live, window]))
    else:
        read, unavailable = tuple(union([*read, window])), tuple(minus(unavailable, [window]))
        settled = tuple(union([*settled, window])) if outcome == "settled" else settled
    return Covered(before.stream, before.scope, read, settled, unavailable, live)


async def known_to_count(conn: Connection, account_id: int) -> Knowing:
    """What is known up to the last proof or statement: facts that came later wait."""
    found = await conn.execute(SQL["last_to_count"], {"account_id": account_id})
    row = await found.fetchone()
    assert row is not None
    return await knowing(conn, account_id, through=row[0])
