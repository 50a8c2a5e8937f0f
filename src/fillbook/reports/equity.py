"""How did realised profit grow, day by day, and how far did it fall?

It is what closed trades earned, not what the account is worth. The curve starts at zero at the
beginning of the interval that is asked about.
"""

from dataclasses import dataclass
from datetime import datetime

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids, currencies
from fillbook.reports._basis import basis
from fillbook.reports._daily import Day, daily
from fillbook.reports._report import Basis, Query, Report, Table, table


@dataclass(frozen=True, slots=True)
class Equity:
    """The curve, its currency, and what it leaves out."""

    rows: tuple[Day, ...]
    currency: str
    other_currencies: tuple[str, ...]
    unvalued: int  # lot matches without a known figure, left out of every sum
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("equity", Day, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Equity:
    """Daily sums of lot matches, by the day of their exit."""
    accounts = await account_ids(conn, query)
    currency, others = await currencies(conn, accounts, query)
    days = await daily(conn, accounts, query, currency=currency)
    return Equity(
        rows=days,
        currency=currency,
        other_currencies=tuple(others),
        unvalued=sum(day.unvalued for day in days),
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


REPORT = Report(
    name="equity",
    title="Net PnL, realised",
    takes=frozenset(("account", "bot", "symbol", "exit_reason", "currency", "since", "until")),
    answer=answer,
)
