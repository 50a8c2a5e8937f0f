"""Laying a leg in the database: load its state before an instant, drop what follows, lay it again.

The kernel is pure; this file only carries rows to it and back. Appending touches the new facts and
the open lots, whatever the history's length. A late row re-lays its leg from that row's instant on;
only an opening balance that turns out wrong, or a gap that closes, makes a stretch start over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg.rows import TupleRow

from fillbook.accounting.as_fills import as_fill, as_funding
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import BookState, Funding, FundingShare, LaidLeg, Line, StretchState
from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window
from fillbook.ledger import rows
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.copying import copy_rows

SQL = queries("laying.sql")

DERIVATION_VERSION = 1

_DROPS = ("drop_lines", "drop_matches", "drop_funding_shares")


@dataclass(frozen=True, slots=True)
class Task:
    """Lay a leg inside one proven piece of time, from an instant on.

    Facts count up to a sequence of the chain, that of the last proof: what was booked later waits.
    """

    name: LegName
    piece: Window
    since: datetime
    through: int
    joined: tuple[datetime, ...] = ()  # stretches that begin inside the piece: a gap has closed


@dataclass(frozen=True, slots=True)
class LegFacts:
    """What happened on a leg."""

    executions: tuple[Execution, ...]
    cash_flows: tuple[CashFlow, ...]

    @property
    def currency(self) -> str:
        """What its profit and loss are counted in."""
        if self.executions:
            return self.executions[0].currency
        return self.cash_flows[0].currency if self.cash_flows else ""

    @property
    def funding(self) -> list[Funding]:
        """The payments in the leg's own coin; others stay unattached rather than be added up."""
        return [as_funding(flow) for flow in self.cash_flows if flow.currency == self.currency]

    def laid_on(self, state: StretchState) -> LaidLeg:
        """What the kernel makes of these facts. Laying and verifying both go through here."""
        return lay(state, [as_fill(execution) for execution in self.executions], self.funding)

    @property
    def any(self) -> bool:
        """Whether anything happened."""
        return bool(self.executions or self.cash_flows)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Groups of matches whose completed trade was dropped, though some of the matches stay."""

    books: tuple[int, ...] = ()
    directions: tuple[int, ...] = ()
    entries: tuple[UUID, ...] = ()
    exits: tuple[UUID, ...] = ()

    def plus(
        self,
        books: Iterable[int],
        directions: Iterable[int],
        entries: Iterable[UUID],
        exits: Iterable[UUID],
    ) -> "Shrunk":
        """These and some more."""
        return Shrunk(
            (*self.books, *books),
            (*self.directions, *directions),
            (*self.entries, *entries),
            (*self.exits, *exits),
        )

    def columns(self) -> dict[str, object]:
        """As the columns that `trades_of_books` takes."""
        return {
            "shrunk_books": list(self.books),
            "shrunk_directions": list(self.directions),
            "shrunk_entries": list(self.entries),
            "shrunk_exits": list(self.exits),
        }


NOTHING_SHRUNK = Shrunk()


async def lay_leg(conn: Connection, account_id: int, task: Task) -> int:
    """Lay one leg; returns by how many its completed trades grew."""
    leg = _Leg(conn, account_id, task.name, task.piece, task.through)
    since = min((task.since, *task.joined))
    await leg.drop(since, stretches=(task.piece.starts_at, *task.joined))
    stretch = await leg.stretch()
    laid = None
    if stretch is not None and stretch.may_resume_at(since):
        laid = await leg.lay_from(await leg.load(stretch), since)
    if laid is None or laid.restart:
        since = task.piece.starts_at
        await leg.drop(since, stretches=(since,))
        laid = await leg.lay_from(StretchState(task.name, since), since)
    return await leg.save(laid, since) - leg.dropped


@dataclass(slots=True)
class _Leg:
    """One leg of one account, inside one proven piece of time."""

    conn: Connection
    account_id: int
    name: LegName
    piece: Window
    through: int
    facts: LegFacts = LegFacts((), ())
    dropped: int = 0  # completed trades
    shrunk: Shrunk = NOTHING_SHRUNK

    def _words(self, **more: object) -> dict[str, object]:
        return {
            "account_id": self.account_id,
            "category": self.name.category,
            "symbol": self.name.symbol,
            "leg": self.name.leg,
            **more,
        }

    async def _books(self) -> dict[int, str]:
        found = await self.conn.execute(SQL["books_of_leg"], self._words())
        return dict(await found.fetchall())

    async def drop(self, since: datetime, *, stretches: Sequence[datetime]) -> None:
        """Take away what was laid from an instant on."""
        words = self._words(since=since, stretches=list(stretches))
        books = await self._books()
        if books:
            words["books"] = list(books)
            for name in _DROPS:
                await self.conn.execute(SQL[name], words)
            gone_trades = await (await self.conn.execute(SQL["drop_trades"], words)).fetchone()
            assert gone_trades is not None
            self.dropped += gone_trades[0]
            self.shrunk = self.shrunk.plus(*gone_trades[1:])
        await self.conn.execute(SQL["drop_alarms"], words)
        gone = [at for at in stretches if at != self.piece.starts_at or since <= at]
        if gone:
            await self.conn.execute(SQL["drop_stretches"], self._words(stretches=gone))

    async def stretch(self) -> StretchState | None:
        """The stretch that begins with the piece, if anything was laid on it."""
        found = await self.conn.execute(
            SQL["stretch_of_leg"], self._words(started_at=self.piece.starts_at)
        )
        row = await found.fetchone()
        if row is None:
            return None
        qty, evidence, low, high, fixed_at = row
        return StretchState(
            name=self.name,
            started_at=self.piece.starts_at,
            opening_qty=qty,
            opening_evidence=evidence,
            opening_low=low,
            opening_high=high,
            opening_fixed_at=fixed_at,
            is_new=False,
        )

    async def load(self, stretch: StretchState) -> StretchState:
        """The stretch with its books as they stand now that the rest is dropped."""
        owners = await self._books()
        ends = await self._line_ends(list(owners))
        states = {
            book: BookState(
                bought=ends.get((book, 1), Decimal(0)), sold=ends.get((book, -1), Decimal(0))
            )
            for book in owners
        }
        matched = {book: min(state.bought, state.sold) for book, state in states.items()}
        what = {
            "account_id": self.account_id,
            "stretch": stretch.started_at,
            "books": list(matched),
            "matched": list(matched.values()),
        }
        lines = _by_book(await (await self.conn.execute(SQL["open_lines"], what)).fetchall())
        funding = _by_book(await (await self.conn.execute(SQL["open_funding"], what)).fetchall())
        books = {
            owners[book]: replace(
                state,
                open_lines=tuple(Line(*row) for row in lines.get(book, ())),
                funding=tuple(FundingShare(*row) for row in funding.get(book, ())),
            )
            for book, state in states.items()
        }
        return replace(stretch, books=books)

    async def _line_ends(self, books: list[int]) -> dict[tuple[int, int], Decimal]:
        found = await self.conn.execute(
            SQL["line_ends"],
            {"account_id": self.account_id, "books": books, "stretch": self.piece.starts_at},
        )
        return {(book, side): end for book, side, end in await found.fetchall()}

    async def lay_from(self, state: StretchState, since: datetime) -> LaidLeg:
        """Run the kernel over the facts from an instant to the end of the piece."""
        self.facts = await facts_of_leg(
            self.conn,
            self.account_id,
            self.name,
            Window(since, self.piece.ends_at),
            through=self.through,
        )
        return self.facts.laid_on(state)

    async def save(self, laid: LaidLeg, since: datetime) -> int:
        """Write what was laid; returns how many completed trades were written."""
        written = rows.of_leg(self.account_id, laid)
        if self.facts.any:
            await self._put_stretch(laid.stretch)
            await self._put_books(written.owners)
            for name, table in written.tables.items():
                await copy_rows(self.conn, SQL[name], table)
        elif not await self._has_facts_before(since):
            gone = self._words(stretches=[self.piece.starts_at])
            await self.conn.execute(SQL["drop_stretches"], gone)
        await self.conn.execute(SQL["drop_empty_books"], self._words())
        return await self._put_trades(written.owners, since)

    async def _has_facts_before(self, since: datetime) -> bool:
        if since <= self.piece.starts_at:
            return False
        before = Window(self.piece.starts_at, since)
        found = await facts_of_leg(
            self.conn, self.account_id, self.name, before, through=self.through
        )
        return found.any

    async def _put_stretch(self, stretch: StretchState) -> None:
        await self.conn.execute(
            SQL["put_stretch"],
            self._words(**rows.stretch_columns(stretch), started_at=stretch.started_at),
        )

    async def _put_trades(self, owners: Iterable[str], since: datetime) -> int:
        what = {
            "account_id": self.account_id,
            "books": [rows.book_number(self.name, owner) for owner in owners],
            "stretch": self.piece.starts_at,
            "since": since,
            "through": self.through,
            **self.shrunk.columns(),
        }
        grown = await self.conn.execute(SQL["drop_grown_trades"], what)
        put = await self.conn.execute(SQL["put_trades"] + "\n" + SQL["trades_of_books"], what)
        return put.rowcount - grown.rowcount

    async def _put_books(self, owners: Iterable[str]) -> None:
        for owner in owners:
            await self.conn.execute(
                SQL["put_book"],
                self._words(
                    book_id=rows.book_number(self.name, owner),
                    owner=owner,
                    currency=self.facts.currency,
                ),
            )


async def facts_of_leg(
    conn: Connection, account_id: int, name: LegName, window: Window, *, through: int
) -> LegFacts:
    """The latest readings, up to a sequence of the chain, of what happened on a leg in a window."""
    what = {
        "account_id": account_id,
        "category": name.category,
        "symbol": name.symbol,
        "leg": name.leg,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "through": through,
    }
    executions = await (await conn.execute(SQL["executions_of_leg"], what)).fetchall()
    flows = await (await conn.execute(SQL["cash_flows_of_leg"], what)).fetchall()
    return LegFacts(
        tuple(Execution(*row) for row in executions), tuple(CashFlow(*row) for row in flows)
    )


def _by_book(found: Iterable[TupleRow]) -> dict[int, list[TupleRow]]:
    grouped: dict[int, list[TupleRow]] = {}
    for book, *rest in found:
        grouped.setdefault(book, []).append(tuple(rest))
    return grouped
