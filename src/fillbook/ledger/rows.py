"""What laying a leg writes, as rows. Laying and verifying both write through here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fillbook.accounting.leg import Alarm, LaidBook, LaidLeg, Match, StretchState, Trip, Unattached
from fillbook.domain.instrument import LegName
from fillbook.domain.money import plain
from fillbook.domain.raw import digest_key

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class LegRows:
    """Rows by the COPY statement that takes them, and the owners of the books concerned."""

    owners: tuple[str, ...]
    tables: dict[str, list[Row]]
    trips: tuple[tuple[int, Trip], ...] = ()  # with the number of their book

    def trip_columns(self) -> dict[str, object]:
        """Round trips as the columns that `trips_of_books` takes."""
        return {
            "trip_books": [book for book, _ in self.trips],
            "trip_starts": [trip.start for _, trip in self.trips],
            "trip_ends": [trip.end for _, trip in self.trips],
            "trip_times": [trip.ended_at for _, trip in self.trips],
        }


def book_number(name: LegName, owner: str) -> int:
    """A book's number: a digest, so that it is the same whenever and wherever it is laid."""
    digest = digest_key("book", name.category, name.symbol, name.leg, owner)
    return int.from_bytes(digest.bytes[:8], "big", signed=True)


def leg_columns(account_id: int, name: LegName) -> dict[str, object]:
    """A leg of an account, as queries name it."""
    return {
        "account_id": account_id,
        "category": name.category,
        "symbol": name.symbol,
        "leg": name.leg,
    }


def stretch_columns(stretch: StretchState) -> dict[str, object]:
    """What the stretch's row says of its opening."""
    return {
        "opening_qty": stretch.opening_qty,
        "opening_evidence": stretch.opening_evidence,
        "opening_low": stretch.opening_low,
        "opening_high": stretch.opening_high,
        "opening_fixed_at": stretch.opening_fixed_at,
        "opening_moved": stretch.opening_moved,
        "opening_moved_at": stretch.opening_moved_at,
    }


def of_leg(account_id: int, laid: LaidLeg, currency: str) -> LegRows:
    """All rows that laying a leg adds."""
    stretch = laid.stretch
    tables: dict[str, list[Row]] = {
        "copy_lines": [],
        "copy_matches": [],
        "copy_funding_shares": [],
        "copy_alarms": [_alarm(account_id, stretch, alarm) for alarm in laid.alarms],
        "copy_unattached": [
            _unattached(account_id, stretch, cost, currency) for cost in laid.unattached
        ],
    }
    owners: list[str] = []
    trips: list[tuple[int, Trip]] = []
    for book in laid.books:
        if not (book.lines or book.matches or book.funding):
            continue
        owners.append(book.owner)
        number = book_number(stretch.name, book.owner)
        start = (account_id, number, stretch.started_at)
        tables["copy_lines"].extend(_lines(start, book))
        tables["copy_matches"].extend(_match(start, match) for match in book.matches)
        tables["copy_funding_shares"].extend(_funding(start, book))
        trips += [(number, trip) for trip in book.trips]
    return LegRows(tuple(owners), tables, tuple(trips))


Start = tuple[int, int, datetime]


def _lines(start: Start, book: LaidBook) -> Iterator[Row]:
    for line in book.lines:
        yield (
            *start, line.side, line.start, line.end, line.at, line.rank, line.key, line.order_key,
            line.share_start, line.execution_qty, line.price, line.fee, line.reason, line.evidence,
            line.value, line.owner_evidence, line.tag_unread,
        )  # fmt: skip


def _match(start: Start, match: Match) -> Row:
    entry, leave = match.entry, match.exit
    return (
        *start, match.start, match.end, match.direction, entry.key, leave.key, entry.order_key,
        leave.order_key, entry.at, leave.at, entry.price, leave.price, match.gross,
        match.entry_fee, match.exit_fee, match.funding, entry.reason, entry.evidence,
        match.exit_reason, leave.evidence, match.entry_value, match.exit_value,
        plain(match.realized), match.unvalued,
    )  # fmt: skip


def _funding(start: Start, book: LaidBook) -> Iterator[Row]:
    for part in book.funding:
        yield (*start, part.key, part.at, part.start, part.end, part.amount)


def _alarm(account_id: int, stretch: StretchState, alarm: Alarm) -> Row:
    name = stretch.name
    return (
        account_id, name.category, name.symbol, name.leg, stretch.started_at, alarm.at, alarm.rank,
        alarm.kind, alarm.key,
    )  # fmt: skip


def _unattached(account_id: int, stretch: StretchState, cost: Unattached, currency: str) -> Row:
    name = stretch.name
    return (
        account_id, name.category, name.symbol, name.leg, stretch.started_at, cost.at, cost.kind,
        cost.key, currency, cost.amount,
    )  # fmt: skip
