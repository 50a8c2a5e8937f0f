"""Which bots are known, how, and what have they done?

A bot is registered by its owner, stands in REGISTERED_BOTS, or was only seen in client tags. Client
ids that nothing reads are counted for whoever was given those executions by hand; the others are in
the report `tags`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Table, table

BOTS: LiteralString = """
WITH seen AS (
    -- Within one book an execution is one line.
    SELECT b.owner, count(l.execution_key) AS executions,
        count(l.execution_key) FILTER (WHERE l.tag_unread) AS unread,
        min(l.executed_at) FILTER (WHERE l.execution_key IS NOT NULL) AS first_at,
        max(l.executed_at) FILTER (WHERE l.execution_key IS NOT NULL) AS last_at
    FROM derived.books b
    JOIN derived.lines l USING (account_id, book_id)
    WHERE b.account_id = ANY(%(accounts)s) AND b.owner <> 'unassigned'
      AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
    GROUP BY b.owner
),
traded AS (
    SELECT bot_id, count(*) AS trades FROM derived.completed_trades
    WHERE account_id = ANY(%(accounts)s) AND (%(bot)s::text IS NULL OR bot_id = %(bot)s)
    GROUP BY bot_id
)
SELECT coalesce(k.bot_id, s.owner), coalesce(k.bot_name, ''), coalesce(k.bot_type, ''),
    coalesce(k.status, ''), coalesce(k.deployment_mode, ''),
    coalesce(k.known_from, 'seen, not registered'),
    coalesce(s.executions, 0), coalesce(t.trades, 0), s.first_at, s.last_at, coalesce(s.unread, 0)
FROM (SELECT * FROM facts.bots WHERE %(bot)s::text IS NULL OR bot_id = %(bot)s) AS k
FULL JOIN seen s ON s.owner = k.bot_id
LEFT JOIN traded t ON t.bot_id = coalesce(k.bot_id, s.owner)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot, how it is known, and what it has done."""

    bot_id: str
    bot_name: str
    bot_type: str
    status: str
    deployment_mode: str
    known_as: str  # registered, setting, or seen, not registered
    executions: int
    trades: int
    first_seen: datetime | None
    last_seen: datetime | None
    unread_tags: int


@dataclass(frozen=True, slots=True)
class Bots:
    """Every bot, by name."""

    rows: tuple[Bot, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("bots", Bot, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Bots:
    """The bots that are known."""
    accounts = await account_ids(conn, query)
    words = {"accounts": accounts, "bot": query.bot}
    found = await (await conn.execute(BOTS, words)).fetchall()
    return Bots(rows=tuple(Bot(*row) for row in found), basis=await basis(conn, accounts, now=now))


REPORT = Report(
    name="bots",
    title="Bots",
    takes=frozenset(("account", "bot")),
    answer=answer,
)
