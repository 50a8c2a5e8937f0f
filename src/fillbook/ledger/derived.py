"""Laying a leg in the database: load its state before an instant, drop what follows, lay it again.

The kernel is pure; this file only carries rows to it and back, a chunk at a time. Appending touches
the new facts and the open lots, whatever the history's length. A late row re-lays its leg from that
row's instant on; only an opening balance that turns out wrong, or a gap that closes, makes a
stretch start over.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg.rows import TupleRow

from fillbook.accounting.leg import BookState, FundingShare, Line, StretchState
from fillbook.accounting.opening_balance import is_settled, narrowed
from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window
from fillbook.ledger import rows
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.copying import copy_rows
from fillbook.ledger.knowing import Knowing
from fillbook.ledger.leg_facts import Chunk, LegReader, read_leg
from fillbook.ledger.restating import Cause, Restating
from fillbook.ledger.statistics import keep_statistics

SQL = queries("laying.sql")
TOUCHED = queries("touched.sql")
TRADES = queries("trades.sql")

DERIVATION_VERSION = 2

_DROPS = ("drop_lines", "drop_matches", "drop_funding_shares")
LAID_MANY = 64  # facts at once that may change what the planner should know


@dataclass(frozen=True, slots=True)
class Task:
    """Lay a leg inside one laid piece of time, from an instant on."""

    name: LegName
    piece: Window
    since: datetime
    is_revised: bool = False  # a reading changed, or a fact explains an older one
    joined: tuple[datetime, ...] = ()  # stretches that begin inside the piece: a gap has closed

    @property
    def whole(self) -> "Task":
        """The same from the piece's start."""
        return replace(self, since=self.piece.starts_at)


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


async def all_tasks(
    known: Knowing, contracts: Collection[tuple[str, str]] | None = None
) -> list[Task]:
    """Every leg with facts, inside every piece of time in which it is laid, from its start.

    With contracts, given by category and symbol, only the legs of these.
    """
    names = sorted(known.openings)
    words = {
        "account_id": known.account_id,
        "categories": [name.category for name in names],
        "symbols": [name.symbol for name in names],
        "legs": [name.leg for name in names],
        "only_categories": None if contracts is None else [category for category, _ in contracts],
        "only_symbols": None if contracts is None else [symbol for _, symbol in contracts],
    }
    found = await known.conn.execute(TOUCHED["all_legs"], words)
    return tasks_of(await found.fetchall())


def tasks_of(found: Iterable[TupleRow]) -> list[Task]:
    """Rows of category, symbol, leg, piece and instant as tasks."""
    return [
        Task(LegName(category, symbol, leg), Window(piece.lower, piece.upper), at)
        for category, symbol, leg, piece, at in found
    ]


def together(tasks: Iterable[Task]) -> list[Task]:
    """One for each leg and piece, from the earliest instant, in a fixed order."""
    first: dict[tuple[LegName, Window], Task] = {}
    for task in tasks:
        key = task.name, task.piece
        before = first.get(key, task)
        first[key] = replace(
            before,
            since=min(before.since, task.since),
            is_revised=before.is_revised or task.is_revised,
            joined=tuple(sorted({*before.joined, *task.joined})),
        )
    return [first[key] for key in sorted(first)]


async def lay_leg(knowing: Knowing, task: Task, cause: Cause | None = None) -> int:
    """Lay one leg; returns by how many its completed trades grew.

    With a cause, trades that come out different from before are noted as restated.
    """
    reader = await read_leg(knowing, task.name, task.piece)
    restating = Restating(knowing.conn, knowing.account_id, task.name, cause) if cause else None
    leg = _Leg(knowing.conn, knowing.account_id, task.name, task.piece, reader, restating)
    since = min((task.since, *task.joined))
    await leg.drop(since, stretches=(task.piece.starts_at, *task.joined))
    stretch = await leg.stretch()
    laid = False
    if stretch is not None and await leg.may_resume(stretch, since):
        laid = await leg.lay_from(await leg.load(stretch), since)
    if not laid:
        since = task.piece.starts_at
        await leg.drop(since, stretches=(since,))
        laid = await leg.lay_from(await search_opening(reader, task.piece), since)
        assert laid, "a stretch that starts over knows its opening"
    await leg.tidy_up(since)
    return leg.grown


@dataclass(slots=True)
class _Leg:
    """One leg of one account, inside one laid piece of time."""

    conn: Connection
    account_id: int
    name: LegName
    piece: Window
    reader: LegReader
    restating: Restating | None
    grown: int = 0  # completed trades
    shrunk: Shrunk = NOTHING_SHRUNK
    any_fact: bool = False

    def _words(self, **more: object) -> dict[str, object]:
        return rows.leg_columns(self.account_id, self.name) | more

    async def _books(self) -> dict[int, str]:
        found = await self.conn.execute(SQL["books_of_leg"], self._words())
        return dict(await found.fetchall())

    async def drop(self, since: datetime, *, stretches: Sequence[datetime]) -> None:
        """Take away what was laid from an instant on."""
        words = self._words(since=since, stretches=list(stretches))
        books = await self._books()
        if books:
            words |= {"books": list(books), "owners": list(books.values())}
            if self.restating:
                await self.restating.stage(words)
            for name in _DROPS:
                await self.conn.execute(SQL[name], words)
            await self.conn.execute(TRADES["drop_trips"], words)
            gone_trades = await (await self.conn.execute(TRADES["drop_trades"], words)).fetchone()
            assert gone_trades is not None
            self.grown -= gone_trades[0]
            self.shrunk = self.shrunk.plus(*gone_trades[1:])
        await self.conn.execute(SQL["drop_alarms"], words)
        await self.conn.execute(SQL["drop_unattached"], words)
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
        qty, evidence, low, high, fixed_at, moved, moved_at = row
        return StretchState(
            name=self.name,
            started_at=self.piece.starts_at,
            opening_qty=qty,
            opening_evidence=evidence,
            opening_low=low,
            opening_high=high,
            opening_fixed_at=fixed_at,
            opening_moved=moved,
            opening_moved_at=moved_at,
            is_new=False,
        )

    async def may_resume(self, stretch: StretchState, since: datetime) -> bool:
        """Whether to go on from an instant. Which stated opening fits depends on the first fill."""
        if not stretch.may_resume_at(since):
            return False
        if not self.reader.known.openings or since <= self.piece.starts_at:
            return not self.reader.known.openings
        return await self.reader.any_fill(Window(self.piece.starts_at, since))

    async def load(self, stretch: StretchState) -> StretchState:
        """The stretch with its books as they stand now that the rest is dropped."""
        owners = await self._books()
        what = {
            "account_id": self.account_id,
            "stretch": stretch.started_at,
            "books": list(owners),
        }
        ends = {(book, side): end for book, side, end in await self._rows("line_ends", what)}
        trips: dict[int, Decimal] = dict(await self._rows("trip_starts", what))
        earned = {book: rest for book, *rest in await self._rows("realized", what)}
        states = {
            book: BookState(
                bought=ends.get((book, 1), Decimal(0)),
                sold=ends.get((book, -1), Decimal(0)),
                trip_start=trips.get(book, Decimal(0)),
                realized=earned.get(book, (Decimal(0), 0))[0],
                unvalued=earned.get(book, (Decimal(0), 0))[1],
            )
            for book in owners
        }
        what["matched"] = [min(state.bought, state.sold) for state in states.values()]
        lines = _by_book(await self._rows("open_lines", what))
        funding = _by_book(await self._rows("open_funding", what))
        books = {
            owners[book]: replace(
                state,
                open_lines=tuple(Line(*row) for row in lines.get(book, ())),
                funding=tuple(FundingShare(*row) for row in funding.get(book, ())),
            )
            for book, state in states.items()
        }
        return replace(stretch, books=books)

    async def _rows(self, name: str, what: dict[str, object]) -> list[TupleRow]:
        found = await self.conn.execute(SQL[name], what)
        return await found.fetchall()

    async def lay_from(self, state: StretchState, since: datetime) -> bool:
        """Lay chunk by chunk to the end of the piece; false when it must start over."""
        async for chunk in self.reader.chunks(Window(since, self.piece.ends_at)):
            laid = chunk.laid_on(state)
            if laid.restart:
                return False
            self.any_fact = self.any_fact or chunk.any or laid.stretch.is_laid
            await self._save(rows.of_leg(self.account_id, laid, chunk.currency), chunk)
            if len(chunk.executions) + len(chunk.cash_flows) >= LAID_MANY:
                await keep_statistics(self.conn, self.account_id)
            state = laid.stretch
        if self.any_fact:
            await self.conn.execute(
                SQL["put_stretch"],
                self._words(**rows.stretch_columns(state), started_at=state.started_at),
            )
        return True

    async def _save(self, written: rows.LegRows, chunk: Chunk) -> None:
        books = [rows.book_number(self.name, owner) for owner in written.owners]
        if books:
            terms = chunk.known.terms
            await self.conn.execute(
                SQL["put_books"],
                self._words(
                    books=books,
                    owners=list(written.owners),
                    currency=chunk.currency,
                    kind=terms.kind,
                    multiplier=terms.multiplier,
                    qty_min=terms.qty_min,
                ),
            )
        for name, table in written.tables.items():
            await copy_rows(self.conn, SQL[name], table)
        what = {
            "account_id": self.account_id,
            "books": books,
            "stretch": self.piece.starts_at,
            "since": chunk.window.starts_at,
            "through": self.reader.knowing.through,
            **self.shrunk.columns(),
        }
        if written.tables["copy_matches"] or self.shrunk.books:
            if self.restating:
                await self.restating.stage_grown(what)
            dropped = await self.conn.execute(TRADES["drop_grown_trades"], what)
            put = await self.conn.execute(
                TRADES["put_trades"] + "\n" + TRADES["trades_of_books"], what
            )
            self.grown += put.rowcount - dropped.rowcount
            self.shrunk = NOTHING_SHRUNK
        if written.trips:
            await self.conn.execute(
                TRADES["put_trips"] + "\n" + TRADES["trips_of_books"],
                what | written.trip_columns(),
            )

    async def tidy_up(self, since: datetime) -> None:
        """Leave no stretch without facts and no book without lines; note what was restated."""
        if not self.any_fact and not await self._has_facts_before(since):
            gone = self._words(stretches=[self.piece.starts_at])
            await self.conn.execute(SQL["drop_stretches"], gone)
        if self.restating:
            await self.restating.settle(since)
        await self.conn.execute(SQL["drop_empty_books"], self._words())

    async def _has_facts_before(self, since: datetime) -> bool:
        if since <= self.piece.starts_at:
            return False
        return await self.reader.any_fact(Window(self.piece.starts_at, since))


async def search_opening(reader: LegReader, piece: Window) -> StretchState:
    """A new stretch of a leg. One that takes several chunks needs its opening before the first."""
    stretch = StretchState(reader.name, piece.starts_at)
    if not await reader.needs_search(piece):
        return stretch
    async for chunk in reader.chunks(piece):
        stretch = narrowed(stretch, chunk.fills, chunk.known)
        if is_settled(stretch):
            break
    return replace(stretch, is_searched=True)


def _by_book(found: Iterable[TupleRow]) -> dict[int, list[TupleRow]]:
    grouped: dict[int, list[TupleRow]] = {}
    for book, *rest in found:
        grouped.setdefault(book, []).append(tuple(rest))
    return grouped
