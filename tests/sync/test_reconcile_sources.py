"""What a venue shows of the present may be wrong, refused or older than what is read."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from fillbook.domain.window import Window
from tests.sync.book import DAY, END, paper
from tests.sync.reconciling import LATER, faulty, reconcile, said, sound_book

SMALL = {"executions": 400, "days": 8}
CORRECTED = """
INSERT INTO facts.executions
SELECT c.* FROM (
    SELECT to_jsonb(e) || jsonb_build_object(
        'revision', e.revision + 1, 'revision_reason', 'correction', 'fee', e.fee + 3) AS row
    FROM facts.executions e
    WHERE e.category = 'linear' AND e.closed_qty = 0 ORDER BY e.executed_at LIMIT 1) AS one
CROSS JOIN LATERAL jsonb_populate_record(NULL::facts.executions, one.row) AS c
RETURNING 1
"""


async def test_a_wrong_position_is_a_break_with_its_size(database_url: str) -> None:
    """What the venue shows too much is the difference; when it shows the truth, it heals."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        _, before = await reconcile(book, window)
        held = next(row for row in (await book.truth())["positions"] if row["category"] == "linear")
        number = next(
            place
            for place, one in enumerate(book.paper.venue.instruments)
            if (one.category, one.symbol) == ("linear", held["symbol"])
        )
        wrong = {"size": str(Decimal(held["size"]) + 7)}
        book.paper.venue.position_extras[0, number, 0] = wrong
        _, shown = await reconcile(book, window)
        del book.paper.venue.position_extras[0, number, 0]
        _, after = await reconcile(book, window)

        (one,) = shown.opened
        sign = 1 if held["side"] == "Buy" else -1
        assert before.open == ()
        assert (one.subject.measure, one.subject.symbol) == ("quantity", held["symbol"])
        assert one.difference == 7 * sign
        assert one.theirs == Decimal(held["signedSize"]) + 7 * sign
        assert [gone.break_id for gone in after.healed] == [one.break_id]
        assert after.open == ()


async def test_positions_that_vanish_are_breaks_and_come_back(database_url: str) -> None:
    """An empty list is what the venue said; each leg that is held differs until it is shown."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        async with faulty(book, ["hidden_row=1@position/list"]):
            _, empty = await reconcile(book, window)
        _, back = await reconcile(book, window)
        held = {row["symbol"] for row in (await book.truth())["positions"]}

        assert {one.subject.symbol for one in empty.opened} == held
        assert {one.theirs for one in empty.opened} == {Decimal(0)}
        assert back.open == ()
        assert len(back.healed) == len(held) > 0


async def test_a_wrong_wallet_is_a_break_with_its_size(database_url: str) -> None:
    """More in the wallet than the log has come to is a break of the coin, and of nothing else."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        await reconcile(book, window)
        account = book.paper.venue.book(0, now_ms=book.clock.ms())
        account.balances_e8[0] += 250_000_000
        _, shown = await reconcile(book, window)
        account.balances_e8[0] -= 250_000_000
        _, after = await reconcile(book, window)

        (one,) = shown.opened
        assert (one.subject.way, one.subject.measure) == ("cash", "balance")
        assert one.subject.currency == "USDT"
        assert one.difference == Decimal("2.5")
        assert len(after.healed) == 1
        assert after.open == ()


@pytest.mark.parametrize("path", ["position/list", "wallet-balance"])
async def test_what_is_refused_is_not_compared(database_url: str, path: str) -> None:
    """The reason is said, nothing is called a difference, and the pass is as good as ever."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        async with faulty(book, [f"http_503=1@{path}"]):
            passed, refused = await reconcile(book, window)
        rows = await book.rows(
            "SELECT way, why FROM ops.comparisons WHERE verdict = 'not_compared'"
        )
        _, after = await reconcile(book, window)

        assert passed.complete
        assert refused.open == ()
        assert len(refused.refused) == 1
        assert [way for way, _ in rows] == ["position" if "position" in path else "cash"]
        assert all(why for _, why in rows)
        assert after.refused == ()
        assert after.open == ()


async def test_a_refusal_leaves_breaks_open(database_url: str) -> None:
    """What cannot be seen has not healed."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        async with faulty(book, ["hidden_row=1@position/list"]):
            _, first = await reconcile(book, window)
        async with faulty(book, ["http_503=1@position/list"]):
            _, blind = await reconcile(book, window)

        assert first.opened
        assert {one.break_id for one in blind.still_open} == {one.break_id for one in first.opened}
        assert blind.healed == ()


async def test_history_that_begins_in_the_middle_is_not_compared(database_url: str) -> None:
    """Legs that were opened before what is read are named as such; the rest agrees."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        late = Window(END - DAY / 6, window.ends_at)
        _, part = await reconcile(book, late)
        _, whole = await reconcile(book, window)

        assert {one.cause for one in part.open} <= {"missing_history"}
        assert {one.cause for one in part.not_compared} == {"missing_history"}
        assert whole.open == ()
        assert whole.not_compared == ()


async def test_a_fee_that_is_stated_otherwise_differs_from_the_log(database_url: str) -> None:
    """A correction by hand stands against what the account log tells of the same fill."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        await reconcile(book, window)
        await book.rows(CORRECTED)
        await book.rows("DELETE FROM ops.compared_time RETURNING 1")
        _, shown = await reconcile(book, window)
        fees = [one for one in shown.open if one.subject.measure == "fee"]

        assert [one.difference for one in fees] == [Decimal(-3)]
        assert fees[0].subject.way == "cash"


async def test_what_stays_is_asked_for_ever_more_seldom(database_url: str) -> None:
    """Once when it appears, then when it is an hour old, then as long again."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        async with faulty(book, ["hidden_row=1@position/list"]):
            tries = []
            for _ in range(6):
                _, found = await reconcile(book, window)
                tries.append(found.open[0].tries)
                book.clock.at += LATER / 2

        assert tries == [1, 2, 2, 3, 3, 3]


async def test_late_rows_heal_by_themselves(database_url: str) -> None:
    """What the list shows late is a break of late data, or none, and never one for good."""
    async with sound_book(database_url, paper(**SMALL)) as (book, window):
        rows = (await book.truth())["executions"]
        last_ms = max(int(row["execTime"]) for row in rows if row["category"] == "linear")
        settings = replace(book.paper.history.settings)
        async with faulty(book, [f"late_rows=0.5@{last_ms - 7_200_000}..{last_ms}"]):
            _, first = await reconcile(book, window)
            for _ in range(6):
                book.clock.at += timedelta(hours=3)
                _, last = await reconcile(book, window)

        assert settings.faults.faults == ()
        assert {cause for *_, cause in said(first)} <= {"late_data", "missing_history"}
        assert last.open == ()
