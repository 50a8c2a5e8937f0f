"""Lines of the account log, closed profits and movements are facts like all others."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from fillbook.domain.closed_pnl import ClosedPnl
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.movement import Movement
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window
from fillbook.ledger.rebuild import wipe
from tests.ledger.handed_in import END
from tests.ledger.told import told

DAY = timedelta(days=1)
ALL = Window(END - DAY, END)
KNOWN = "SELECT count(*), max(revision) FROM facts.%s"
AT = END - timedelta(hours=1)

LINE = LogEntry(
    entry_key=digest_key("line", "1"), occurred_at=AT, kind="TRANSFER_IN", category="", symbol="",
    side="None", currency="USDT", change=Decimal(10), balance=Decimal(110),
    cash_flow=Decimal(10), funding=None, fee=None, qty=None, position=None, execution_id="",
    order_id="", execution_key=None,
)  # fmt: skip
CLOSED = ClosedPnl(
    closed_key=digest_key("closed", "1"), closed_at=AT, category="linear", symbol="BTCUSDT",
    order_id="o1", side="Sell", exec_type="Trade", qty=Decimal("0.5"), entry_value=Decimal(50),
    exit_value=Decimal(51), pnl=Decimal("0.9"), open_fee=None, close_fee=None, fill_count=1,
)  # fmt: skip
DEPOSIT = Movement(
    movement_key=digest_key("deposit", "1"), moved_at=AT, kind="deposit", movement_id="7",
    currency="BTC", amount=Decimal("0.1"), fee=None, status="2", is_final=False, from_account="",
    to_account="FUND", reference="0xabc",
)  # fmt: skip


async def test_each_kind_is_booked_once_and_verified(database_url: str) -> None:
    """A line that is told twice is one fact; another story is a revision; all of it verifies."""
    async with told(database_url) as one:
        for stream, reading in (
            ("account_log", LINE), ("closed_pnl", CLOSED), ("deposits", DEPOSIT),
        ):  # fmt: skip
            booked = await one.book(stream, [reading])
            assert (booked.rows_new, booked.executions_new) == (1, 0)
            assert (await one.book(stream, [reading])).rows_new == 0
        changed = await one.book("account_log", [replace(LINE, change=Decimal(11))])
        assert changed.revisions == 1

        assert [(2, 1)] == await one.rows(KNOWN % "log_entries")
        assert [(1, 0)] == await one.rows(KNOWN % "closed_pnl")
        assert [(1, 0)] == await one.rows(KNOWN % "movements")
        await one.prove("account_log", "UNIFIED", ALL)
        await one.must_stand("records of every kind")
        seen = await one.rows("SELECT change, balance, source FROM trading.account_log")
        assert seen == [(Decimal(11), Decimal(110), "bybit_api")]


async def test_what_changes_while_it_lives_is_no_alarm(database_url: str) -> None:
    """A deposit that succeeds, and an order that closes more, tell on; nobody is alarmed."""
    async with told(database_url) as one:
        await one.book("deposits", [DEPOSIT])
        await one.book("closed_pnl", [CLOSED])
        later = await one.book("deposits", [replace(DEPOSIT, status="3", is_final=True)])
        grown = await one.book("closed_pnl", [replace(CLOSED, qty=Decimal(1), fill_count=2)])

        assert (later.revisions, grown.revisions) == (0, 0)
        seen = await one.rows("SELECT status, is_final FROM trading.movements")
        assert seen == [("3", True)]
        assert [(Decimal(1),)] == await one.rows("SELECT qty FROM trading.closed_pnl")


async def test_an_order_that_closed_more_is_counted_once(database_url: str) -> None:
    """A row that grew under another key replaces its earlier telling; parts of one time count."""
    later = AT + timedelta(seconds=1)
    grown = replace(CLOSED, closed_key=digest_key("closed", "2"), pnl=Decimal(3), closed_at=later)
    part = replace(grown, closed_key=digest_key("closed", "3"))
    alone = [
        replace(CLOSED, closed_key=digest_key("closed", name), **words)
        for name, words in (
            ("4", {"symbol": "ETHUSDT"}), ("5", {"category": "inverse"}), ("6", {"order_id": ""}),
            ("7", {"order_id": "", "closed_at": AT + timedelta(hours=1)}),
        )
    ]  # fmt: skip
    seen = (
        "SELECT sum(pnl), count(*) FROM trading.closed_pnl WHERE account_id = %s AND order_id = %s"
    )
    async with told(database_url) as one, told(database_url) as another:
        await another.book("closed_pnl", [part])
        await one.book("closed_pnl", [CLOSED, grown, part, *alone[2:]])

        assert [(Decimal(6), 2)] == await one.rows(seen, one.account_id, "o1")
        assert [(Decimal("1.8"), 2)] == await one.rows(seen, one.account_id, "")
        await one.book("closed_pnl", alone[:2])
        assert [(Decimal("7.8"), 4)] == await one.rows(seen, one.account_id, "o1")


async def test_a_changed_row_is_named(database_url: str) -> None:
    """Verify reads the records again, whatever kind they tell, and compares."""
    async with told(database_url) as one:
        await one.book("account_log", [LINE])
        await one.book("deposits", [DEPOSIT])
        await one.rows("UPDATE facts.log_entries SET balance = 1")
        await one.rows("DELETE FROM facts.movements")
        said = [str(finding) for finding in (await one.verify()).findings]

        assert any("facts.log_entries" in line for line in said)
        assert any("facts.movements" in line for line in said)


async def test_a_line_counts_in_the_hash_and_goes_with_a_wipe(database_url: str) -> None:
    """Two books with other lines differ; a wiped account holds none."""
    async with told(database_url) as one:
        empty = await one.hash()
        await one.book("account_log", [LINE])
        assert empty != await one.hash()
        counts = await wipe(one.pool, one.account_id, actor="test", now=END)

        assert counts["log_entries"] == 1
        assert empty == await one.hash()


async def test_a_stream_that_lays_nothing_is_proven_without_laying(database_url: str) -> None:
    """A log's proof moves on what counts, and touches no leg."""
    async with told(database_url) as one:
        await one.book("account_log", [LINE])
        await one.rows(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RAISE EXCEPTION ''laid''; END'"
        )
        await one.rows(
            "CREATE TRIGGER never BEFORE INSERT OR DELETE ON derived.stretches"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
        )
        await one.prove("account_log", "UNIFIED", ALL)

        assert [(2,)] == await one.rows("SELECT through_seq FROM derived.laid")


async def test_a_proof_may_span_many_requests(database_url: str) -> None:
    """Consecutive windows that were read one by one are one proof, with their pages summed."""
    long = Window(END - 60 * DAY, END)
    async with told(database_url) as one:
        await one.book("account_log", [LINE])
        await one.prove("account_log", "UNIFIED", long, pages=9)

        assert [(9, long.starts_at, long.ends_at)] == await one.rows(
            "SELECT pages, starts_at, ends_at FROM facts.windows"
        )
        await one.must_stand("one proof of many windows")
