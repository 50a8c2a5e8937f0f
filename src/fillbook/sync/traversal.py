"""Reading one window to its end, page by page, and booking the pages as they come.

The venue is read ahead of the ledger by a few pages; what has piled up is booked in one
transaction. A window ends well only at the venue's own end of the list. A cursor that repeats, or a
window with more pages than the budget, ends it unproven, with the reason.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fillbook.domain.account import Account
from fillbook.domain.raw import Page
from fillbook.domain.window import Window
from fillbook.errors import VenueRequestError, WindowUnproven
from fillbook.ledger import facts, runs
from fillbook.ledger._pool import Pool
from fillbook.ledger.facts import Source
from fillbook.ledger.leases import Lease
from fillbook.ledger.runs import Run
from fillbook.ledger.writing import writing
from fillbook.venues._contract import StreamRules, Venue

PAGES_MAX = 500  # per window; more rows than that want a shorter window
PAGES_AHEAD_MAX = 8
CURSOR_RESTARTS_MAX = 3

Clock = Callable[[], datetime]


class TooManyPages(WindowUnproven):
    """The window holds more pages than one traversal may read."""


class _CursorLost(Exception):
    """The venue no longer knows the cursor: begin the window again."""


@dataclass(frozen=True, slots=True)
class Reader:
    """All that reading needs, handed in."""

    pool: Pool
    venue: Venue
    account: Account
    rules: StreamRules
    scope: str
    lease: Lease
    run: Run
    clock: Clock


@dataclass(frozen=True, slots=True)
class Traversed:
    """A window read to its end."""

    window: Window
    pages: int
    row_count: int
    read_at: datetime
    run_id: UUID


async def traverse(reader: Reader, window: Window) -> Traversed:
    """Read and book a whole window. A lost cursor begins it again; booking twice does no harm."""
    for _ in range(CURSOR_RESTARTS_MAX):
        with suppress(_CursorLost):
            return await _once(reader, window)
    raise WindowUnproven(
        f"The venue dropped the cursor {CURSOR_RESTARTS_MAX} times in this window."
    )


async def _once(reader: Reader, window: Window) -> Traversed:
    queue: asyncio.Queue[Page | None] = asyncio.Queue(PAGES_AHEAD_MAX)
    fetching = asyncio.create_task(_fetch(reader, window, queue))
    pages = row_count = 0
    try:
        ended = False
        while not ended:
            batch, ended = await _take(queue)
            if batch:
                pages += len(batch)
                row_count += await _book(reader, batch)
        await fetching
    finally:
        fetching.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await fetching
    return Traversed(window, pages, row_count, reader.clock(), reader.run.run_id)


async def _fetch(reader: Reader, window: Window, queue: asyncio.Queue[Page | None]) -> None:
    """Walk to the end of the list. The end, or an error, is said by None."""
    try:
        await _walk(reader, window, queue)
    except Exception:
        await queue.put(None)
        raise
    await queue.put(None)


async def _walk(reader: Reader, window: Window, queue: asyncio.Queue[Page | None]) -> None:
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(PAGES_MAX):
        page = await _page(reader, window, cursor)
        reader.run.requests = reader.venue.requests
        await queue.put(page)
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in seen:
            raise WindowUnproven("The venue's cursor repeats, so the end cannot be reached.")
        seen.add(cursor)
    raise TooManyPages


async def _page(reader: Reader, window: Window, cursor: str | None) -> Page:
    try:
        return await reader.venue.pages(reader.rules.name, reader.scope, window, cursor)
    except VenueRequestError as error:
        if cursor is None:
            raise
        raise _CursorLost from error


async def _take(queue: asyncio.Queue[Page | None]) -> tuple[list[Page], bool]:
    """Wait for a page, then take all that have piled up. True: there will be no more."""
    batch: list[Page] = []
    item = await queue.get()
    while item is not None:
        batch.append(item)
        if queue.empty():
            return batch, False
        item = queue.get_nowait()
    return batch, True


async def _book(reader: Reader, batch: list[Page]) -> int:
    """Book some pages in one transaction; returns how many rows they held."""
    parse, stream, scope = reader.venue.parse, reader.rules.name, reader.scope
    records = [
        (record, parse(stream, scope, record.body)) for page in batch for record in page.records
    ]
    now = reader.clock()
    source = Source(stream, scope, reader.run.run_id, now)
    counters = reader.run.booked, reader.run.pages
    try:
        async with writing(
            reader.pool, reader.account.account_id, lease=reader.lease, now=now
        ) as open_writing:
            booked = await facts.book(open_writing, source, records)
            reader.run.booked += booked
            reader.run.pages += len(batch)
            await runs.progress(open_writing.conn, reader.run)
    except BaseException:
        reader.run.booked, reader.run.pages = counters
        raise
    return len(records)
