"""The contract of a report, and how one is asked. A new report is one public file in this folder.

A report's module ends with `REPORT`: its name, its title, the parts of a query that it heeds, and
the function that reads the answer inside one snapshot. A part that a report does not heed is
refused, so that no figure looks narrower than it is. An answer has a `basis` (what it rests on) and
tables of typed rows. A table's columns are the fields of its row, so that the command line, the
API, the page and the documentation render every report in one way and with the same figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Generic, Literal, Protocol, TypeVar, get_args, get_type_hints

from psycopg.errors import QueryCanceled

from fillbook.domain import money
from fillbook.errors import DatabaseUnavailable, NotFound, UsageError
from fillbook.ledger._pool import Connection, Pool, snapshot

Kind = Literal["amount", "count", "percent", "time", "text", "duration"]
Part = Literal[
    "account",
    "bot",
    "symbol",
    "exit_reason",
    "currency",
    "trade",
    "since",
    "until",
    "as_of",
    "by",
    "zone",
    "limit",
    "cursor",
]
Period = Literal["day", "week", "month"]

ROWS_MAX = 1000
ROWS_USUAL = 100
SECONDS_MAX = 20
YEAR_MIN, YEAR_MAX = 1971, 9000
WORD_LENGTH_MAX = 300

# What a field of a row means, where its type alone does not say it.
Amount = Annotated[Decimal, "amount"]
Percent = Annotated[Decimal, "percent"]
Seconds = Annotated[int, "duration"]

_KINDS: Mapping[object, Kind] = {
    Decimal: "amount",
    int: "count",
    datetime: "time",
    str: "text",
    bool: "text",
}
_SHORT = {"pnl": "PnL", "pct": "%", "avg": "average", "qty": "quantity"}
# As the command line and the API spell them.
_SPOKEN = {"since": "from", "until": "to"}

# Plans are made for the values at hand: one kept from when the tables were empty scans them whole.
BOUNDED = """
SELECT set_config('statement_timeout', %(milliseconds)s, true),
       set_config('plan_cache_mode', 'force_custom_plan', true)
"""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a report. None: no bound."""

    account: str | None = None
    bot: str | None = None
    symbol: str | None = None
    exit_reason: str | None = None
    currency: str | None = None
    trade: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    by: Period | None = None
    zone: str | None = None
    limit: int | None = None
    cursor: str | None = None

    def __post_init__(self) -> None:
        for at in (self.since, self.until, self.as_of):
            if at is not None and at.tzinfo is None:
                raise UsageError("A time needs a time zone: end it with Z for UTC.")
            if at is not None and not YEAR_MIN <= at.year <= YEAR_MAX:
                raise UsageError(f"A time lies in the years {YEAR_MIN} to {YEAR_MAX}.")
        if self.since and self.until and self.since >= self.until:
            raise UsageError("The interval is empty: `from` must lie before `to`.")
        if self.limit is not None and not 1 <= self.limit <= ROWS_MAX:
            raise UsageError(f"The limit is from 1 to {ROWS_MAX} rows.")
        if self.by is not None and self.by not in get_args(Period):
            raise UsageError(f"Sums are made by {', '.join(get_args(Period))}.")
        words = (
            self.account, self.bot, self.symbol, self.exit_reason, self.currency, self.trade,
            self.zone, self.cursor,
        )  # fmt: skip
        if not all(word is None or _storable(word) for word in words):
            raise UsageError("A filter is too long, or holds what no text in the ledger can hold.")

    @property
    def rows_max(self) -> int:
        """How many rows are wanted."""
        return ROWS_USUAL if self.limit is None else self.limit

    def filters(self) -> dict[str, object]:
        """What narrows the rows, under the names that queries give it."""
        names = ("bot", "symbol", "exit_reason", "since", "until")
        return {name: getattr(self, name) for name in names}

    def parts(self) -> frozenset[str]:
        """The parts that were asked for."""
        return frozenset(f.name for f in fields(self) if getattr(self, f.name) is not None)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on: how much of its interval is proven, and how fresh that is."""

    percent: Percent | None  # of the requested time that is read; None: nothing was requested yet
    gaps: int
    alarms: int  # fills that do not fit their position chain: a sign that one is missing
    read_until: datetime | None  # the earliest end of all streams
    age_seconds: Seconds | None  # how long ago that was
    newest_fact: datetime | None
    not_fresh: str | None = None  # why it is older than it should be, where a service should run


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one type, and what their fields mean."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[object]


class Answer(Protocol):
    """What every report's answer has beside its own fields."""

    @property
    def basis(self) -> Basis:
        """What it rests on."""
        ...

    def tables(self) -> tuple[Table, ...]:
        """All of it, for whoever renders; the first table is the report's own."""
        ...


Answered_co = TypeVar("Answered_co", bound=Answer, covariant=True)


class Asking(Protocol[Answered_co]):
    """The function that reads a report's answer."""

    async def __call__(self, conn: Connection, query: Query, *, now: datetime) -> Answered_co:
        """Read it inside a snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class Report(Generic[Answered_co]):
    """One question, and how it is answered."""

    name: str
    title: str
    takes: frozenset[Part]
    answer: Asking[Answered_co]


async def ask(
    pool: Pool, report: Report[Answered_co], query: Query, *, now: datetime
) -> Answered_co:
    """Put a query to a report, in one snapshot and within a time limit."""
    refused = query.parts() - report.takes
    if refused:
        words = ", ".join(sorted(_SPOKEN.get(word, word) for word in refused))
        raise UsageError(f"The report {report.name} does not take: {words}.")
    if query.as_of is not None and query.as_of > now:
        raise UsageError("That instant lies in the future: nobody knows yet what is held then.")
    try:
        async with snapshot(pool) as conn:
            await conn.execute(BOUNDED, {"milliseconds": str(SECONDS_MAX * 1000)})
            return await report.answer(conn, query, now=now)
    except QueryCanceled as error:
        raise DatabaseUnavailable(
            f"The database took longer than {SECONDS_MAX} s: ask for a shorter interval."
        ) from error


@cache
def all_reports() -> tuple[Report[Answer], ...]:
    """Every report: one for each public module of this folder."""
    package = import_module(__package__ or "")
    names = sorted(m.name for m in iter_modules(package.__path__) if not m.name.startswith("_"))
    return tuple(import_module(f"{__package__}.{name}").REPORT for name in names)


def find(name: str) -> Report[Answer]:
    """The report of that name."""
    for report in all_reports():
        if report.name == name.replace("-", "_"):
            return report
    known = ", ".join(report.name for report in all_reports())
    raise NotFound(f"There is no report of that name; there are: {known}.")


def table(name: str, row: type, rows: Sequence[object]) -> Table:
    """A table of rows of one type."""
    return Table(name, columns_of(row), rows)


@cache
def columns_of(row: type) -> tuple[Column, ...]:
    """The columns of a row's type: one for each field, in their order."""
    hints = get_type_hints(row, include_extras=True)
    return tuple(Column(f.name, _title(f.name), _kind(hints[f.name])) for f in fields(row))


def cell(value: object, kind: Kind) -> str | None:
    """A value as canonical text, the same wherever it is shown; None where it is not known."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f") if kind == "percent" else money.text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _storable(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in word and len(word) <= WORD_LENGTH_MAX


def _title(name: str) -> str:
    words = [_SHORT.get(word, word) for word in name.removesuffix("_seconds").split("_")]
    joined = " ".join(words)
    return joined[:1].upper() + joined[1:]


def _kind(hint: object) -> Kind:
    """The kind of a field, found through `X | None` and through what its type is annotated with."""
    for kind in getattr(hint, "__metadata__", ()):
        if kind in get_args(Kind):
            found: Kind = kind
            return found
    if isinstance(hint, type):
        return _KINDS[hint]
    if get_args(hint) and all(isinstance(word, str) for word in get_args(hint)):
        return "text"  # one word out of several
    return _kind(next(inner for inner in get_args(hint) if inner is not type(None)))
