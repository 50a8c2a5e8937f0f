"""The connector against a paper Bybit: every window to its end, and nothing is missing."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import pytest

from fillbook.domain.execution import CashFlow, Execution, Reading
from fillbook.domain.window import Window, from_milliseconds
from fillbook.errors import VenueRequestError
from fillbook.venues.bybit import BybitVenue, PaceSettings, RetrySettings, connect
from fillbook.venues.bybit.histories import EXECUTIONS
from papervenues.bybit.server import RunningVenue, running
from papervenues.bybit.settings import Settings
from papervenues.faults import FaultPlan, parse_fault

END = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 20
RESTARTS_MAX = 20


def settings(*faults: str, executions: int = 1_500, rate: int = 0) -> Settings:
    return Settings(
        end_ms=int(END.timestamp()) * 1000,
        days=DAYS,
        executions=executions,
        rate=rate,
        faults=FaultPlan(tuple(parse_fault(fault) for fault in faults)),
    )


@asynccontextmanager
async def both(
    made: Settings, *, pace: PaceSettings | None = None
) -> AsyncIterator[tuple[RunningVenue, BybitVenue]]:
    """A paper Bybit and a connection to it."""
    begun = time.monotonic()

    def clock() -> int:
        return made.end_ms + int((time.monotonic() - begun) * 1000)

    async with running(made, clock=clock) as paper:
        venue = connect(
            key=paper.keys[0].key,
            secret=paper.keys[0].secret,
            base_url=paper.url,
            clock=lambda: datetime.now(UTC),
            pace=pace,
            retry=RetrySettings(tries=8, base_seconds=0.001),
            categories=made.categories,
        )
        try:
            yield paper, venue
        finally:
            await venue.close()


async def truth(paper: RunningVenue) -> list[dict[str, object]]:
    """What truly happened, as the paper venue tells it aside from its API."""

    async with aiohttp.ClientSession() as session, session.get(f"{paper.url}/paper/truth") as told:
        return list((await told.json())["executions"])


async def walk(venue: BybitVenue, made: Settings) -> dict[object, Reading]:
    """Every window, oldest first, each to its end; a refused cursor starts its window anew."""
    readings: dict[object, Reading] = {}
    starts_at = from_milliseconds(made.start_ms)
    while starts_at < END:
        ends_at = min(END, starts_at + EXECUTIONS.rules.window_max)
        readings |= await read_insistently(venue, Window(starts_at, ends_at))
        starts_at = ends_at
    return readings


async def read_insistently(venue: BybitVenue, window: Window) -> dict[object, Reading]:
    """A window, anew as often as its cursor is refused."""
    for _ in range(RESTARTS_MAX):
        try:
            return await read_window(venue, window)
        except VenueRequestError as error:
            if error.code != 10001:
                raise
    pytest.fail("the window was never read to its end")


async def read_window(venue: BybitVenue, window: Window) -> dict[object, Reading]:
    readings: dict[object, Reading] = {}
    cursor: str | None = None
    while True:
        page = await venue.pages("executions", "linear", window, cursor)
        for record in page.records:
            readings[record.record_key] = venue.parse("executions", "linear", record.body)
        if page.next_cursor is None:
            return readings
        assert page.next_cursor != cursor
        cursor = page.next_cursor


def told(row: dict[str, object]) -> tuple[object, ...]:
    """What a row of the truth says, for comparison."""
    numbers = (Decimal(str(row[name])) for name in ("execPrice", "execQty", "execFee"))
    names = ("execTime", "symbol", "execId", "side")
    return (*(str(row[name]) for name in names), *numbers)


def read(reading: Reading) -> tuple[object, ...]:
    """What a reading says, for comparison."""
    if isinstance(reading, CashFlow):
        qty = reading.position_qty
        assert qty is not None
        side = "Buy" if qty > 0 else "Sell"
        at, name = reading.occurred_at, reading.flow_id
        return (ms(at), reading.symbol, name, side, reading.price, abs(qty), reading.amount)
    assert isinstance(reading, Execution)
    at, name = reading.executed_at, reading.execution_id
    amounts = (reading.price, reading.qty, reading.fee)
    return (ms(at), reading.symbol, name, reading.side, *amounts)


def ms(at: datetime) -> str:
    return str((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


@pytest.mark.parametrize(
    "faults",
    [
        (),
        ("http_500=0.1", "rate_limited=0.02", "truncated_json=0.1", "html_body=0.1"),
        ("result_null=0.1", "duplicate_rows=0.2", "dropped_socket=0.1", "cursor_expired=0.02"),
        ("same_ms_burst=0.02",),
    ],
)
async def test_a_walk_ends_with_the_truth(faults: tuple[str, ...]) -> None:
    """Each row that truly happened is read once, in every figure; no other row is."""
    made = settings(*faults)
    async with both(made) as (paper, venue):
        readings = await walk(venue, made)
        happened = await truth(paper)

    assert sorted(map(read, readings.values()), key=repr) == sorted(map(told, happened), key=repr)
    kinds = {type(reading) for reading in readings.values()}
    assert kinds == {Execution, CashFlow}


@pytest.mark.parametrize("rate", [10, 50])
async def test_the_limit_is_used_and_kept(rate: int) -> None:
    """Told of a limit only by headers, a walk comes close to it, and is hardly ever refused."""
    made = settings(executions=300, rate=rate)
    questions = 2 * rate
    window = Window(END - timedelta(days=2), END)
    async with both(made) as (_, venue):
        await venue.server_time()
        begun = time.monotonic()
        for _ in range(questions):
            await venue.pages("executions", "linear", window, None)
        spent = time.monotonic() - begun
        refused = venue.requests - 1 - questions

    assert spent < questions / rate * 1.05
    assert refused <= 1


async def test_the_key_the_terms_and_the_marks_are_read() -> None:
    """The paper venue's own answers are understood."""
    made = settings(executions=300)
    async with both(made) as (paper, venue):
        facts = await venue.key_facts()
        terms = await venue.contract_terms()
        marks = await venue.marks("linear")
        now = await venue.server_time()
        happened = await truth(paper)

    assert facts.venue_user_id == str(made.user_id(0))
    assert not facts.can_trade
    assert {row["symbol"] for row in happened} <= {term.symbol for term in terms}
    assert all(term.qty_step and term.price_step for term in terms)
    assert {term.settle for term in terms} <= {"USDT", "USDC"}
    assert {mark.symbol for mark in marks} <= {term.symbol for term in terms}
    assert timedelta() <= now - from_milliseconds(made.end_ms) < timedelta(minutes=1)
