"""A book whose passes are reconciled, and exchanges that leave something out of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from fillbook.domain.window import Window
from fillbook.sync.engine import Engine, Passed
from fillbook.sync.reconcile import Reconciled, reconciled_pass
from papervenues.bybit import Settings, running
from papervenues.faults import FaultPlan, parse_fault
from tests.sync.book import Book, Row, connection, opened, whole

PAYMENTS = ("Funding", "SessionSettlePnL")
LATER = timedelta(hours=2)  # when a difference is worth another try


async def reconcile(book: Book, window: Window) -> tuple[Passed, Reconciled]:
    """One reconciled pass up to now, with a connection of its own."""
    window = Window(window.starts_at, max(window.ends_at, book.clock()))
    venue = connection(book.paper, book.clock, book.reads)
    try:
        engine = Engine(
            pool=book.pool, venue=venue, account=book.account, clock=book.clock, limits=book.limits
        )
        passed, reconciled = await reconciled_pass(engine, "manual", window)
        assert reconciled is not None
        return passed, reconciled
    finally:
        await venue.close()


@asynccontextmanager
async def faulty(book: Book, faults: Iterable[str]) -> AsyncIterator[None]:
    """The same history for a while, behind an exchange with faults."""
    sound = book.paper
    settings = replace(sound.history.settings, faults=FaultPlan(tuple(map(parse_fault, faults))))
    history = replace(sound.history, settings=settings)
    async with running(settings, clock=book.clock.ms, history=history) as venue:
        book.paper = venue
        try:
            yield
        finally:
            book.paper = sound


@dataclass(frozen=True, slots=True)
class Chosen:
    """A fill that is old enough to be settled and closed a part of a position that is held."""

    symbol: str
    ms: int
    order_id: str
    qty: str

    @property
    def at(self) -> str:
        """The fill's own instant, as a fault's scope."""
        return f"{self.symbol}@{self.ms}"


@asynccontextmanager
async def sound_book(url: str, settings: Settings) -> AsyncIterator[tuple[Book, Window]]:
    """A book beside an exchange without faults, nothing read yet."""
    async with opened(url, settings) as book:
        yield book, whole(settings)


def chosen(truth: Row, *, days: int = 4) -> Chosen:
    """A closing fill, alone in its millisecond, some days before the end."""
    rows = [row for row in truth["executions"] if row["execType"] not in PAYMENTS]
    times = [row["execTime"] for row in rows]
    last = max(map(int, times)) - days * 86_400_000
    row = next(
        one
        for one in reversed(rows)
        if int(one["execTime"]) < last
        and times.count(one["execTime"]) == 1
        and float(one["closedSize"] or 0) > 0
        and one["category"] == "linear"
        and sum(other["orderId"] == one["orderId"] for other in rows) == 1
    )
    return Chosen(row["symbol"], int(row["execTime"]), row["orderId"], row["execQty"])


def said(reconciled: Reconciled) -> set[tuple[str, str, str, str]]:
    """Way, measure, symbol or coin and cause of what is open."""
    return {
        (
            one.subject.way,
            one.subject.measure,
            one.subject.symbol or one.subject.currency,
            one.cause,
        )
        for one in reconciled.open
    }
