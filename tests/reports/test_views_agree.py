"""Three views of the same history and a calendar come to the same sums, to the last digit."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillbook.domain.money import EXACT
from fillbook.domain.window import Window
from fillbook.reports import (
    calendar,
    events,
    lots,
    matches,
    net_positions,
    positions,
    round_trips,
    trades,
)
from fillbook.reports._report import Query, Report, ask
from tests.ledger.handed_in import Hand, fill, hand
from tests.sync.book import END, Book, opened, paper, whole

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland")
SUMS = """
SELECT currency, sum(gross_pnl), sum(funding), sum(net_pnl), count(*) - count(net_pnl)
FROM trading.{view} GROUP BY currency ORDER BY currency
"""
PAGE = 37
START = END - timedelta(days=1)


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


async def pages(
    book: Book, report: Report[Any], query: dict[str, Any], *, limit: int = PAGE
) -> list[Any]:
    """All rows, page by page."""
    rows: list[Any] = []
    cursor = None
    while True:
        said = await ask(book.pool, report, Query(cursor=cursor, limit=limit, **query), now=END)
        assert len(said.rows) <= limit
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


async def test_open_trips_count_in_a_page(book: Book) -> None:
    """Pages that are shorter than what is under way hold it all, and then what ended."""

    by_view = "SELECT count(*), count(*) FILTER (WHERE status = 'OPEN') FROM trading.round_trips"
    ((count, under_way),) = await book.rows(by_view)
    for limit in (1, under_way, under_way + 1):
        trips = await pages(book, round_trips.REPORT, {}, limit=limit)
        assert [trip.status for trip in trips[:under_way]] == ["OPEN"] * under_way
        assert (len(trips), len(set(trips))) == (count, count)
    assert under_way > 1


async def test_matches_name_their_trade_and_executions(book: Book) -> None:
    """By the same ids as the trades have; the view and the report say the same."""

    by_view = await book.rows(
        "SELECT trade_id, entry_execution_id, exit_execution_id, net_pnl FROM trading.lot_matches"
    )
    by_report = await pages(book, matches.REPORT, {})
    by_trade = await book.rows("SELECT trade_id, net_pnl FROM trading.completed_trades")
    known = {row[0] for row in await book.rows("SELECT execution_id FROM trading.trades")}
    sums: dict[str, Decimal] = {}
    for trade_id, entry, left, net in by_view:
        assert {entry, left} - {None} <= known
        assert left is not None
        sums[trade_id] = EXACT.add(sums.get(trade_id, Decimal(0)), net)

    assert sums == dict(by_trade)
    assert sorted(map(str, by_view)) == sorted(
        str((row.trade_id, row.entry_execution_id, row.exit_execution_id, row.net_pnl))
        for row in by_report
    )


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


async def _said(one: Hand, as_of: datetime | None = None) -> list[tuple[Any, ...]]:
    said = await ask(one.pool, positions.REPORT, Query(as_of=as_of), now=END)
    return [(row.symbol, row.quantity, row.opening_evidence) for row in said.rows]


async def test_beyond_a_gap_view_and_reports_know_nothing(database_url: str) -> None:
    """A leg without a fill since the gap is unknown now, and known until the gap."""
    async with hand(database_url) as one:
        eth = {"symbol": "ETHUSDT", "closedSize": "0"}
        await one.book([
            fill("1", at(1), "Buy", "1", order="1", closedSize="0"),
            fill("9", at(9), "Buy", "2", order="9", **eth),
        ])  # fmt: skip
        await one.prove(Window(at(0), at(4)))
        await one.prove(Window(at(8), at(12)))
        by_view = await one.rows("SELECT symbol, quantity FROM trading.positions ORDER BY 1")
        now = await _said(one)
        open_lots = await ask(one.pool, lots.REPORT, Query(), now=END)
        net = await ask(one.pool, net_positions.REPORT, Query(), now=END)
        in_gap = await _said(one, at(6))

    assert by_view == [("BTCUSDT", None), ("ETHUSDT", 2)]
    assert [row[:2] for row in now] == [("ETHUSDT", 2), ("BTCUSDT", None)]
    assert now[1][2] == "unknown"
    assert [row.symbol for row in open_lots.rows] == ["ETHUSDT"]
    assert [(row.symbol, row.side) for row in net.rows] == [
        ("BTCUSDT", "unknown"), ("ETHUSDT", "Buy"),
    ]  # fmt: skip
    assert [row[:2] for row in in_gap] == [("BTCUSDT", 1)]


async def test_what_has_no_known_net_is_counted(database_url: str) -> None:
    """Realised profit is what is known; beside it stands how many matches are left out."""
    async with hand(database_url) as one:
        await one.book([
            fill("1", at(1), "Buy", "3", order="1", closedSize="0"),
            fill("2", at(2), "Sell", "1", order="2", execPrice="110"),
            fill("3", at(3), "Sell", "1", order="3", execFee="0.1", feeCurrency="BNB"),
        ])  # fmt: skip
        await one.prove(Window(START, END))
        by_view = await one.rows("SELECT realized_pnl, unvalued FROM trading.positions")
        now = await ask(one.pool, positions.REPORT, Query(), now=END)
        then = await ask(one.pool, positions.REPORT, Query(as_of=at(2)), now=END)

    assert by_view == [(Decimal(10), 1)]
    assert [(row.realized_pnl, row.unvalued) for row in now.rows] == [(Decimal(10), 1)]
    assert [(row.realized_pnl, row.unvalued) for row in then.rows] == [(Decimal(10), 0)]


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
