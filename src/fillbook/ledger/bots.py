"""Bots as their owner names them. No figure rests on a name being registered."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("accounts.sql")


@dataclass(frozen=True, slots=True)
class BotRow:
    """A bot as its owner names it."""

    bot_id: str
    bot_name: str | None = None  # None: as it was, or as usual
    bot_type: str | None = None
    status: str | None = None
    deployment_mode: str | None = None


async def register_bots(
    pool: Pool, bots: Iterable[BotRow], *, known_from: Literal["registered", "setting"]
) -> None:
    """Make bots known. Those of a setting change nothing of what is there."""
    async with transaction(pool) as conn:
        for bot in bots:
            await conn.execute(SQL["register_bot"], asdict(bot) | {"known_from": known_from})
