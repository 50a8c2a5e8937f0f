"""What is known beside the executions of a leg, as far as the chain has got.

Terms, tag pattern, openings and prices are read once for a transaction; what goes by execution, who
owns it and what it was meant for, is read by chunk.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from re import Pattern
from typing import Literal
from uuid import UUID

from fillbook.accounting.as_fills import order_key_of
from fillbook.accounting.known import Known
from fillbook.accounting.valuation import Prices
from fillbook.domain.client_tag import compiled
from fillbook.domain.execution import Execution
from fillbook.domain.instrument import ContractKind, LegName
from fillbook.domain.order import Order
from fillbook.domain.statement import (
    Assign,
    Intent,
    OpeningBalance,
    Price,
    Statement,
    TagPattern,
    Terms,
)
from fillbook.domain.window import Window
from fillbook.ledger import stating
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries

SQL = queries("touched.sql")

_KINDS: dict[str, ContractKind] = {"inverse": "inverse", "spot": "spot", "option": "option"}


@dataclass(slots=True)
class Knowing:
    """What one account's figures rest on beside executions, up to a link of its chain."""

    conn: Connection
    account_id: int
    through: int
    terms: dict[tuple[str, str], Terms] = field(default_factory=dict)
    openings: dict[LegName, list[OpeningBalance]] = field(default_factory=dict)
    prices: Sequence[Price] | None = None  # read when the first foreign coin turns up
    tag_pattern: Pattern[str] | None = None
    any_assigned: bool = False
    any_intents: bool = False
    any_prices: bool = False
    any_orders: bool = False

    def of_leg(self, name: LegName, piece: Window) -> Known:
        """What is known of a leg in a piece of time, but for what goes by execution."""
        terms = self.terms.get((name.category, name.symbol))
        return Known(
            terms=terms or usual_terms(name.category, name.symbol),
            tag_pattern=self.tag_pattern,
            openings=tuple(
                said
                for said in self.openings.get(name, ())
                if piece.starts_at <= said.at < piece.ends_at
            ),
        )

    async def with_executions(self, known: Known, executions: Sequence[Execution]) -> Known:
        """The same with what goes by execution: who was said to own it, what it was meant for."""
        if not (self.any_assigned or self.any_intents or self.any_orders):
            return known
        orders: dict[UUID, Order] = {}
        if self.any_orders:
            orders = await self._orders({order_key_of(execution) for execution in executions})
        assigned: dict[UUID, Assign] = {}
        if self.any_assigned:
            keys = [execution.execution_key for execution in executions]
            for said in await self._stated("assign", keys):
                assert isinstance(said, Assign)
                assigned[said.execution_key] = said
        return replace(
            known,
            assigned=assigned,
            intents=await self._intents(executions, orders.values()) if self.any_intents else {},
            orders=orders,
        )

    async def with_prices(self, known: Known) -> Known:
        """The same with what coins were worth."""
        if not self.any_prices:
            return known
        if self.prices is None:
            found = await self.conn.execute(SQL["stated_prices"], self._words())
            read = [stating.read("price", body) for (body,) in await found.fetchall()]
            self.prices = Prices.of([price for price in read if isinstance(price, Price)])
        return replace(known, prices=self.prices)

    async def _intents(
        self, executions: Iterable[Execution], orders: Iterable[Order]
    ) -> dict[str, Intent]:
        ids = {execution.client_order_id for execution in executions}
        for order in orders:
            ids |= {order.client_order_id, order.parent_client_order_id}
        ids.discard("")
        found = await self._stated("intent", [stating.client_target(one) for one in ids])
        return {
            said.client_order_id: said
            for said in found
            if isinstance(said, Intent) and said.bot is not None
        }

    async def _stated(
        self, kind: Literal["assign", "intent"], targets: list[UUID]
    ) -> list[Statement]:
        found = await self.conn.execute(SQL["stated_of"], self._words(kind=kind, targets=targets))
        return [stating.read(kind, body) for _, body in await found.fetchall()]

    async def _orders(self, keys: set[UUID]) -> dict[UUID, Order]:
        found = await self.conn.execute(SQL["orders_of"], self._words(keys=list(keys)))
        return {row[0]: Order(*row) for row in await found.fetchall()}

    def _words(self, **more: object) -> dict[str, object]:
        return {"account_id": self.account_id, "through": self.through, **more}


def usual_terms(category: str, symbol: str) -> Terms:
    """What a contract is taken for while nothing is known of it."""
    return Terms(category, symbol, kind=_KINDS.get(category, "linear"))


async def knowing(conn: Connection, account_id: int, *, through: int) -> Knowing:
    """Read what is known of an account up to a link of its chain."""
    known = Knowing(conn, account_id, through)
    found = await conn.execute(SQL["stated_rules"], {"account_id": account_id, "through": through})
    for kind, _, body in await found.fetchall():
        match stating.read(kind, body):
            case Terms() as said:
                known.terms[said.category, said.symbol] = said
            case OpeningBalance() as said:
                known.openings.setdefault(said.name, []).append(said)
            case TagPattern() as said:
                known.tag_pattern = compiled(said.pattern) if said.pattern else None
    flags = await (await conn.execute(SQL["any_stated"], {"account_id": account_id})).fetchone()
    assert flags is not None
    known.any_assigned, known.any_intents, known.any_prices, known.any_orders = flags
    return known
