"""What a venue shows of the present may be wrong, refused or older than what is read."""

from datetime import timedelta
from decimal import Decimal

import pytest

from fillbook.domain.statement import Correction
from fillbook.domain.window import Window
from fillbook.ledger.rebuild import wipe
from fillbook.ledger.statements import state
from fillbook.ledger.stating import Said
from fillbook.ledger.writing import writing
from papervenues.bybit import Settings
from tests.sync.book import DAY, END, paper
from tests.sync.reconciling import LATER, faulty, reconcile, said, sound_book

WIDE = ("linear", "inverse", "spot", "option")
OPENING_FILL = """
SELECT execution_key, fee FROM facts.executions
WHERE category = 'linear' AND closed_qty = 0 ORDER BY executed_at LIMIT 1
"""


def _small() -> Settings:
    return paper(executions=400, days=8)


async def test_a_wrong_position_is_a_break_with_its_size(database_url: str) -> None:
    """What the venue shows too much is the difference; when it shows the truth, it heals."""
    async with sound_book(database_url, _small()) as (book, window):
        _, before = await reconcile(book, window)
        held = next(row for row in (await book.truth())["positions"] if row["category"] == "linear")
        number = next(
            place
            for place, one in enumerate(book.paper.venue.instruments)
            if (one.category, one.symbol) == ("linear", held["symbol"])
        )
        wrong: dict[str, object] = {"size": str(Decimal(held["size"]) + 7)}
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
    async with sound_book(database_url, _small()) as (book, window):
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
    async with sound_book(database_url, _small()) as (book, window):
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
    async with sound_book(database_url, _small()) as (book, window):
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
    async with sound_book(database_url, _small()) as (book, window):
        async with faulty(book, ["hidden_row=1@position/list"]):
            _, first = await reconcile(book, window)
        async with faulty(book, ["http_503=1@position/list"]):
            _, blind = await reconcile(book, window)

        assert first.opened
        assert {one.break_id for one in blind.still_open} == {one.break_id for one in first.opened}
        assert blind.healed == ()


async def test_history_that_begins_in_the_middle_is_not_compared(database_url: str) -> None:
    """Legs that were opened before what is read are named as such; the rest agrees."""
    async with sound_book(database_url, _small()) as (book, window):
        late = Window(END - DAY / 6, window.ends_at)
        _, part = await reconcile(book, late)
        _, whole = await reconcile(book, window)

        assert {one.cause for one in part.open} <= {"missing_history"}
        assert {one.cause for one in part.not_compared} == {"missing_history"}
        assert whole.open == ()
        assert whole.not_compared == ()


async def test_a_fee_that_is_stated_otherwise_differs_from_the_log(database_url: str) -> None:
    """A correction by hand stands against what the account log tells, until it is withdrawn."""
    async with sound_book(database_url, _small()) as (book, window):
        await reconcile(book, window)
        ((key, fee),) = await book.rows(OPENING_FILL)

        async def correct(*changes: tuple[str, str]) -> None:
            async with writing(book.pool, book.account_id, lease=None, now=book.clock()) as act:
                await state(act, Correction(key, changes), Said("test", "a test"))

        await correct(("fee", str(fee + 3)))
        _, shown = await reconcile(book, window)
        await correct()
        _, after = await reconcile(book, window)
        fees = [one for one in shown.open if one.subject.measure == "fee"]

        assert [one.difference for one in fees] == [Decimal(-3)]
        assert fees[0].subject.way == "cash"
        assert after.open == ()


async def test_a_wipe_forgets_what_was_compared(database_url: str) -> None:
    """Breaks go with the chain; the history that is fetched again is compared again, whole."""
    async with sound_book(database_url, _small()) as (book, window):
        async with faulty(book, ["hidden_row=1@position/list"]):
            _, first = await reconcile(book, window)
        await wipe(book.pool, book.account_id, actor="test", now=book.clock())
        left = await book.rows("SELECT count(*) FROM ops.breaks")
        _, again = await reconcile(book, window)

        assert first.open
        assert left == [(0,)]
        assert again.open == again.healed == ()
        assert again.compared >= first.compared


@pytest.mark.slow
async def test_what_stays_is_asked_for_ever_more_seldom(database_url: str) -> None:
    """Once when it appears, then when it is an hour old, then as long again."""
    async with sound_book(database_url, _small()) as (book, window):
        async with faulty(book, ["hidden_row=1@position/list"]):
            tries = []
            for _ in range(6):
                _, found = await reconcile(book, window)
                tries.append(found.open[0].tries)
                book.clock.at += LATER / 2

        assert tries == [1, 2, 2, 3, 3, 3]


@pytest.mark.slow
async def test_late_rows_heal_by_themselves(database_url: str) -> None:
    """What the list shows late is a break of late data, or none, and never one for good."""
    async with sound_book(database_url, _small()) as (book, window):
        rows = (await book.truth())["executions"]
        last_ms = max(int(row["execTime"]) for row in rows if row["category"] == "linear")
        async with faulty(book, [f"late_rows=0.5@{last_ms - 7_200_000}..{last_ms}"]):
            _, first = await reconcile(book, window)
            for _ in range(5):
                book.clock.at += timedelta(hours=3)
                await reconcile(book, window)
            _, last = await reconcile(book, window)

        assert {cause for *_, cause in said(first)} <= {"late_data", "missing_history"}
        assert last.open == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        "same_ms_burst=0.2",
        "edge_counts=0.05",
        "self_trade=0.2",
        "maker_rebate=0.5",
        "fee_coins=0.3",
        "shared_exec_id=0.3",
        "shared_seq=0.5",
        "exec_type_other=0.3",
        "closed_size_empty=0.3",
        "fee_coin_empty=0.3",
        "link_id_empty=0.5",
        "digits_38=1@execution/list",
        "decimals_18=1@execution/list",
        "fee_corrected=0.2",
        "duplicate_rows=0.3",
        "short_pages=0.5",
        "shuffled_ms=1",
        "http_503=0.1",
    ],
)
async def test_what_is_odd_and_true_is_no_break(database_url: str, fault: str) -> None:
    """Bursts, trades with oneself, rebates, fees in other coins, odd pages: nothing differs."""
    settings = paper(fault, executions=700, days=12, categories=WIDE)
    async with sound_book(database_url, settings) as (book, window):
        _, first = await reconcile(book, window)
        book.clock.at += LATER
        _, second = await reconcile(book, window)

        assert [(str(one.subject), one.ours, one.theirs) for one in second.open] == []
        assert first.compared > 500


@pytest.mark.slow
@pytest.mark.parametrize(
    "switch",
    [
        "closed_pnl_split=true",
        "closed_pnl_sort=created",
        "log_side=of_coin",
        "log_order_id=other",
        "self_trade_ids=equal",
        "movement_states=passing",
        "start_bound=exclusive",
        "end_bound=exclusive",
    ],
)
async def test_what_the_manual_leaves_open_is_no_break(database_url: str, switch: str) -> None:
    """Each open question answered the other way: nothing differs."""
    settings = paper("self_trade=0.1", executions=700, days=12, categories=WIDE, switches=(switch,))
    async with sound_book(database_url, settings) as (book, window):
        _, found = await reconcile(book, window)

        assert [(str(one.subject), one.ours, one.theirs) for one in found.open] == []
        assert found.compared > 500
