"""The whole way of a fill: what the exchange truly did is what the book says."""

from datetime import timedelta
from decimal import Decimal

from tests.sync.book import Book, opened, paper, whole
from tests.sync.truth import must_equal_truth

# Every list reads half an hour again, and those of money that is under way a day.
READ_AGAIN_MAX = 11 * timedelta(minutes=30) + 4 * timedelta(days=1)


async def _sum(book: Book, query: str) -> Decimal:
    return Decimal((await book.rows(query))[0][0])


async def test_the_book_equals_the_truth(database_url: str) -> None:
    """Every fill with every field, every funding payment, every position and every bot's holdings.

    Liquidations, stops and closes by hand name no bot. The exchange takes them from its bots' lots
    in the order in which they were opened, and so do we; so even there the holdings agree.
    """
    settings = paper(executions=1_500)
    async with opened(database_url, settings) as book:
        passed = await book.backfill(whole(settings))
        truth = await book.truth()
        kinds = {row["execType"] for row in truth["executions"]}

        assert passed.complete
        assert {"Trade", "Funding", "BustTrade", "AdlTrade"} == kinds
        await must_equal_truth(book)
        assert (await book.verify()).findings == []


async def test_fees_and_funding_add_up_to_the_truth(database_url: str) -> None:
    """Fees and funding that matches bear, and what open lots still bear, sum to the truth's."""
    settings = paper(executions=1_500)
    async with opened(database_url, settings) as book:
        await book.backfill(whole(settings))
        rows = (await book.truth())["executions"]
        fees = sum(Decimal(row["execFee"]) for row in rows if row["execType"] != "Funding")
        funding = sum(Decimal(row["execFee"]) for row in rows if row["execType"] == "Funding")

        assert fees == await _sum(book, "SELECT sum(fee) FROM trading.trades")
        assert funding == await _sum(book, "SELECT sum(amount) FROM trading.cash_flows")
        assert funding == await _sum(book, "SELECT sum(amount) FROM derived.funding_shares")


async def test_a_second_backfill_adds_nothing(database_url: str) -> None:
    """The same interval again: not one raw record, the same hash; only the overlap is read."""
    settings = paper()
    async with opened(database_url, settings) as book:
        first = await book.backfill(whole(settings))
        before = await book.hash()
        raw = await book.rows("SELECT count(*), max(chain_seq) FROM facts.raw_records")
        second = await book.backfill(whole(settings))
        asked = await book.rows("SELECT starts_at, ends_at FROM facts.windows WHERE run_id = %s",
                                second.run.run_id)  # fmt: skip
        lengths = sum((end - start).total_seconds() for start, end in asked)

        assert (first.complete, second.complete) == (True, True)
        assert first.run.booked.executions_new > 900
        assert second.run.booked.rows_new == 0
        assert raw == await book.rows("SELECT count(*), max(chain_seq) FROM facts.raw_records")
        assert before == await book.hash()
        assert timedelta(seconds=lengths) <= READ_AGAIN_MAX
        assert second.run.requests < first.run.requests / 2
        assert (await book.verify()).ok
