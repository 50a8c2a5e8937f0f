"""What does the account hold of each symbol, all bots and legs together?

One bot's long and another's short cancel here as they do at the venue. A symbol with a leg whose
opening balance is not known, or that no fill has told of since a gap, has no known sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from fillbook.domain.money import EXACT
from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._held import UNKNOWN, Position, held
from fillbook.reports._report import Amount, Basis, Query, Report, Table, table

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class NetPosition:
    """What an account holds of a symbol."""

    account: str
    exchange: str
    category: str
    symbol: str
    side: str  # Buy is long, Sell is short, empty is flat; unknown
    quantity: Amount | None
    long_quantity: Amount | None
    short_quantity: Amount | None
    unrealized_pnl: Amount | None
    books: int


@dataclass(frozen=True, slots=True)
class NetPositions:
    """The net positions at an instant."""

    rows: tuple[NetPosition, ...]
    as_of: datetime
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("net_positions", NetPosition, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> NetPositions:
    """Sums over books."""
    accounts = await account_ids(conn, query)
    books = sorted(await held(conn, accounts, query, now=now), key=_key)
    return NetPositions(
        rows=tuple(_net(key, tuple(group)) for key, group in groupby(books, key=_key)),
        as_of=query.as_of or now,
        basis=await basis(conn, accounts, now=now, until=query.as_of, symbol=query.symbol),
    )


def _key(position: Position) -> Key:
    return position.account, position.exchange, position.category, position.symbol


def _net(key: Key, books: Sequence[Position]) -> NetPosition:
    account, exchange, category, symbol = key
    bought = _sum([book.quantity for book in books if book.side == "Buy"])
    sold = _sum([book.quantity for book in books if book.side == "Sell"])
    assert bought is not None
    assert sold is not None
    known = all(book.side != UNKNOWN for book in books)
    net = EXACT.subtract(bought, sold)
    return NetPosition(
        account=account,
        exchange=exchange,
        category=category,
        symbol=symbol,
        side=("Buy" if net > 0 else "Sell" if net < 0 else "") if known else UNKNOWN,
        quantity=abs(net) if known else None,
        long_quantity=bought if known else None,
        short_quantity=sold if known else None,
        unrealized_pnl=_sum([book.unrealized_pnl for book in books]),
        books=len(books),
    )


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """The sum; unknown as soon as one of them is."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return total


REPORT = Report(
    name="net_positions",
    title="Net positions",
    takes=frozenset(("account", "symbol", "as_of")),
    answer=answer,
)
