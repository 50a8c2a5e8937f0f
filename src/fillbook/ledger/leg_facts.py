"""The facts of a leg, in chunks of a bounded size, oldest first.

A chunk never splits an instant, because the order within an instant is found from all of its fills.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from fillbook.accounting.as_fills import as_fill, as_funding
from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import Fill, LaidLeg, StretchState
from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.knowing import Knowing
from fillbook.ledger.rows import leg_columns

SQL = queries("touched.sql")

CHUNK_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """What happened on a leg in a part of time."""

    window: Window
    executions: tuple[Execution, ...]
    cash_flows: tuple[CashFlow, ...]
    known: Known
    currency: str
    is_last: bool

    @property
    def any(self) -> bool:
        """Whether anything happened."""
        return bool(self.executions or self.cash_flows)

    @property
    def fills(self) -> list[Fill]:
        """The fills behind the executions."""
        return [as_fill(execution, self.known) for execution in self.executions]

    def laid_on(self, state: StretchState) -> LaidLeg:
        """What the kernel makes of it. Laying and verifying both go through here."""
        funding = [as_funding(flow, self.known, self.currency) for flow in self.cash_flows]
        return lay(state, self.fills, funding, self.known)


@dataclass(frozen=True, slots=True)
class LegReader:
    """Reads one leg's latest readings up to a link of the chain."""

    conn: Connection
    account_id: int
    name: LegName
    knowing: Knowing
    known: Known
    currency: str

    async def chunks(self, window: Window) -> AsyncIterator[Chunk]:
        """The chunks of a window; at least one, which may be empty."""
        at, limit = window.starts_at, CHUNK_ROWS
        while at < window.ends_at:
            words = self._words(Window(at, window.ends_at))
            found = await self.conn.execute(SQL["executions_of_leg"], words | {"limit": limit + 1})
            executions = [Execution(*row) for row in await found.fetchall()]
            until = window.ends_at
            if len(executions) > limit:  # the last instant may go on: it belongs to the next chunk
                until = executions[-1].executed_at
                if until == executions[0].executed_at:
                    limit *= 2  # a burst that fills a chunk
                    continue
                executions = [row for row in executions if row.executed_at < until]
            yield await self._chunk(Window(at, until), executions, is_last=until == window.ends_at)
            at, limit = until, CHUNK_ROWS

    async def _chunk(self, window: Window, executions: list[Execution], *, is_last: bool) -> Chunk:
        found = await self.conn.execute(SQL["cash_flows_of_leg"], self._words(window))
        flows = [CashFlow(*row) for row in await found.fetchall()]
        known = await self.knowing.with_executions(self.known, executions)
        if any(one.fee_currency != one.currency for one in executions) or any(
            flow.currency != self.currency for flow in flows
        ):
            known = await self.knowing.with_prices(known)
        return Chunk(
            window=window,
            executions=tuple(executions),
            cash_flows=tuple(flows),
            known=known,
            currency=self.currency,
            is_last=is_last,
        )

    async def any_fact(self, window: Window) -> bool:
        """Whether anything happened in a window."""
        return await self.any_fill(window) or await self._says("any_payment", window)

    async def any_fill(self, window: Window) -> bool:
        """Whether a fill stands in a window."""
        return await self._says("any_fill", window)

    async def needs_search(self, window: Window) -> bool:
        """Whether the opening must be searched for before laying: several chunks, and evidence."""
        return await self._says("is_long_and_told", window, offset=CHUNK_ROWS)

    async def _says(self, name: str, window: Window, **more: object) -> bool:
        found = await self.conn.execute(SQL[name], self._words(window) | more)
        row = await found.fetchone()
        return row is not None and bool(row[0])

    def _words(self, window: Window) -> dict[str, object]:
        return leg_columns(self.account_id, self.name) | {
            "starts_at": window.starts_at,
            "ends_at": window.ends_at,
            "through": self.knowing.through,
        }


async def read_leg(knowing: Knowing, name: LegName, piece: Window) -> LegReader:
    """A reader of a leg inside one laid piece of time, with the openings that are stated of it."""
    words = leg_columns(knowing.account_id, name) | {"through": knowing.through}
    found = await (await knowing.conn.execute(SQL["leg_currency"], words)).fetchone()
    return LegReader(
        conn=knowing.conn,
        account_id=knowing.account_id,
        name=name,
        knowing=knowing,
        known=knowing.of_leg(name, piece),
        currency=found[0] if found else "",
    )
