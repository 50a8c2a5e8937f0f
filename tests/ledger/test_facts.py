"""Booking: each row once, verbatim, whether it comes again, changes or cannot be read."""

from datetime import timedelta

import msgspec

from fillbook.domain.raw import RawRecord
from fillbook.domain.window import Window
from fillbook.ledger.facts import Booked
from fillbook.ledger.packing import unpack
from fillbook.venues.bybit.identity import unread_key
from tests.ledger.handed_in import END, Hand, Row, fill, hand, paper_rows

AT = END - timedelta(hours=5)
DAY = Window(END - timedelta(days=1), END)
REVISIONS = (
    "SELECT revision, revision_reason, price, fee, fee_currency FROM facts.executions"
    " WHERE account_id = %s ORDER BY revision"
)


async def _bodies(one: Hand) -> list[bytes]:
    found = await one.rows(
        "SELECT codec, body FROM facts.raw_records WHERE account_id = %s ORDER BY chain_seq",
        one.account_id,
    )
    return [unpack(codec, bytes(body)) for codec, body in found]


def _bought(**more: object) -> Row:
    return fill("1", AT, "Buy", "2", order="A", **more)


async def test_a_row_that_comes_again_is_kept_once(database_url: str) -> None:
    """In the same page or in a later one: nothing new."""
    rows = paper_rows(executions=60, days=2, seed=3)
    async with hand(database_url) as one:
        first = await one.book(rows + rows[:9])
        again = await one.book(rows)

        assert (len(rows) + 9, len(rows)) == (first.rows_seen, first.rows_new)
        assert Booked(rows_seen=len(rows)) == again
        assert [row.record.body for row in rows] == await _bodies(one)


async def test_another_order_of_fields_is_kept_and_changes_nothing(database_url: str) -> None:
    """The bytes differ, so they are kept; the reading is the same, so there is no revision."""
    row = _bought()
    turned = Row(row.at, dict(reversed(row.body.items())))
    async with hand(database_url) as one:
        await one.book([row])
        booked = await one.book([turned])

        assert (1, 0, 0) == (booked.rows_new, booked.executions_new, booked.revisions)
        assert [row.record.body, turned.record.body] == await _bodies(one)
        assert 1 == len(await one.rows(REVISIONS, one.account_id))
        await one.prove(DAY)
        await one.must_stand("fields in another order")


async def test_what_was_missing_and_arrives_completes(database_url: str) -> None:
    """A fee that was blank, or a coin that was inferred, is no contradiction."""
    async with hand(database_url) as one:
        await one.book([_bought(execFee="", feeCurrency="")])
        booked = await one.book([_bought(execFee="0.25", feeCurrency="USDC")])
        told = await one.rows(REVISIONS, one.account_id)

        assert 0 == booked.revisions
        assert [(0, "first"), (1, "completion")] == [row[:2] for row in told]
        assert ["USDT", "USDC"] == [row[4] for row in told]


async def test_another_story_revises(database_url: str) -> None:
    """Another price for the same fill is a revision; both are kept, the latest is what counts."""
    async with hand(database_url) as one:
        await one.book([_bought()])
        await one.prove(DAY)
        booked = await one.book([_bought(execPrice="101")])
        await one.prove(DAY)
        told = await one.rows(REVISIONS, one.account_id)
        laid = await one.rows("SELECT price FROM derived.lines")

        assert 1 == booked.revisions
        assert [(0, "first", 100), (1, "revision", 101)] == [row[:3] for row in told]
        assert [(101,)] == laid
        await one.must_stand("a revision")


async def test_a_change_that_is_taken_back_is_a_change(database_url: str) -> None:
    """One price, then another, then the first again: what the venue says last is what counts."""
    async with hand(database_url) as one:
        for price in ("100", "200", "100"):
            await one.book([_bought(execPrice=price)])
        await one.prove(DAY)
        laid = await one.rows("SELECT price FROM derived.lines")
        told = await one.rows(REVISIONS, one.account_id)

        assert [100, 200, 100] == [row[2] for row in told]
        assert [(100,)] == laid
        await one.must_stand("a change taken back")


async def test_a_poorer_telling_takes_nothing(database_url: str) -> None:
    """A row with blanks after a full one leaves the book as it was, with the fee it had."""
    async with hand(database_url) as one:
        await one.book([_bought(execFee="0.25", closedSize="0")])
        booked = await one.book([_bought(execFee="", closedSize="", feeCurrency="")])
        await one.prove(DAY)
        told = await one.rows(REVISIONS, one.account_id)

        assert (1, 0) == (booked.rows_new, booked.revisions)
        assert [(0, "first")] == [row[:2] for row in told]
        assert ["0.25"] == [str(row[3]) for row in told]
        await one.must_stand("a poorer telling")


async def test_two_stories_in_one_page_are_two_revisions(database_url: str) -> None:
    """The venue contradicts itself within a page: the later row is the later revision."""
    async with hand(database_url) as one:
        booked = await one.book([_bought(), _bought(execPrice="101"), _bought(execPrice="102")])
        told = await one.rows(REVISIONS, one.account_id)

        assert (3, 1, 2) == (booked.rows_new, booked.executions_new, booked.revisions)
        assert [100, 101, 102] == [row[2] for row in told]
        await one.prove(DAY)
        await one.must_stand("two stories")


async def test_what_cannot_be_read_is_kept_and_counted(database_url: str) -> None:
    """Unknown kinds and broken rows stay verbatim, with the reason; the page goes on."""
    odd: list[Row | bytes] = [
        _bought(execType="Airdrop"),
        fill("2", AT, "Buy", "2", order="B", execPrice="cheap"),
        fill("3", AT, "Sideways", "2", order="C"),
        fill("4", AT, "Buy", "2", order="D", execTime="yesterday"),
        b'{"execId": "5"}',
        b"[1, 2]",
        b'"text"',
        b"{}",
    ]
    good = fill("9", AT, "Buy", "2", order="Z")
    records = [
        RawRecord(unread_key("linear", item), item)
        if isinstance(item, bytes)
        else RawRecord(
            unread_key("linear", msgspec.json.encode(item.body)), msgspec.json.encode(item.body)
        )
        for item in odd
    ]
    async with hand(database_url) as one:
        booked = await one.book_records([*records[:4], good.record, *records[4:]])
        reasons = [row[0] for row in await one.rows(
            "SELECT reason FROM facts.quarantined ORDER BY chain_seq")]  # fmt: skip

        assert (len(odd), 1, len(odd) + 1) == (
            booked.quarantined, booked.executions_new, booked.rows_new)  # fmt: skip
        assert {record.body for record in records} < set(await _bodies(one))
        assert "Airdrop" in reasons[0]
        assert "execPrice" in reasons[1]
        assert all(reasons)
        await one.prove(DAY)
        await one.must_stand("quarantined rows")


async def test_a_row_that_becomes_readable_is_read(database_url: str) -> None:
    """First without a price, then with one: quarantined once, booked once, laid once."""
    async with hand(database_url) as one:
        first = await one.book([_bought(execPrice="")])
        await one.prove(DAY)
        second = await one.book([_bought()])
        await one.prove(DAY)

        assert (1, 0) == (first.quarantined, first.executions_new)
        assert (0, 1) == (second.quarantined, second.executions_new)
        assert 1 == len(await one.rows("SELECT * FROM derived.lines"))
        await one.must_stand("a row that became readable")


async def test_a_fill_that_turns_out_to_be_funding_is_no_fill(database_url: str) -> None:
    """Another kind under the same key takes the old reading back: it never counts as both."""
    async with hand(database_url) as one:
        await one.book([_bought()])
        await one.prove(DAY)
        await one.book([_bought(execType="Funding")])
        await one.prove(DAY)

        assert [] == await one.rows("SELECT * FROM facts.current_executions")
        assert 1 == len(await one.rows("SELECT * FROM facts.current_cash_flows"))
        assert [] == await one.rows("SELECT * FROM derived.lines")
        await one.must_stand("another kind")

        await one.book([_bought(execPrice="102")])
        await one.prove(DAY)

        assert 1 == len(await one.rows("SELECT * FROM facts.current_executions"))
        assert [] == await one.rows("SELECT * FROM facts.current_cash_flows")
        await one.must_stand("the old kind again")
