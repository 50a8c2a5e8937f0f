"""What venues showed of the present, and when: kept to be compared with the book, never booked.

The newest observations of an account are kept, so many of them, and for longer the first of each
day in which nothing was refused; older ones are forgotten when one is added.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from fillbook.accounting.reconciliation import Sight
from fillbook.domain.observed import Balance, HeldPosition
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("observations.sql")

KEPT_MAX = 2_000  # four weeks of one at each pass, every half hour, and one on each hour
DAILY_KEPT_MAX = 1_100  # three years


@dataclass(frozen=True, slots=True)
class Observed:
    """What a venue said is held and in the wallets; where it refused to, why."""

    account_id: int
    observation_id: UUID
    held: Sight  # when the positions were asked for
    owned: Sight  # when the balances were asked for
    positions: tuple[HeldPosition, ...] = ()
    balances: tuple[Balance, ...] = ()
    positions_error: str | None = None
    balances_error: str | None = None


async def put(pool: Pool, observed: Observed) -> None:
    """Keep an observation, and forget those that are too many."""
    async with transaction(pool) as conn:
        what = {"account_id": observed.account_id, "observation_id": observed.observation_id}
        await conn.execute(
            SQL["add_observation"],
            what
            | {
                "asked_at": observed.held.asked_at,
                "answered_at": observed.owned.answered_at,
                "positions_error": observed.positions_error,
                "balances_error": observed.balances_error,
            },
        )
        await _put_rows(conn, "add_position", what, observed.held, observed.positions)
        await _put_rows(conn, "add_balance", what, observed.owned, observed.balances)
        await _forget(conn, observed.account_id)


async def _put_rows(
    conn: Connection,
    query: str,
    what: dict[str, object],
    sight: Sight,
    rows: Sequence[HeldPosition] | Sequence[Balance],
) -> None:
    if not rows:
        return
    async with conn.cursor() as cursor:
        await cursor.executemany(
            SQL[query], [what | asdict(row) | {"observed_at": sight.answered_at} for row in rows]
        )


async def _forget(conn: Connection, account_id: int) -> None:
    what: dict[str, object] = {"account_id": account_id}
    kept = {"kept": KEPT_MAX, "daily_kept": DAILY_KEPT_MAX}
    found = await (await conn.execute(SQL["oldest_kept"], what | kept)).fetchone()
    assert found is not None
    until: datetime | None = found[0]
    if until is None:
        return
    bounds = {"until": until, "daily_until": found[1]}
    for query in ("forget_positions", "forget_balances", "forget_observations"):
        await conn.execute(SQL[query], what | bounds)
