"""What does each bot hold, now or at any past instant?

Only what is held is listed. A leg whose opening balance is not known, or that no fill has told of
since a gap, is a row that says so. `realized_pnl` is what is known: `unvalued` counts the matches
that it leaves out, because their net profit is not known.
"""

from dataclasses import dataclass
from datetime import datetime

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._held import Position, held
from fillbook.reports._report import Basis, Query, Report, Table, table


@dataclass(frozen=True, slots=True)
class Positions:
    """The positions of every book at an instant."""

    rows: tuple[Position, ...]
    as_of: datetime
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("positions", Position, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Positions:
    """What the books hold; an instant in the past is answered as fast as now."""
    accounts = await account_ids(conn, query)
    return Positions(
        rows=await held(conn, accounts, query, now=now),
        as_of=query.as_of or now,
        basis=await basis(conn, accounts, now=now, until=query.as_of, symbol=query.symbol),
    )


REPORT = Report(
    name="positions",
    title="Positions",
    takes=frozenset(("account", "bot", "symbol", "as_of")),
    answer=answer,
)
