"""What stands on one page of a window, and how is the next one asked for?

Both bounds are always sent: with one alone the venue answers another stretch of time. No kind of
row is filtered out. The cursor goes back byte for byte. The end is an empty list or an empty
cursor, never a short page. Rows are cut out of the answer exactly as they stand there.

An answer to another question would prove a window falsely. So a page is refused when it names
another category, when no row of it lies near the window, and when none of its rows has a field of
the history that was asked for.
"""

from dataclasses import replace

import msgspec

from fillbook.domain.raw import Page, RawRecord
from fillbook.domain.window import Window, milliseconds
from fillbook.errors import VenueUnavailable
from fillbook.venues.bybit.histories import EXECUTIONS, History
from fillbook.venues.bybit.identity import CATEGORIES
from fillbook.venues.bybit.option_walk import BaseCoins
from fillbook.venues.bybit.session import Question, Session, is_word

CURSOR_LENGTH_MAX = 2_000
ROWS_MAX = 10_000
OPTION = "option"


class Listing(msgspec.Struct):
    """The rows of an answer, and the cursor to the next ones."""

    list: list[msgspec.Raw]
    nextPageCursor: str | None = None  # noqa: N815 - the venue's own spelling
    category: str | None = None


class _Rows(msgspec.Struct):
    rows: list[msgspec.Raw]
    nextPageCursor: str | None = None  # noqa: N815


_LISTING = msgspec.json.Decoder(Listing)
_ROWS = msgspec.json.Decoder(_Rows)


async def ask_page(
    session: Session,
    history: History,
    scope: str,
    window: Window,
    cursor: str | None,
    *,
    coins: BaseCoins,
) -> Page:
    """One page of a window. Options are walked coin by coin behind one cursor."""
    if history.path != EXECUTIONS.path or scope != OPTION:
        return await _ask(session, history, scope, window, cursor)
    place = coins.place_of(cursor)
    of_coin = replace(history, words=(*history.words, ("baseCoin", place.coin)))
    page = await _ask(session, of_coin, scope, window, place.cursor)
    return replace(page, next_cursor=coins.next_cursor(place, page.next_cursor))


async def _ask(
    session: Session, history: History, scope: str, window: Window, cursor: str | None
) -> Page:
    asked = question(history, scope, window, cursor)
    return await session.ask(asked, lambda result: read_page(history, scope, window, result))


def question(history: History, scope: str, window: Window, cursor: str | None) -> Question:
    """Ask for a page of a window."""
    starts_at = milliseconds(window.starts_at - history.rules.bound_slack)
    words = [("category", scope)] if scope in CATEGORIES else []
    words += [
        *history.words,
        ("startTime", str(starts_at)),
        ("endTime", str(milliseconds(window.ends_at))),
        ("limit", str(history.rules.page_rows_max)),
    ]
    if cursor is not None:
        words.append(("cursor", cursor))
    return Question(history.path, words)


def read_page(history: History, scope: str, window: Window, result: msgspec.Raw) -> Page:
    """The page in a result; raises `VenueUnavailable` for what is not the page asked for."""
    listing = listing_in(history, scope, result)
    records: list[RawRecord] = []
    times: list[int] = []
    for raw in listing.list:
        body = bytes(raw)
        key, at = history.glance(scope, body)
        records.append(RawRecord(key, body))
        times.extend(at)
    _check_rows(history, records)
    _check_times(history, window, times)
    return Page(tuple(records), _next_cursor(listing))


def listing_in(history: History, scope: str, result: msgspec.Raw) -> Listing:
    """The rows in a result, uncut; raises `VenueUnavailable` where none are listed."""
    try:
        listing = _decoded(history, result)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        listing = None
    if listing is None:
        name = history.rules.name
        raise VenueUnavailable(f"Bybit's answer carries no list of {name}; try again later")
    # Where a scope is no category, none is asked for, and an answer that names one is no matter.
    is_other = scope in CATEGORIES and listing.category not in (None, "", scope)
    if is_other or len(listing.list) > ROWS_MAX:
        raise VenueUnavailable("Bybit answered another question than the one asked; try again")
    return listing


def _decoded(history: History, result: msgspec.Raw) -> Listing:
    if history.list_name == "list":
        return _LISTING.decode(result)
    found = _ROWS.decode(result)
    return Listing(list=found.rows, nextPageCursor=found.nextPageCursor)


def _next_cursor(listing: Listing) -> str | None:
    cursor = listing.nextPageCursor
    if not listing.list or not cursor:
        return None
    if len(cursor) > CURSOR_LENGTH_MAX or not is_word(cursor):
        raise VenueUnavailable("Bybit's cursor cannot be sent back; try again later")
    return cursor


def _check_rows(history: History, records: list[RawRecord]) -> None:
    objects = [record.body for record in records if record.body.startswith(b"{")]
    if records and not any(name in body for body in objects for name in history.own):
        name = history.rules.name
        raise VenueUnavailable(f"Bybit answered with rows that are no {name}; try again")


def _check_times(history: History, window: Window, times: list[int]) -> None:
    first = milliseconds(window.starts_at - history.near)
    last = milliseconds(window.ends_at + history.near)
    if times and not any(first <= at <= last for at in times):
        raise VenueUnavailable(f"Bybit answered for another time than {window}; try again")
