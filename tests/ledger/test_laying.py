"""Laying by and by gives what laying at once gives, whatever the order, late rows included."""

import random
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from fillbook.domain.window import Window, milliseconds
from tests.ledger.handed_in import END, Hand, Row, cut, fill, hand, inside, paper_rows

DAYS = 8
ALL = Window(END - timedelta(days=DAYS), END)
SEEDS = [0, 4, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3, 5))]


def hours(count: float) -> datetime:
    """So long after the beginning."""
    return ALL.starts_at + timedelta(hours=count)


def _rows(seed: int) -> list[Row]:
    return paper_rows("same_ms_burst=0.01", executions=220, days=DAYS, seed=seed)


def _changed(row: Row, chance: random.Random) -> Row:
    """The venue tells a row in another way."""
    kind = chance.choice(("fee", "price", "time", "far"))
    if kind == "fee":
        return row.told_again(execFee=str(Decimal(row.body["execFee"]) + 1))
    if kind == "price":
        return row.told_again(execPrice=str(Decimal(row.body["execPrice"]) + 2))
    reach = 3_600_000 if kind == "time" else DAYS * 86_400_000
    first, last = milliseconds(ALL.starts_at), milliseconds(ALL.ends_at) - 1
    at = int(row.body["execTime"]) + chance.randint(-reach, reach)
    return row.told_again(execTime=str(min(last, max(first, at))))


@pytest.mark.parametrize("seed", SEEDS)
async def test_windows_in_any_order_lay_one_book(database_url: str, seed: int) -> None:
    """Gaps open and close, stretches join; after each window the book equals a rebuilt one."""
    chance = random.Random(seed)
    rows = _rows(seed)
    windows = cut(ALL, 7, chance)
    chance.shuffle(windows)
    async with hand(database_url) as one, hand(database_url) as other:
        for window in windows:
            await one.book(inside(rows, window))
            await one.prove(window)
            await one.must_stand(f"{window}")
        await other.book(inside(rows, ALL))
        await other.prove(ALL)

        assert await other.hash() == await one.hash()


@pytest.mark.parametrize("seed", SEEDS)
async def test_late_and_changed_rows_lay_one_book(database_url: str, seed: int) -> None:
    """Rows come late or are told anew inside what is laid; the book equals a rebuilt one."""
    chance = random.Random(1000 + seed)
    rows = _rows(seed)
    late = chance.sample(rows, len(rows) // 8)
    windows = cut(ALL, 5, chance)
    async with hand(database_url) as one:
        for window in windows:
            soon = inside(rows, window)
            await one.book([row for row in soon if row not in late])
            await one.prove(window)
            await one.book([row for row in soon if row in late and chance.random() < 0.7])
            await one.prove(chance.choice(cut(window, 3, chance)))
            await one.must_stand(f"late rows of {window}")
            told = [_changed(row, chance) for row in chance.sample(rows, 6)]
            await one.book([row for row in told if row.at < window.ends_at])
            await one.prove(window)
            await one.must_stand(f"changed rows at {window}")


@pytest.mark.parametrize("seed", SEEDS)
async def test_rows_that_wait_for_their_proof_change_no_figure(
    database_url: str, seed: int
) -> None:
    """Rows booked inside proven time are not matched before the next proof, and verify knows it."""
    chance = random.Random(2000 + seed)
    rows = _rows(seed)
    late = chance.sample(rows, 12)
    async with hand(database_url) as one:
        await one.book([row for row in inside(rows, ALL) if row not in late])
        await one.prove(ALL)
        lines = await _lines(one)
        await one.book(late)
        await one.book([_changed(row, chance) for row in chance.sample(rows, 3)])

        assert lines == await _lines(one)
        await one.must_stand("waiting rows")
        assert lines == await _lines(one)

        await one.prove(Window(END - timedelta(minutes=1), END))
        assert lines != await _lines(one)
        await one.must_stand("proven rows")


async def _lines(one: Hand) -> list[tuple[object, ...]]:
    return await one.rows(
        "SELECT * FROM derived.lines WHERE account_id = %s ORDER BY 2, 3, 4, 6", one.account_id
    )


async def test_a_trade_that_shrinks_keeps_what_is_left_of_it(database_url: str) -> None:
    """A late fill takes half of what an order closed: the trade of the other half stays."""
    day = Window(END - timedelta(days=1), END)
    at = [day.starts_at + timedelta(hours=hour) for hour in range(4)]
    async with hand(database_url) as one:
        await one.book([
            fill("1", at[0], "Buy", "2", order="A"),
            fill("2", at[1], "Sell", "1", order="X"),
            fill("4", at[3], "Sell", "1", order="X"),
        ])  # fmt: skip
        await one.prove(day)
        await one.book([fill("3", at[2], "Sell", "1", order="Y")])
        await one.prove(day)
        trades = await one.rows(
            "SELECT exit_order_id, exit_qty FROM trading.completed_trades ORDER BY exit_time"
        )

        assert [("X", 1), ("Y", 1)] == trades
        await one.must_stand("a shrunk trade")


async def test_a_leg_whose_fills_move_away_leaves_nothing(database_url: str) -> None:
    """The only fill of a stretch moves into a gap: no stretch, book or trade of it stays."""
    early = Window(END - timedelta(days=3), END - timedelta(days=2))
    late = Window(END - timedelta(days=1), END)
    row = fill("1", early.starts_at + timedelta(hours=1), "Buy", "2", order="A")
    moved = row.told_again(execTime=str(milliseconds(early.ends_at + timedelta(hours=1))))
    async with hand(database_url) as one:
        await one.book([row])
        await one.prove(early)
        await one.book([moved])
        await one.prove(late)

        assert [] == await one.rows("SELECT * FROM derived.stretches")
        assert [] == await one.rows("SELECT * FROM derived.books")
        await one.must_stand("a fill in a gap")
        await one.prove(Window(early.starts_at, END))
        assert 1 == len(await one.rows("SELECT * FROM derived.lines"))
        await one.must_stand("the gap closed")


async def test_a_late_row_touches_its_leg_only_and_only_from_its_instant(database_url: str) -> None:
    """Rows of other legs, and those before the instant, are the very same rows afterwards."""
    rows = _rows(3)
    symbols = Counter(str(row.body["symbol"]) for row in rows)
    symbol, _ = symbols.most_common(1)[0]
    own = [row for row in rows if row.body["symbol"] == symbol and row.body["execType"] == "Trade"]
    late = own[len(own) // 2]
    places = (
        "SELECT l.ctid::text, l.xmin::text FROM derived.lines l JOIN derived.books b"
        " USING (account_id, book_id) WHERE b.symbol <> %s OR l.executed_at < %s"
    )
    async with hand(database_url) as one:
        await one.book([row for row in inside(rows, ALL) if row is not late])
        await one.prove(ALL)
        before = await one.rows(places, symbol, late.at)
        every = await one.rows("SELECT ctid::text FROM derived.lines")
        await one.book([late])
        await one.prove(Window(END - timedelta(minutes=1), END))

        assert 0 < len(before) < len(every)
        assert sorted(before) == sorted(await one.rows(places, symbol, late.at))
        await one.must_stand("a late row")


async def test_a_pair_of_orders_on_both_sides_of_a_gap_has_two_names(database_url: str) -> None:
    """Whichever side is proven first, the trades have the same ids, and verify agrees."""
    rows = [
        fill("1", hours(1), "Buy", "1", order="A"), fill("2", hours(2), "Sell", "1", order="X"),
        fill("3", hours(9), "Buy", "1", order="A"), fill("4", hours(10), "Sell", "1", order="X"),
    ]  # fmt: skip
    early, late = Window(hours(0), hours(4)), Window(hours(8), hours(12))
    hashes = []
    for order in ((early, late), (late, early)):
        async with hand(database_url) as one:
            for window in order:
                await one.book([row for row in rows if window.starts_at <= row.at < window.ends_at])
                await one.prove(window)
                await one.must_stand(f"{window}")
            hashes.append(await one.hash())

    assert hashes[0] == hashes[1]
