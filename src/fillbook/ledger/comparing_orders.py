"""What the fills of orders add up to, beside what each order itself says that it has filled.

An order's own sum is in its row as it was received; it is read from there, order by order.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from fillbook.accounting.reconciliation import OrderSums, Told
from fillbook.domain.observed import OrderTotal
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.comparing import Due, Orders, named_words
from fillbook.ledger.packing import unpack

SQL = queries("comparing_orders.sql")

ReadTotal = Callable[[bytes], OrderTotal | None]
ROWS_AT_ONCE = 2_000


async def filled_orders(
    conn: Connection,
    account_id: int,
    due: Due,
    asked: Iterable[tuple[str, str, str]],
    read: ReadTotal,
) -> Orders:
    """The orders of each symbol that say what they have filled, and those whose fills differ."""
    named = set(asked)
    counts: dict[tuple[str, str], int] = {}
    shown: list[OrderSums] = []
    async with conn.cursor(name=f"orders_{uuid4().hex}") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        await cursor.execute(SQL["filled_orders"], named_words(account_id, due, named))
        async for category, symbol, order_id, ordered_at, qty, first, last, codec, body in cursor:
            total = read(unpack(codec, bytes(body)))
            if total is None:
                continue
            counts[category, symbol] = counts.get((category, symbol), 0) + 1
            if total.qty != qty or (category, symbol, order_id) in named:
                name = (category, symbol, order_id)
                shown.append(_sums(name, due, (ordered_at, first, last), (qty, total)))
    return Orders(counts, shown)


def _sums(
    name: tuple[str, str, str],
    due: Due,
    times: tuple[datetime, datetime | None, datetime | None],
    figures: tuple[Decimal, OrderTotal],
) -> OrderSums:
    (category, symbol, order_id), (ordered_at, first, last) = name, times
    qty, total = figures
    last_at = max(last or ordered_at, total.updated_at)
    piece = next(
        (one for one in due.both.get(category, ()) if one.starts_at <= ordered_at < one.ends_at),
        None,
    )
    return OrderSums(
        category=category,
        symbol=symbol,
        order_id=order_id,
        currency="",
        told=(Told("filled_qty", qty, total.qty),),
        first_at=min(first or ordered_at, ordered_at),
        last_at=last_at,
        begins_inside=piece is not None,
        read_until=piece.ends_at if piece else last_at,
    )
