"""Reading one window to its end, page by page, and booking the pages as they come.

The venue is read ahead of the ledger: while the database works, pages are fetched and read, and
those of the next window too. What has piled up is booked in one transaction. A window ends well
only at the venue's own end of the list. A cursor that repeats, or a window with more pages than the
budget, ends it unproven, with the reason.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from fillbook.sync.finishing import finished
from fillbook.sync.tally import Tally
from fillbook.venues._contract import StreamRules, Venue

PAGES_MAX = 500  # per window; more rows than that want a shorter window
PAGES_AHEAD_MAX = 48  # of one window
CURSOR_RESTARTS_MAX = 3

Clock = Callable[[], datetime]
Rows = list[facts.Prepared]  # of one page


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
    pages_ahead: int = PAGES_AHEAD_MAX
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Traversed:
    """A window read to its end."""

    window: Window
    pages: int
    row_count: int
    read_at: datetime
    run_id: UUID
    took: timedelta = timedelta()  # from the first question until it was booked


@dataclass(slots=True)
class Fetching:
    """A window whose pages are being fetched. None ends the queue, after an error too."""

    reader: Reader
    window: Window
    rows_fetched: int = 0
    began_at: datetime = field(init=False)
    _is_fetched: bool = False
    _queue: "asyncio.Queue[Rows | None]" = field(init=False)
    _task: "asyncio.Task[datetime]" = field(init=False)

    def __post_init__(self) -> None:
        """Begin at once."""
        self.began_at = self.reader.clock()
        self.begin_again()

    def begin_again(self) -> None:
        """Fetch from the first page on. The fetching before has come to an end."""
        self.rows_fetched, self._is_fetched = 0, False
        self._queue = asyncio.Queue(self.reader.pages_ahead)
        self._task = asyncio.create_task(self._fetch())

    @property
    def took(self) -> timedelta:
        """How long it has been in hand."""
        return self.reader.clock() - self.began_at

    @property
    def is_fetched(self) -> bool:
        """Whether the venue has told all of it."""
        return self._is_fetched

    async def stop(self) -> None:
        """Fetch no further."""
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def take(self) -> tuple[list[Rows], bool]:
        """Wait for a page, then take all that have piled up. True: there will be no more."""
        batch: list[Rows] = []
        item = await self._queue.get()
        while item is not None:
            batch.append(item)
            if self._queue.empty():
                return batch, False
            item = self._queue.get_nowait()
        return batch, True

    async def read_at(self) -> datetime:
        """When the last page was read; raises what ended the fetching."""
        return await self._task

    async def _fetch(self) -> datetime:
        """Walk to the end of the list. The end, or an error, is said by None."""
        try:
            await self._walk()
        except Exception:
            await self._queue.put(None)
            raise
        read_at = self.reader.clock()
        self._is_fetched = True
        await self._queue.put(None)
        return read_at

    async def _walk(self) -> None:
        reader, cursor = self.reader, None
        seen: set[str] = set()
        stream, scope = reader.rules.name, reader.scope
        for _ in range(PAGES_MAX):
            try:
                with reader.tally.spending("fetch", reader.clock):
                    page = await reader.venue.pages(stream, scope, self.window, cursor)
            except VenueRequestError as error:
                if cursor is None:
                    raise
                raise _CursorLost from error
            reader.run.requests = reader.venue.requests - reader.run.asked_before
            self.rows_fetched += len(page.records)
            await self._queue.put(_read(reader, page))
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise WindowUnproven("The venue's cursor repeats, so the end cannot be reached.")
            seen.add(cursor)
        raise TooManyPages


async def traverse(fetching: Fetching, *, then: Callable[[], None] = lambda: None) -> Traversed:
    """Book a window that is being fetched, whole; `then` is called once it is fetched.

    A lost cursor begins it again; booking twice does no harm.
    """
    for last in range(CURSOR_RESTARTS_MAX):
        if last:
            fetching.begin_again()
        with suppress(_CursorLost):
            return await _once(fetching, then)
    raise WindowUnproven(
        f"The venue dropped the cursor {CURSOR_RESTARTS_MAX} times in this window."
    )


async def _once(fetching: Fetching, then: Callable[[], None]) -> Traversed:
    reader = fetching.reader
    pages = row_count = 0
    try:
        ended = False
        while not ended:
            batch, ended = await fetching.take()
            if ended and not batch:
                break
            if fetching.is_fetched:
                then()
            pages += len(batch)
            row_count += await finished(_book(reader, batch))
        read_at = await fetching.read_at()
        then()
    finally:
        await fetching.stop()
    return Traversed(fetching.window, pages, row_count, read_at, reader.run.run_id, fetching.took)


async def book_page(reader: Reader, page: Page) -> int:
    """Book a page that no window was asked for; returns how many rows it held."""
    return await finished(_book(reader, [_read(reader, page)]))


def _read(reader: Reader, page: Page) -> Rows:
    parse, stream, scope = reader.venue.parse, reader.rules.name, reader.scope
    return [facts.prepared(one, parse(stream, scope, one.body)) for one in page.records]


async def _book(reader: Reader, batch: list[Rows]) -> int:
    """Book some pages in one transaction; returns how many rows they held."""
    records = [row for rows in batch for row in rows]
    now = reader.clock()
    source = Source(reader.rules.name, reader.scope, reader.run.run_id, now)
    with reader.tally.spending("book", reader.clock), reader.run.counted() as counts:
        async with writing(
            reader.pool, reader.account.account_id, lease=reader.lease, now=now
        ) as open_writing:
            booked = await facts.book_prepared(open_writing, source, records)
            counts.add(booked=booked, pages=len(batch))
            await runs.progress(open_writing.conn, reader.run)
    return len(records)
