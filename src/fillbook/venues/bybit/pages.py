"""What stands on one page of a window, and how is the next one asked for?

Both bounds are always sent: with one alone the venue answers another stretch of time. No kind of
row is filtered out. The cursor goes back byte for byte. The end is an empty list or an empty
cursor, never a short page. Rows are cut out of the answer exactly as they stand there.
"""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from fillbook.domain.raw import Page, RawRecord
from fillbook.domain.window import Window, milliseconds
from fillbook.errors import VenueUnavailable
from fillbook.venues._contract import StreamRules
from fillbook.venues.bybit.identity import execution_key, unread_key
from fillbook.venues.bybit.parse import milliseconds_in
from fillbook.venues.bybit.rows import Row, has_extra_fees, read_row
from fillbook.venues.bybit.session import Question, is_word

EXECUTIONS_PATH = "/v5/execution/list"
CURSOR_LENGTH_MAX = 2_000
ROWS_MAX = 10_000
# A venue may read a bound as it likes; rows this far outside are no sign of another question.
_NEAR_MS = 1_000
_IDENTITY = frozenset(("symbol", "execId", "orderId", "side"))


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page, and how many of its rows list costs that no reading contains yet."""

    page: Page
    extra_fee_rows: int


class _Listing(msgspec.Struct):
    list: list[msgspec.Raw]
    nextPageCursor: str | None = None  # noqa: N815 - the venue's own spelling
    category: str | None = None


_LISTING = msgspec.json.Decoder(_Listing)


def question(rules: StreamRules, category: str, window: Window, cursor: str | None) -> Question:
    """Ask for a page of a window."""
    starts_at = milliseconds(window.starts_at - rules.bound_slack)
    words = [
        ("category", category),
        ("startTime", str(starts_at)),
        ("endTime", str(milliseconds(window.ends_at))),
        ("limit", str(rules.page_rows_max)),
    ]
    if cursor is not None:
        words.append(("cursor", cursor))
    return Question(EXECUTIONS_PATH, words)


def read_page(category: str, window: Window, result: msgspec.Raw) -> ReadPage:
    """The page in a result; raises `VenueUnavailable` for what is not the page asked for."""
    try:
        listing = _LISTING.decode(result)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        listing = None
    if listing is None:
        raise VenueUnavailable("Bybit's answer carries no list of executions; try again later")
    if listing.category not in (None, "", category) or len(listing.list) > ROWS_MAX:
        raise VenueUnavailable("Bybit answered another question than the one asked; try again")
    records: list[RawRecord] = []
    times: list[int] = []
    extra_fee_rows = 0
    for raw in listing.list:
        body = bytes(raw)
        row, damaged = read_row(body)
        records.append(RawRecord(_key(category, row, damaged, body), body))
        if row is not None:
            extra_fee_rows += has_extra_fees(row)
            at = milliseconds_in(row.execTime)
            if at is not None:
                times.append(at)
    _check_times(window, times)
    return ReadPage(Page(tuple(records), _next_cursor(listing)), extra_fee_rows)


def _key(category: str, row: Row | None, damaged: tuple[str, ...], body: bytes) -> UUID:
    if row is None or not (row.symbol and row.execId and row.side):
        return unread_key(category, body)
    if damaged and not _IDENTITY.isdisjoint(damaged):
        return unread_key(category, body)
    return execution_key(category, row.symbol, row.execId, row.orderId, row.side)


def _next_cursor(listing: _Listing) -> str | None:
    cursor = listing.nextPageCursor
    if not listing.list or not cursor:
        return None
    if len(cursor) > CURSOR_LENGTH_MAX or not is_word(cursor):
        raise VenueUnavailable("Bybit's cursor cannot be sent back; try again later")
    return cursor


def _check_times(window: Window, times: list[int]) -> None:
    """An answer to another window would prove this one falsely: no row of it lies inside."""
    first = milliseconds(window.starts_at) - _NEAR_MS
    last = milliseconds(window.ends_at) + _NEAR_MS
    if times and not any(first <= at <= last for at in times):
        raise VenueUnavailable(f"Bybit answered for another time than {window}; try again")
