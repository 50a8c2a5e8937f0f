"""Three views of the same history and a calendar come to the same sums, to the last digit."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from fillbook.domain.money import EXACT
from fillbook.reports import calendar, events, lots, matches, positions, round_trips, trades
from fillbook.reports._report import Query, Report, ask
from tests.sync.book import END, Book, opened, paper, whole

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland")
SUMS = """
SELECT currency, sum(gross_pnl), sum(funding), sum(net_pnl), count(*) - count(net_pnl)
FROM trading.{view} GROUP BY currency ORDER BY currency
"""
PAGE = 37


@pytest.fixture
async def book(database_url: str) -> AsyncIterator[Book]:
    """A paper history of three bots, backfilled."""
    settings = paper(executions=600, days=12)
    async with opened(database_url, settings) as made:
        assert (await made.backfill(whole(settings))).complete
        yield made


async def sums(book: Book, view: str) -> list[tuple[Any, ...]]:
    return await book.rows(SUMS.format(view=view))


def total(rows: Any, name: str) -> Decimal:  # noqa: ANN401 - rows of any report
    amount = Decimal(0)
    for row in rows:
        amount = EXACT.add(amount, getattr(row, name))
    return amount


async def pages(book: Book, report: Report[Any], query: dict[str, Any]) -> list[Any]:
    """All rows, page by page."""
    rows: list[Any] = []
    cursor = None
    while True:
        said = await ask(book.pool, report, Query(cursor=cursor, limit=PAGE, **query), now=END)
        rows += said.rows
        cursor = said.next_cursor
        if cursor is None:
            return rows


async def test_three_views_earn_the_same(book: Book) -> None:
    """Lot matches, completed trades and round trips, in each currency, and nothing is unvalued."""

    by_match = await sums(book, "lot_matches")
    by_trade = await sums(book, "completed_trades")
    by_trip = await sums(book, "round_trips")

    assert by_match != []
    assert all(row[4] == 0 for row in by_match)
    assert by_match == by_trade == by_trip


@pytest.mark.parametrize("zone", ZONES)
async def test_a_calendar_leaves_nothing_out(book: Book, zone: str) -> None:
    """In any time zone the days, the weeks and the months come to what the matches come to."""

    ((currency, gross, funding, net, _),) = await sums(book, "lot_matches")
    count = (await book.rows("SELECT count(*) FROM trading.lot_matches"))[0][0]
    for by in ("day", "week", "month"):
        said = await ask(book.pool, calendar.REPORT, Query(by=by, zone=zone), now=END)
        found = (total(said.rows, "gross_pnl"), total(said.rows, "funding"))

        assert (said.currency, *found) == (currency, gross, funding)
        assert total(said.rows, "net_pnl") == net
        assert sum(row.matches for row in said.rows) == count
        periods = list(zip(said.rows, said.rows[1:], strict=False))
        assert all(one.ends_at <= next_one.starts_at for one, next_one in periods)


async def test_a_week_begins_on_monday(book: Book) -> None:
    """Seven days of its zone later it ends."""

    said = await ask(book.pool, calendar.REPORT, Query(by="week", zone="UTC"), now=END)

    assert len(said.rows) >= 2
    assert {row.starts_at.weekday() for row in said.rows} == {0}
    assert {(row.ends_at - row.starts_at).days for row in said.rows} == {7}


async def test_pages_hold_every_row_once(book: Book) -> None:
    """Whatever the size of a page, its rows are those of the view."""

    met = await pages(book, matches.REPORT, {})
    completed = await pages(book, trades.REPORT, {})
    trips = await pages(book, round_trips.REPORT, {})
    happened = await pages(book, events.REPORT, {})

    for rows, view in (
        (met, "lot_matches"),
        (completed, "completed_trades"),
        (trips, "round_trips"),
        (happened, "position_events"),
    ):
        ((count,),) = await book.rows(f"SELECT count(*) FROM trading.{view}")  # noqa: S608 - ours
        assert (view, len(rows)) == (view, count)
    assert total(met, "net_pnl") == total(completed, "net_pnl") == total(trips, "net_pnl")
    assert [row.exit_time for row in met] == sorted((row.exit_time for row in met), reverse=True)
    assert [row.at for row in happened] == sorted((row.at for row in happened), reverse=True)


async def test_events_are_a_chain(book: Book) -> None:
    """What one event leaves is what the same bot's next one finds, from flat to what is held."""

    happened = list(reversed(await pages(book, events.REPORT, {})))
    held: dict[tuple[str, str], Decimal] = {}
    for event in happened:
        key = event.symbol, event.bot_id
        assert event.position_before == held.get(key, Decimal(0)), event
        held[key] = event.position_after
        moved = EXACT.subtract(event.position_after, event.position_before)
        assert moved == (event.qty if event.side == "Buy" else -event.qty)
    now = await ask(book.pool, positions.REPORT, Query(), now=END)
    sides = {(row.symbol, row.bot_id): (row.side, row.quantity) for row in now.rows}

    assert sides == {
        key: ("Buy" if qty > 0 else "Sell", abs(qty)) for key, qty in held.items() if qty
    }
    assert {event.event for event in happened} >= {"opened", "increased", "reduced", "closed"}


async def test_any_instant_is_what_the_events_left(book: Book) -> None:
    """Positions, their lots and their realised profit as of a past instant."""

    happened = list(reversed(await pages(book, events.REPORT, {})))
    met = await pages(book, matches.REPORT, {})
    for event in happened[:: len(happened) // 8]:
        at = event.at
        held = {(row.symbol, row.bot_id): row.position_after for row in happened if row.at <= at}
        then = await ask(book.pool, positions.REPORT, Query(as_of=at), now=END)
        open_lots = await ask(book.pool, lots.REPORT, Query(as_of=at, limit=1000), now=END)

        assert {(row.symbol, row.bot_id): row.quantity for row in then.rows} == {
            key: abs(qty) for key, qty in held.items() if qty
        }
        for row in then.rows:
            own = [lot for lot in open_lots.rows if (lot.symbol, lot.bot_id) == _key(row)]
            earned = [one for one in met if _key(one) == _key(row) and one.exit_time <= at]
            assert total(own, "quantity") == row.quantity
            assert total(own, "cost") == row.cost
            assert total(earned, "net_pnl") == row.realized_pnl


def _key(row: Any) -> tuple[str, str]:  # noqa: ANN401 - a row of any report
    return row.symbol, row.bot_id
