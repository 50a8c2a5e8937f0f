"""What the ledger holds to be compared with a venue: legs, coins, orders, lines of the log.

All of it is read inside one snapshot. Legs and coins are read whole, for they are few. Orders and
lines are read for the time that was not compared yet, for what was told since, and for breaks that
are open, so that comparing costs what is new and not what is there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from psycopg.types.multirange import TimestamptzMultirange
from psycopg.types.range import TimestamptzRange

from fillbook.accounting.cash_chain import Step, reached
from fillbook.accounting.reconciliation import (
    NEAR,
    STALE,
    UNSETTLED,
    ZERO,
    Fill,
    OrderSums,
    OurCoin,
    OurLeg,
    Sight,
    Told,
)
from fillbook.domain.breaks import Way
from fillbook.domain.instrument import LegName
from fillbook.domain.window import Window, intersect, minus, union
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.proofs import as_windows

SQL = queries("comparing.sql")
KEPT = queries("breaks.sql")

TOUCHED_MAX = 20_000  # rows told since the last time; beyond them only their first and last count
UNREAD_MAX = 1_000  # rows that could not be read, the newest: they are a hint, and no figure
MOMENT = timedelta(milliseconds=1)
DAY = timedelta(days=1)
SECOND_LIST: Mapping[Way, str] = {  # beside the executions
    "closed_pnl": "closed_pnl",
    "cash": "account_log",
    "counts": "orders",
}

ByCategory = dict[str, list[Window]]
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """The time of each category in which something is to be compared, and that which may be."""

    way: Way
    both: ByCategory  # read by both lists
    pieces: ByCategory
    through: int

    def done(self, unsettled: ByCategory) -> Iterator[tuple[str, TimestamptzMultirange]]:
        """What need not be compared again: all but the edges, where orders may go on."""
        for category, windows in self.both.items():
            kept = [
                Window(one.starts_at, one.ends_at - UNSETTLED)
                for one in windows
                if one.length > UNSETTLED
            ]
            yield category, _ranges(minus(kept, union(unsettled.get(category, ()))))


@dataclass(frozen=True, slots=True)
class Amounts:
    """A figure of some lines of the log, and of the fills or payments that they speak of."""

    category: str
    symbol: str
    currency: str
    measure: str
    lines: int
    ours: Decimal
    theirs: Decimal
    around: Window


@dataclass(frozen=True, slots=True)
class Hints:
    """What else is known of legs: where fills are missing, and what could not be read."""

    around: Mapping[tuple[str, str], Window] = field(default_factory=dict)
    unread: frozenset[tuple[str, str]] = frozenset()  # streams and scopes with such rows
    unread_symbols: frozenset[tuple[str, str]] = frozenset()


async def legs(conn: Connection, account_id: int, sight: Sight) -> list[OurLeg]:
    """Every leg that was ever booked; of a category without any, one without a symbol."""
    words = {"account_id": account_id, "since": sight.asked_at - STALE}
    recent: dict[LegName, list[Fill]] = {}
    for category, symbol, leg, at, seq, signed in await _all(conn, "recent_fills", words):
        fills = recent.setdefault(LegName(category, symbol, leg), [])
        fills.append(Fill(at, seq, signed))
    found: list[OurLeg] = []
    for category, symbol, leg, since, until, opening, qty in await _all(conn, "legs", words):
        name = LegName(category, symbol or "", leg or "net")
        found.append(OurLeg(name, qty, opening or "", since, until, tuple(recent.get(name, ()))))
    return found


async def coins(conn: Connection, account_id: int, sight: Sight) -> list[OurCoin]:
    """Every coin that the account log tells of."""
    near = sight.asked_at - NEAR
    words = {"account_id": account_id, "near": near, "answered_at": sight.answered_at}
    lines: dict[str, list[Row]] = {}
    for row in await _all(conn, "coin_lines", words):
        lines.setdefault(row[0], []).append(row[1:])
    return [_coin(currency, rows, near, sight) for currency, rows in lines.items()]


def _coin(currency: str, rows: Sequence[Row], near: datetime, sight: Sight) -> OurCoin:
    steps = [Step(at, change, balance) for at, change, balance, *_ in rows]  # type: ignore[arg-type]
    before = [step for step in steps if step.at < near]
    late = [step for step in steps if near <= step.at <= sight.answered_at + NEAR]
    return OurCoin(
        currency=currency,
        ends=reached(before),
        near=tuple(step.balance for step in late if step.balance is not None),
        later=any(step.balance is None for step in late),
        is_whole=bool(rows[0][3]),
        read_until=rows[0][4],  # type: ignore[arg-type]
        last_at=before[-1].at if before else None,
    )


async def due(
    conn: Connection, account_id: int, way: Way, again: Mapping[str, list[Window]]
) -> Due:
    """What is to be compared: what is new, what was told since, and what is asked for again."""
    what = {"account_id": account_id}
    end = await (await conn.execute(SQL["chain_end"], what)).fetchone()
    both = {
        category: as_windows(pieces)
        for category, pieces in await _all(
            conn, "read_together", what | {"stream": SECOND_LIST[way]}
        )
    }
    known = {
        category: (as_windows(pieces), seq)
        for kept, category, pieces, seq in await (
            await conn.execute(KEPT["compared_time"], what)
        ).fetchall()
        if kept == way
    }
    since = min((seq for _, seq in known.values()), default=0)
    through = int(end[0]) if end else 0
    told = await _touched(conn, account_id, since, through) if known else {}
    pieces: ByCategory = {}
    for category, windows in both.items():
        before = known[category][0] if category in known else []
        fresh = minus(windows, before) + intersect(told.get(category, ()), windows)
        pieces[category] = union([*fresh, *intersect(again.get(category, ()), windows)])
    return Due(way, both, pieces, through)


async def _touched(conn: Connection, account_id: int, since: int, through: int) -> ByCategory:
    """When what was told since happened: each instant, or from when until when if it is much."""
    words = {"account_id": account_id, "since": since, "is_much": through - since > TOUCHED_MAX}
    found = await _all(conn, "touched_since", words)
    return {category: as_windows(pieces) for category, pieces in found}


async def put_due(
    conn: Connection, account_id: int, due: Due, unsettled: ByCategory | None = None
) -> None:
    """Remember what was compared, but for what is to be looked at again."""
    for category, pieces in due.done(unsettled or {}):
        words = {
            "account_id": account_id,
            "way": due.way,
            "category": category,
            "pieces": pieces,
            "through_seq": due.through,
        }
        await conn.execute(KEPT["put_compared_time"], words)


@dataclass(frozen=True, slots=True)
class Orders:
    """How many orders of each symbol were compared, and those that are off."""

    counts: Mapping[tuple[str, str], int]
    shown: Sequence[OrderSums]


async def closing_orders(
    conn: Connection, account_id: int, due: Due, asked: Iterable[tuple[str, str, str]]
) -> Orders:
    """Orders that closed something, beside what the venue counts for them."""
    words = named_words(account_id, due, asked)
    counts: dict[tuple[str, str], int] = {}
    shown: list[OrderSums] = []
    for row in await _all(conn, "closing_orders", words):
        counts[row[0], row[1]] = row[2]
        if row[3] is not None:
            shown.append(_order(row, due.both.get(row[0], [])))
    return Orders(counts, shown)


def _order(row: tuple, both: Sequence[Window]) -> OrderSums:  # type: ignore[type-arg]
    (category, symbol, _, order_id, currency, our_qty, their_qty, our_value, their_value, our_fee,
     their_fee, tolerance, first_at, last_at, ordered_at) = row  # fmt: skip
    told = [Told("closed_qty", our_qty, their_qty)]
    if our_value is not None and their_value is not None:
        told.append(Told("exit_value", our_value, their_value, tolerance))
    if our_fee is not None and their_fee is not None:
        told.append(Told("close_fee", our_fee, their_fee, tolerance))
    piece = next((one for one in both if one.starts_at <= last_at < one.ends_at), None)
    begun = ordered_at if ordered_at is not None else first_at - DAY
    return OrderSums(
        category=category,
        symbol=symbol,
        order_id=order_id,
        currency=currency,
        told=tuple(told),
        first_at=first_at,
        last_at=last_at,
        begins_inside=piece is not None and piece.starts_at <= begun,
        read_until=piece.ends_at if piece else last_at,
    )


async def amounts(conn: Connection, account_id: int, due: Due) -> list[Amounts]:
    """Fees and funding of the log's lines that are not those of the fills they speak of."""
    return [
        Amounts(category, symbol, currency, measure, lines, ours, theirs, _around(first, last))
        for category, symbol, currency, measure, lines, ours, theirs, first, last in await _all(
            conn, "log_amounts", _pieces(account_id, due)
        )
    ]


async def witnessed_symbols(
    conn: Connection, account_id: int, due: Due
) -> dict[tuple[str, str], int]:
    """How many fills and payments of each symbol the log speaks of."""
    found = await _all(conn, "witnessed_symbols", _pieces(account_id, due))
    return {(category, symbol): count for category, symbol, count in found}


@dataclass(frozen=True, slots=True)
class Disputed:
    """Fills of a symbol that one of two witnesses leaves out."""

    category: str
    symbol: str
    missing_in: str
    count: int
    around: Window


async def disputes(conn: Connection, account_id: int) -> list[Disputed]:
    """Where the list of executions and the account log do not tell the same fills."""
    found = await _all(conn, "log_disputes", {"account_id": account_id})
    return [
        Disputed(category, symbol, missing_in, count, _around(first, last))
        for category, symbol, missing_in, count, first, last in found
    ]


async def chains(conn: Connection, account_id: int) -> list[Amounts]:
    """Coins whose balances do not add up along the log."""
    found = await _all(conn, "log_chains", {"account_id": account_id})
    return [
        Amounts("", "", currency, "chain", count, ZERO, off, _around(first, last))
        for currency, count, off, first, last in found
    ]


async def hints(conn: Connection, account_id: int, disputed: Iterable[Disputed]) -> Hints:
    """Where fills are likely to be missing."""
    what = {"account_id": account_id}
    around: dict[tuple[str, str], Window] = {}
    for category, symbol, _, first, last in await _all(conn, "misfits", what):
        around[category, symbol] = _around(first, last)
    unread: set[tuple[str, str]] = set()
    for one in disputed:
        around[one.category, one.symbol] = one.around
        if one.missing_in == "readings":
            unread.add((one.category, one.symbol))
    rows = await _all(conn, "unread_rows", what | {"rows_max": UNREAD_MAX})
    lists = frozenset((stream, scope) for stream, scope in rows)
    return Hints(around, lists, frozenset(unread))


async def _all(conn: Connection, query: str, words: Mapping[str, object]) -> list:  # type: ignore[type-arg]
    return await (await conn.execute(SQL[query], words)).fetchall()


def named_words(
    account_id: int, due: Due, asked: Iterable[tuple[str, str, str]]
) -> dict[str, object]:
    """The time in which orders are looked for, and those that are asked for, as columns."""
    named = list(asked)
    return _pieces(account_id, due) | {
        "asked_categories": [category for category, _, _ in named],
        "asked_symbols": [symbol for _, symbol, _ in named],
        "asked_orders": [order for _, _, order in named],
    }


def _pieces(account_id: int, due: Due) -> dict[str, object]:
    kept = {category: windows for category, windows in due.pieces.items() if windows}
    return {
        "account_id": account_id,
        "categories": list(kept),
        "pieces": [_ranges(windows) for windows in kept.values()],
    }


def _ranges(windows: Iterable[Window]) -> TimestamptzMultirange:
    return TimestamptzMultirange([TimestamptzRange(one.starts_at, one.ends_at) for one in windows])


def _around(first: datetime, last: datetime) -> Window:
    return Window(first, last + MOMENT)
