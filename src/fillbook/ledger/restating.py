"""Why is this trade different from yesterday? The log of restatements.

Before a re-lay drops trades, what they said is noted; afterwards, what they say now. Those that
came out the same are forgotten. Nothing rests on the log.
"""

from dataclasses import dataclass
from datetime import datetime

from fillbook.domain.instrument import LegName
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.rows import leg_columns

SQL = queries("trades.sql")

OF_PROOFS = ("late_fact", "revision", "gap_closed")


@dataclass(frozen=True, slots=True)
class Cause:
    """What set a re-lay off, by its link of the chain."""

    caused_by: int
    cause: str  # one of OF_PROOFS, or a statement's kind
    at: datetime


@dataclass(slots=True)
class Restating:
    """The restatements of one leg in one transaction."""

    conn: Connection
    account_id: int
    name: LegName
    cause: Cause
    staged: int = 0

    def _words(self) -> dict[str, object]:
        return leg_columns(self.account_id, self.name) | {
            "caused_by": self.cause.caused_by,
            "cause": self.cause.cause,
            "restated_at": self.cause.at,
        }

    async def stage(self, dropped: dict[str, object]) -> None:
        """Note the trades that are about to be dropped."""
        staged = await self.conn.execute(SQL["stage_restatements"], dropped | self._words())
        self.staged += staged.rowcount

    async def stage_grown(self, what: dict[str, object]) -> None:
        """Note the trades that are about to gain a match, where this lays anew what was laid.

        That a trade grows with the fills that follow is no restatement.
        """
        if self.staged or self.cause.cause not in OF_PROOFS:
            staged = await self.conn.execute(SQL["stage_grown"], what | self._words())
            self.staged += staged.rowcount

    async def settle(self, since: datetime) -> None:
        """Note what they say now, and forget the ones that say the same.

        A proof also brings trades that are merely new; only those that appear between the ones that
        were there count as restated. What a statement brings about counts in any case.
        """
        of_proof = self.cause.cause in OF_PROOFS
        if of_proof and not self.staged:
            return
        words = self._words() | {"since": since, "of_proof": of_proof}
        for name in ("restate_trades", "restate_new_trades", "forget_unchanged"):
            await self.conn.execute(SQL[name], words)


async def count_restated(conn: Connection, account_id: int, caused_by: int) -> int:
    """How many trades a link of the chain has changed."""
    found = await conn.execute(
        SQL["count_restated"], {"account_id": account_id, "caused_by": caused_by}
    )
    row = await found.fetchone()
    return int(row[0]) if row else 0
