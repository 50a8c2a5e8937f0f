"""Which units are still open, now or at any past instant, and what did each of them cost?

Oldest first within a book: in that order they will be closed. A lot is what is left of one
execution; one that was held before proven history has no execution.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Amount, Basis, Query, Report, Table, table
from fillbook.reports._standing import BOOKS, LOTS, MARKS

OPEN_LOTS: LiteralString = (
    """
SELECT
    a.name, a.venue, b.category, b.symbol, b.leg, b.owner,
    CASE WHEN held.qty > 0 THEN 'Buy' ELSE 'Sell' END, o.qty, o.price, o.cost, o.commission,
    CASE
        WHEN %(as_of)s::timestamptz IS NOT NULL THEN NULL
        WHEN b.kind = 'inverse'
            THEN held.side * (o.cost - o.qty * b.multiplier / nullif(k.mark_price, 0))
        ELSE held.side * (k.mark_price * o.qty * b.multiplier - o.cost) END,
    b.currency, o.executed_at, o.reason, o.evidence, o.owner_evidence, e.execution_id, e.order_id
FROM"""  # noqa: S608 - literals only
    + BOOKS
    + "CROSS JOIN LATERAL ("
    + LOTS
    + """) AS o
LEFT JOIN LATERAL (
    SELECT x.execution_id, x.order_id FROM facts.executions x
    WHERE x.account_id = b.account_id AND x.execution_key = o.execution_key
    ORDER BY x.revision DESC LIMIT 1) AS e ON true
"""
    + MARKS
    + """
WHERE b.account_id = ANY(%(accounts)s) AND held.qty <> 0 AND st.opening_evidence <> 'unknown'
  AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
  AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
ORDER BY a.name, b.symbol, b.category, b.leg, b.owner, o.unit_end
LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of one execution."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    side: str
    quantity: Amount
    price: Amount | None
    cost: Amount | None
    commission: Amount | None  # the open units' part of the fee
    unrealized_pnl: Amount | None
    currency: str
    opened_at: datetime
    entry_reason: str
    entry_reason_evidence: str
    owner_evidence: str
    execution_id: str | None
    order_id: str | None


@dataclass(frozen=True, slots=True)
class Lots:
    """The open lots of every book at an instant."""

    rows: tuple[Lot, ...]
    as_of: datetime
    is_cut: bool  # there are more than the limit lets through
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("lots", Lot, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Lots:
    """The lots that were open at the query's instant."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "as_of": query.as_of,
        "at": query.as_of or now,
        "bot": query.bot,
        "symbol": query.symbol,
        "limit": query.rows_max + 1,
    }
    found = await (await conn.execute(OPEN_LOTS, words)).fetchall()
    return Lots(
        rows=tuple(Lot(*row) for row in found[: query.rows_max]),
        as_of=query.as_of or now,
        is_cut=len(found) > query.rows_max,
        basis=await basis(conn, accounts, now=now, until=query.as_of, symbol=query.symbol),
    )


REPORT = Report(
    name="lots",
    title="Open lots",
    takes=frozenset(("account", "bot", "symbol", "as_of", "limit")),
    answer=answer,
)
