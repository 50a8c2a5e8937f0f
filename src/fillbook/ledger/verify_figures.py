"""Verifying figures: lay every leg from its facts in memory and compare with the derived rows."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from fillbook.accounting.leg import StretchState
from fillbook.domain.instrument import LegName
from fillbook.ledger import rows
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.derived import NOTHING_SHRUNK, Task, facts_of_leg
from fillbook.ledger.rebuild import all_tasks, covered_by_windows

SQL = queries("verify.sql")
LAYING = queries("laying.sql")

Difference = tuple[str, str]  # the table, and what differs there

_TABLES = {
    "copy_lines": "derived.lines",
    "copy_matches": "derived.lot_matches",
    "copy_funding_shares": "derived.funding_shares",
    "copy_alarms": "derived.alarms",
}
_LAID = {
    "copy_lines": "laid_lines",
    "copy_matches": "laid_matches",
    "copy_funding_shares": "laid_funding_shares",
    "copy_alarms": "laid_alarms",
}
_KEY_COLUMNS = {
    "copy_lines": (1, 2, 3, 5),
    "copy_matches": (1, 2, 3),
    "copy_funding_shares": (1, 2, 3),
    "copy_alarms": (1, 2, 3, 4, 5, 6, 7),
}
_TRADE_KEY = (1,)


def first_difference(want: Sequence[object], have: Sequence[object]) -> str:
    """The first column in which two rows differ."""
    for column, (wanted, found) in enumerate(zip(want, have, strict=True)):
        if wanted != found:
            return f"column {column + 1} is {found!s:.60}, it must be {wanted!s:.60}"
    return "the rows differ"


@dataclass(slots=True)
class _Counted:
    """Rows seen so far, to notice rows that belong to no leg."""

    tables: dict[str, int]
    stretches: dict[tuple[object, ...], tuple[object, ...]]
    books: dict[int, tuple[object, ...]]
    trades: int = 0


async def figures_differ(conn: Connection, account_id: int) -> AsyncIterator[Difference]:
    """Every difference of the derived rows; ("leg", name) is said once for each leg laid."""
    counted = _Counted(dict.fromkeys(_TABLES, 0), {}, {})
    by_leg: dict[LegName, list[Task]] = {}
    for covered in await covered_by_windows(conn, account_id):
        for task in await all_tasks(conn, account_id, covered):
            by_leg.setdefault(task.name, []).append(task)
    for name, tasks in sorted(by_leg.items()):
        yield "leg", str(name)
        async for difference in _leg_differs(conn, account_id, name, tasks, counted):
            yield difference
    async for difference in _rest_differs(conn, account_id, counted):
        yield difference


async def _leg_differs(
    conn: Connection, account_id: int, name: LegName, tasks: Sequence[Task], counted: _Counted
) -> AsyncIterator[Difference]:
    expected: dict[str, list[rows.Row]] = {table: [] for table in _TABLES}
    for task in tasks:
        facts = await facts_of_leg(conn, account_id, name, task.piece, through=task.through)
        laid = facts.laid_on(StretchState(task.name, task.piece.starts_at))
        written = rows.of_leg(account_id, laid)
        for table, table_rows in written.tables.items():
            expected[table] += table_rows
        counted.stretches[_stretch_key(task)] = tuple(rows.stretch_columns(laid.stretch).values())
        for owner in written.owners:
            number = rows.book_number(name, owner)
            counted.books[number] = (name.category, name.symbol, name.leg, owner, facts.currency)
    what = {
        "account_id": account_id,
        "category": name.category,
        "symbol": name.symbol,
        "leg": name.leg,
        "books": [book for book, row in counted.books.items() if row[:3] == _words(name)],
    }
    for table, table_rows in expected.items():
        found = await (await conn.execute(SQL[_LAID[table]], what)).fetchall()
        counted.tables[table] += len(found)
        for text in _compare(table_rows, found, _KEY_COLUMNS[table]):
            yield _TABLES[table], f"{name.symbol}: {text}"
    async for difference in _trades_differ(conn, name, tasks, what, counted):
        yield difference


def _words(name: LegName) -> tuple[str, str, str]:
    return name.category, name.symbol, name.leg


def _stretch_key(task: Task) -> tuple[object, ...]:
    return (*_words(task.name), task.piece.starts_at)


async def _trades_differ(
    conn: Connection,
    name: LegName,
    tasks: Sequence[Task],
    what: dict[str, object],
    counted: _Counted,
) -> AsyncIterator[Difference]:
    expected: list[rows.Row] = []
    for task in tasks:
        since = {"stretch": task.piece.starts_at, "since": task.piece.starts_at}
        whole = what | since | {"through": task.through} | NOTHING_SHRUNK.columns()
        found = await conn.execute(LAYING["trades_of_books"], whole)
        expected += await found.fetchall()
    stored = await (await conn.execute(SQL["laid_trades"], what)).fetchall()
    counted.trades += len(stored)
    for text in _compare(expected, stored, _TRADE_KEY):
        yield "derived.completed_trades", f"{name.symbol}: {text}"


def _compare(
    expected: Sequence[rows.Row], found: Sequence[rows.Row], key: tuple[int, ...]
) -> Iterator[str]:
    want = {tuple(row[place] for place in key): row for row in expected}
    have = {tuple(row[place] for place in key): row for row in found}
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
    seen = (*counted.tables.values(), counted.trades)
    for name, total, count in zip(
        (*_TABLES.values(), "derived.completed_trades"), totals, seen, strict=True
    ):
        if total != count:
            yield name, f"{total - count} rows belong to no book that facts make"
