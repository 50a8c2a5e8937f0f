"""Which client ids does nothing read, so that nobody knows whose orders they were?

Counted by account and symbol, with samples of the newest ones. An id without a bot in it is no
harm if a person made the order; ids of one's own bots are a sign that their format is not known:
CLIENT_TAG_PATTERN says how they are written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Table, table

SAMPLES_MAX = 20

UNREAD: LiteralString = """
SELECT a.name, b.symbol, count(DISTINCT l.execution_key), min(l.executed_at), max(l.executed_at)
FROM derived.lines l
JOIN derived.books b USING (account_id, book_id)
JOIN ops.accounts a USING (account_id)
WHERE l.account_id = ANY(%(accounts)s) AND l.tag_unread
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
  AND (%(since)s::timestamptz IS NULL OR l.executed_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR l.executed_at < %(until)s)
GROUP BY a.name, b.symbol
ORDER BY count(DISTINCT l.execution_key) DESC, a.name, b.symbol
"""

SAMPLES: LiteralString = """
SELECT a.name, s.symbol, s.client_order_id, s.executions, s.last_at
FROM (
    SELECT l.account_id, e.symbol, e.client_order_id, count(DISTINCT l.execution_key) AS executions,
        max(l.executed_at) AS last_at
    FROM derived.lines l
    CROSS JOIN LATERAL (
        SELECT x.symbol, x.client_order_id FROM facts.executions x
        WHERE x.account_id = l.account_id AND x.execution_key = l.execution_key
        ORDER BY x.revision DESC LIMIT 1) AS e
    WHERE l.account_id = ANY(%(accounts)s) AND l.tag_unread
      AND (%(symbol)s::text IS NULL OR e.symbol = %(symbol)s)
      AND (%(since)s::timestamptz IS NULL OR l.executed_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR l.executed_at < %(until)s)
    GROUP BY l.account_id, e.symbol, e.client_order_id
) AS s
JOIN ops.accounts a USING (account_id)
ORDER BY s.last_at DESC, a.name, s.symbol, s.client_order_id
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class UnreadTags:
    """How many executions of a symbol have a client id that nothing reads."""

    account: str
    symbol: str
    executions: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """A client id that nothing reads."""

    account: str
    symbol: str
    client_order_id: str
    executions: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Tags:
    """Counts, and samples of them."""

    rows: tuple[UnreadTags, ...]
    samples: tuple[Sample, ...]
    total: int
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """Counts, then samples."""
        return (table("tags", UnreadTags, self.rows), table("samples", Sample, self.samples))


async def answer(conn: Connection, query: Query, *, now: datetime) -> Tags:
    """The client ids of the interval that nothing reads."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "symbol": query.symbol,
        "since": query.since,
        "until": query.until,
        "limit": min(query.rows_max, SAMPLES_MAX),
    }
    counted = await (await conn.execute(UNREAD, words)).fetchall()
    samples = await (await conn.execute(SAMPLES, words)).fetchall()
    rows = tuple(UnreadTags(*row) for row in counted)
    return Tags(
        rows=rows,
        samples=tuple(Sample(*row) for row in samples),
        total=sum(row.executions for row in rows),
        basis=await basis(conn, accounts, now=now, symbol=query.symbol),
    )


REPORT = Report(
    name="tags",
    title="Unread client ids",
    takes=frozenset(("account", "symbol", "since", "until", "limit")),
    answer=answer,
)
