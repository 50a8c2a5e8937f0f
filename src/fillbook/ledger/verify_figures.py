"""Verifying figures: lay every leg from its facts in memory and compare with the derived rows.

A chunk at a time: what a chunk lays must be what is stored in its interval of time.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import LiteralString

from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window
from fillbook.ledger import rows
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.derived import NOTHING_SHRUNK, Task, all_tasks, search_opening
from fillbook.ledger.knowing import Knowing
from fillbook.ledger.leg_facts import Chunk, read_leg
from fillbook.ledger.rebuild import known_to_count

SQL = queries("verify.sql")
TRADES = queries("trades.sql")

DIFFERENT_MAX = 20  # trades named at most

Difference = tuple[str, str]  # the table, and what differs there


@dataclass(frozen=True, slots=True)
class _Table:
    """A derived table: how its rows of an interval are read, and which columns are its key."""

    name: str
    query: str
    key: tuple[int, ...]


_TABLES = {
    "copy_lines": _Table("derived.lines", "laid_lines", (1, 2, 3, 5)),
    "copy_matches": _Table("derived.lot_matches", "laid_matches", (1, 2, 3)),
    "copy_funding_shares": _Table("derived.funding_shares", "laid_funding_shares", (1, 2, 3)),
    "copy_alarms": _Table("derived.alarms", "laid_alarms", (1, 2, 3, 4, 5, 6, 7)),
    "copy_unattached": _Table("derived.unattached", "laid_unattached", (1, 2, 3, 4, 6, 7)),
}
_TRADES = _Table("derived.completed_trades", "laid_trades", (1,))
_TRIPS = _Table("derived.round_trips", "laid_trips", (1, 2, 3))


def first_difference(want: Sequence[object], have: Sequence[object]) -> str:
    """The first column in which two rows differ."""
    for column, (wanted, found) in enumerate(zip(want, have, strict=True)):
        if wanted != found:
            return f"column {column + 1} is {found!s:.60}, it must be {wanted!s:.60}"
    return "the rows differ"


@dataclass(slots=True)
class _Counted:
    """Rows seen so far, to notice rows that belong to no leg."""

    tables: dict[str, int] = field(default_factory=dict)
    stretches: dict[tuple[object, ...], tuple[object, ...]] = field(default_factory=dict)
    books: dict[int, tuple[object, ...]] = field(default_factory=dict)

    def add(self, table: _Table, count: int) -> None:
        """Some more rows of a table."""
        self.tables[table.name] = self.tables.get(table.name, 0) + count


async def figures_differ(conn: Connection, account_id: int) -> AsyncIterator[Difference]:
    """Every difference of the derived rows; ("leg", name) is said once for each leg laid."""
    counted = _Counted()
    known = await known_to_count(conn, account_id)
    seen: set[LegName] = set()
    for task in await all_tasks(known):
        if task.name not in seen:
            seen.add(task.name)
            yield "leg", str(task.name)
        async for difference in _stretch_differs(known, task, counted):
            yield difference
    async for difference in _rest_differs(conn, account_id, counted):
        yield difference


async def _stretch_differs(
    known: Knowing, task: Task, counted: _Counted
) -> AsyncIterator[Difference]:
    reader = await read_leg(known, task.name, task.piece)
    state = await search_opening(reader, task.piece)
    any_fact = False
    async for chunk in reader.chunks(task.piece):
        laid = chunk.laid_on(state)
        state = laid.stretch
        any_fact = any_fact or chunk.any or state.is_laid
        written = rows.of_leg(known.account_id, laid, chunk.currency)
        _count_books(task.name, written, chunk, counted)
        what = _words(known.account_id, task, chunk.window, counted)
        for name, table in _TABLES.items():
            async for difference in _differs(
                known.conn, table, task.name, written.tables[name], what, counted
            ):
                yield difference
        trips = await known.conn.execute(TRADES["trips_of_books"], what | written.trip_columns())
        expected = await trips.fetchall() if written.trips else []
        async for difference in _differs(known.conn, _TRIPS, task.name, expected, what, counted):
            yield difference
    if any_fact:
        columns = tuple(rows.stretch_columns(state).values())
        counted.stretches[*_leg(task.name), task.piece.starts_at] = columns
    async for difference in _trades_differ(known, task, counted):
        yield difference


def _count_books(name: LegName, written: rows.LegRows, chunk: Chunk, counted: _Counted) -> None:
    terms = chunk.known.terms
    for owner in written.owners:
        counted.books[rows.book_number(name, owner)] = (
            *_leg(name), owner, chunk.currency, terms.kind, terms.multiplier, terms.qty_min,
        )  # fmt: skip


def _leg(name: LegName) -> tuple[str, str, str]:
    return name.category, name.symbol, name.leg


def _words(account_id: int, task: Task, window: Window, counted: _Counted) -> dict[str, object]:
    name = task.name
    return rows.leg_columns(account_id, name) | {
        "stretch": task.piece.starts_at,
        "since": window.starts_at,
        "until": window.ends_at,
        "books": [book for book, row in counted.books.items() if row[:3] == _leg(name)],
    }


async def _trades_differ(
    known: Knowing, task: Task, counted: _Counted
) -> AsyncIterator[Difference]:
    """The server compares trades, which are grouped over chunks, and names those that differ."""
    what = _words(known.account_id, task, task.piece, counted)
    what |= {"through": known.through, "limit": DIFFERENT_MAX} | NOTHING_SHRUNK.columns()
    grouped, stored = _query(TRADES["trades_of_books"]), _query(SQL["laid_trades"])
    expected = await known.conn.execute(_only_in(grouped, stored), what)
    found = await known.conn.execute(_only_in(stored, grouped), what)
    for text in _compare(await expected.fetchall(), await found.fetchall(), _TRADES.key):
        yield _TRADES.name, f"{task.name.symbol}: {text}"
    counts = await known.conn.execute(SQL["count_trades"], what)
    row = await counts.fetchone()
    assert row is not None
    counted.add(_TRADES, row[0])


def _only_in(left: LiteralString, right: LiteralString) -> LiteralString:
    return f"({left}) EXCEPT ({right}) LIMIT %(limit)s"


def _query(named: LiteralString) -> LiteralString:
    return named.rstrip().rstrip(";")


async def _differs(
    conn: Connection,
    table: _Table,
    name: LegName,
    expected: Sequence[rows.Row],
    what: dict[str, object],
    counted: _Counted,
) -> AsyncIterator[Difference]:
    found = await (await conn.execute(SQL[table.query], what)).fetchall()
    counted.add(table, len(found))
    for text in _compare(expected, found, table.key):
        yield table.name, f"{name.symbol}: {text}"


def _compare(
    expected: Sequence[rows.Row], found: Sequence[rows.Row], key: tuple[int, ...]
) -> Iterator[str]:
    want = {tuple(row[place] for place in key): row for row in expected}
    have = {tuple(row[place] for place in key): row for row in found}
    if want == have:
        return
    for missing in want.keys() - have.keys():
        yield f"the row {_named(missing)} is missing"
    for extra in have.keys() - want.keys():
        yield f"the row {_named(extra)} should not be there"
    for both in want.keys() & have.keys():
        if tuple(want[both]) != tuple(have[both]):
            yield f"the row {_named(both)}: {first_difference(want[both], have[both])}"


def _named(key: tuple[object, ...]) -> str:
    return " ".join(str(word) for word in key)


async def _rest_differs(
    conn: Connection, account_id: int, counted: _Counted
) -> AsyncIterator[Difference]:
    """Stretches and books as a whole, and rows that belong to no leg."""
    what = {"account_id": account_id}
    stretches = await (await conn.execute(SQL["all_stretches"], what)).fetchall()
    want = [(*key, *columns) for key, columns in counted.stretches.items()]
    for text in _compare(want, stretches, (0, 1, 2, 3)):
        yield "derived.stretches", text
    books = await (await conn.execute(SQL["all_books"], what)).fetchall()
    want = [(number, *columns) for number, columns in counted.books.items()]
    for text in _compare(want, books, (0,)):
        yield "derived.books", text
    totals = (await (await conn.execute(SQL["count_laid"], what)).fetchall())[0]
    for table, total in zip((*_TABLES.values(), _TRADES, _TRIPS), totals, strict=True):
        count = counted.tables.get(table.name, 0)
        if total != count:
            yield table.name, f"{total - count} rows belong to no book that facts make"
