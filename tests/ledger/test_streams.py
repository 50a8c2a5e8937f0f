"""Several streams tell one account: whatever they tell, whenever, it is booked and laid once."""

import asyncio
import random
from datetime import timedelta

import pytest

from fillbook.domain.execution import Reading
from fillbook.domain.raw import RawRecord
from fillbook.domain.window import Window
from fillbook.ledger import facts
from fillbook.ledger.facts import Source
from fillbook.ledger.proofs import Outcome, Proof, prove
from fillbook.ledger.writing import writing
from fillbook.venues.bybit.parse import parse_record
from tests.ledger.handed_in import END, RUN, Hand, Row, hand, inside, paper_rows

DAYS = 4
ALL = Window(END - timedelta(days=DAYS), END)
REST, LIVE = "executions", "executions.live"
ROUNDS = 25
# What the private stream of the venue leaves out, and the list has.
ONLY_LISTED = ("feeCurrency", "seq", "createType", "markPrice")


def _poorer(row: Row) -> Row:
    return Row(row.at, {name: v for name, v in row.body.items() if name not in ONLY_LISTED})


def _read(rows: list[Row]) -> list[tuple[RawRecord, Reading]]:
    records = [row.record for row in rows]
    return [(one, parse_record(LIVE, "linear", one.body)) for one in records]


async def _book(one: Hand, stream: str, rows: list[Row]) -> None:
    source = Source(stream, "linear", RUN, one.now)
    async with writing(one.pool, one.account_id, lease=None, now=one.now) as open_writing:
        await facts.book(open_writing, source, _read(rows))


async def _prove(one: Hand, stream: str, window: Window, outcome: Outcome = "read") -> None:
    proof = Proof(stream, "linear", window, outcome, 1, 0, one.now, RUN)
    async with writing(one.pool, one.account_id, lease=None, now=one.now) as open_writing:
        await prove(open_writing, proof)


async def _told(one: Hand, rows: list[Row], *, at_once: bool, chance: random.Random) -> str:
    """Both streams tell everything, page by page; then the list's window is proven."""
    pages = [rows[start : start + 20] for start in range(0, len(rows), 20)]
    for page in pages:
        turns = [_book(one, REST, page), _book(one, LIVE, [_poorer(row) for row in page])]
        chance.shuffle(turns)
        if at_once:
            await asyncio.gather(*turns)
        else:
            for turn in turns:
                await turn
    await _prove(one, REST, ALL)
    return await one.hash()


@pytest.mark.slow
async def test_two_streams_at_once_book_one_ledger(database_url: str) -> None:
    """Pages of two streams race for the account's chain, many times: one ledger hash."""
    rows = paper_rows("same_ms_burst=0.02", executions=60, days=DAYS, seed=5)
    chance = random.Random(5)
    async with hand(database_url) as alone:
        await alone.book(rows)
        await alone.prove(ALL)
        expected = await alone.hash()
    for turn in range(ROUNDS):
        async with hand(database_url) as one:
            assert expected == await _told(one, rows, at_once=turn > 0, chance=chance)
            if turn % 8 == 0:
                await one.must_stand(f"turn {turn}")


async def test_a_second_stream_counts_no_fill_twice(database_url: str) -> None:
    """Both streams prove the same time: lines, trades and coverage are those of one."""
    rows = paper_rows(executions=60, days=DAYS, seed=6)
    async with hand(database_url) as one:
        await one.book(rows)
        await one.prove(ALL)
        hashed = await one.hash()
        await _book(one, "executions.before_upgrade", [_poorer(row) for row in rows])
        await _prove(one, "executions.before_upgrade", ALL)

        assert hashed == await one.hash()
        await one.must_stand("both streams")


async def test_streams_prove_neighbouring_times(database_url: str) -> None:
    """What one stream proves and what another proves after it are one stretch."""
    rows = paper_rows(executions=80, days=DAYS, seed=7)
    middle = ALL.starts_at + timedelta(days=2)
    early, late = Window(ALL.starts_at, middle), Window(middle, END)
    async with hand(database_url) as one, hand(database_url) as other:
        await _book(one, "executions.before_upgrade", inside(rows, early))
        await _prove(one, "executions.before_upgrade", early)
        await one.book(inside(rows, late))
        await one.prove(late)
        await other.book(rows)
        await other.prove(ALL)

        assert await other.hash() == await one.hash()
        await one.must_stand("two streams, one stretch")


async def test_a_live_tail_is_laid_and_then_confirmed(database_url: str) -> None:
    """Fills that are heard are matched at once, shown as not proven, and stand when they are."""
    rows = paper_rows(executions=80, days=DAYS, seed=8)
    middle = ALL.starts_at + timedelta(days=2)
    early, tail = Window(ALL.starts_at, middle), Window(middle, END)
    trades = "SELECT count(*) FROM derived.completed_trades WHERE exit_time >= %s"
    async with hand(database_url) as one, hand(database_url) as other:
        await one.book(inside(rows, early))
        await one.prove(early)
        assert [(0,)] == await one.rows(trades, middle)
        heard = [_poorer(row) for row in sorted(inside(rows, tail), key=lambda row: row.at)]
        at = middle
        for start in range(0, len(heard), 10):
            some = heard[start : start + 10]
            until = END if start + 10 >= len(heard) else heard[start + 10].at
            await _book(one, LIVE, some)
            await _prove(one, LIVE, Window(at, until), "live")
            at = until
        assert await one.rows(trades, middle) > [(0,)]
        assert [(True,)] == await one.rows(
            "SELECT upper(proven) = %s AND upper(pieces) = %s FROM derived.laid_time", middle, END
        )
        await one.must_stand("a live tail")

        await one.book(inside(rows, tail))
        await one.prove(tail)
        await other.book(rows)
        await other.prove(ALL)
        assert await other.hash() == await one.hash()
        await one.must_stand("confirmed")


async def test_a_fill_that_was_not_heard_is_put_in_by_the_window(database_url: str) -> None:
    """The live stream dropped some: the window that follows restates what rested on the rest."""
    rows = paper_rows(executions=80, days=DAYS, seed=9)
    middle = ALL.starts_at + timedelta(days=2)
    tail = Window(middle, END)
    chance = random.Random(9)
    async with hand(database_url) as one, hand(database_url) as other:
        await one.book(inside(rows, Window(ALL.starts_at, middle)))
        await one.prove(Window(ALL.starts_at, middle))
        heard = [row for row in inside(rows, tail) if chance.random() < 0.7]
        await _book(one, LIVE, heard)
        await _prove(one, LIVE, tail, "live")
        await one.must_stand("a tail with holes")
        await one.book(inside(rows, tail))
        await one.prove(tail)
        await other.book(rows)
        await other.prove(ALL)

        assert await other.hash() == await one.hash()
        assert [(True,)] == await one.rows(
            "SELECT count(*) > 0 FROM ops.restatements WHERE cause IN ('late_fact', 'revision')"
        )
        await one.must_stand("holes filled")
