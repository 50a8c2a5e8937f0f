"""What legs earned from flat to flat, beside what the venue counted meanwhile.

A venue prices what is closed by the average of what was open, the ledger by the first that came in.
Inside a position both differ; from one flat instant to another they come to the same sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fillbook.accounting.flat_to_flat import Counted, LegFill, LegHistory
from fillbook.domain.instrument import LegName
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries

SQL = queries("comparing_trips.sql")


@dataclass(frozen=True, slots=True)
class Since:
    """A leg, what it holds now, and from when on its fills are looked at."""

    name: LegName
    held: Decimal
    since: datetime


async def histories(
    conn: Connection, account_id: int, legs: Mapping[LegName, Since]
) -> list[LegHistory]:
    """The fills of some legs, each since an instant, and the closes that the venue counts."""
    if not legs:
        return []
    words = {
        "account_id": account_id,
        "categories": [name.category for name in legs],
        "symbols": [name.symbol for name in legs],
        "legs": [name.leg for name in legs],
        "since": [one.since for one in legs.values()],
    }
    fills: dict[LegName, list[LegFill]] = {}
    kinds: dict[LegName, tuple[str, str]] = {}
    for category, symbol, leg, at, order_id, signed, cash, fee, currency, kind in await (
        await conn.execute(SQL["leg_fills"], words)
    ).fetchall():
        name = LegName(category, symbol, leg)
        kinds[name] = (currency, kind)
        fills.setdefault(name, []).append(LegFill(at, order_id, signed, cash, fee))
    counted: dict[LegName, list[Counted]] = {}
    for row in await (await conn.execute(SQL["counted"], words)).fetchall():
        category, symbol, leg, at, order_id, pnl, fees, is_session = row
        one = Counted(at, order_id, pnl, fees, is_session=is_session)
        counted.setdefault(LegName(category, symbol, leg), []).append(one)
    return [
        LegHistory(name, *kinds[name], legs[name].held, tuple(found), tuple(counted.get(name, ())))
        for name, found in fills.items()
    ]
