"""What only the account log tells makes a gap; what it leaves out is merely not corroborated."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from fillbook.domain.execution import Execution
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window
from fillbook.ledger import coverage
from tests.ledger.handed_in import END
from tests.ledger.test_legs import fill, payment
from tests.ledger.told import Told, told

HOUR = timedelta(hours=1)
MS = timedelta(milliseconds=1)
START = END - timedelta(days=2)
ALL = Window(START, END)


def line(row: Execution, *, kind: str = "TRADE") -> LogEntry:
    """The line of the log that speaks of a fill."""
    return LogEntry(
        entry_key=digest_key("line", row.execution_id), occurred_at=row.executed_at, kind=kind,
        category=row.category, symbol=row.symbol, side=row.side, currency="USDT",
        change=Decimal(0), balance=None, cash_flow=None, funding=None, fee=None, qty=None,
        position=None, execution_id=row.execution_id, order_id=row.order_id,
        execution_key=row.execution_key,
    )  # fmt: skip


def fills(number: int) -> list[Execution]:
    return [
        fill(f"x{place}", START + HOUR * (place + 1), "Buy" if place % 2 == 0 else "Sell", 1,
             place % 2)
        for place in range(number)
    ]  # fmt: skip


async def known(one: Told, stream: str = "executions", scope: str = "linear") -> coverage.Coverage:
    return await coverage.get(one.pool, one.account_id, stream, scope)


def instant(at: datetime) -> Window:
    return Window(at, at + MS)


async def test_a_fill_that_the_list_leaves_out_is_a_gap_until_it_turns_up(
    database_url: str,
) -> None:
    """Its millisecond is neither read nor settled; the row heals it."""
    rows = fills(4)
    async with told(database_url) as one:
        await one.book("executions", [*rows[:2], *rows[3:]])
        await one.prove("executions", "linear", ALL)
        await one.book("account_log", [line(row) for row in rows], scope="UNIFIED")
        assert (await known(one)).disputed == ()
        await one.prove("account_log", "UNIFIED", ALL)
        missing = instant(rows[2].executed_at)
        found = await known(one)

        assert found.disputed == (missing,)
        assert found.read == found.settled
        assert found.read == (Window(START, missing.starts_at), Window(missing.ends_at, END))
        await one.must_stand("disputed")

        await one.book("executions", [rows[2]])
        await one.prove("executions", "linear", Window(missing.starts_at - HOUR, missing.ends_at))
        assert ((ALL,), ()) == ((await known(one)).read, (await known(one)).disputed)
        await one.must_stand("healed")


async def test_only_time_that_both_tell_is_disputed(database_url: str) -> None:
    """The log alone proves no gap, and each category is judged by itself."""
    rows = fills(4)
    late = Window(START + 3 * HOUR, END)
    async with told(database_url) as one:
        await one.book("account_log", [line(row) for row in rows], scope="UNIFIED")
        await one.prove("account_log", "UNIFIED", ALL)
        assert (await known(one)).disputed == ()
        await one.prove("executions", "linear", late)
        assert (await known(one)).disputed == tuple(instant(row.executed_at) for row in rows[2:])
        await one.prove("executions", "spot", ALL)
        assert (await known(one, scope="spot")).disputed == ()
        assert (await known(one, "account_log", "UNIFIED")).read == (ALL,)
        await one.must_stand("half witnessed")


async def test_payments_and_money_moved_are_no_fills(database_url: str) -> None:
    """A settlement line is answered by a payment of the list; a transfer speaks of none."""
    row = fills(1)[0]
    paid = payment("f", START + 5 * HOUR, 1)
    settled = replace(
        line(row, kind="SETTLEMENT"), entry_key=digest_key("line", "f"),
        occurred_at=paid.occurred_at, execution_id="f", execution_key=paid.cash_key,
    )  # fmt: skip
    moved = replace(
        line(row, kind="TRANSFER_IN"), entry_key=digest_key("line", "t"),
        occurred_at=START + 6 * HOUR, execution_key=digest_key("execution", "none"),
    )  # fmt: skip
    async with told(database_url) as one:
        await one.book("executions", [row, paid])
        await one.book("account_log", [line(row), settled, moved], scope="UNIFIED")
        await one.prove("executions", "linear", ALL)
        await one.prove("account_log", "UNIFIED", ALL)

        assert [(0,)] == await one.rows("SELECT count(*) FROM derived.disputes")


async def test_a_fill_that_the_log_leaves_out_is_still_read(database_url: str) -> None:
    """It is noted, because nothing corroborates it; a line that arrives ends that."""
    rows = fills(3)
    noted = "SELECT at, missing_in FROM derived.disputes ORDER BY at"
    async with told(database_url) as one:
        await one.book("executions", rows)
        await one.prove("executions", "linear", ALL)
        await one.book("account_log", [line(rows[0]), line(rows[2])], scope="UNIFIED")
        await one.prove("account_log", "UNIFIED", ALL)

        assert [(rows[1].executed_at, "account_log")] == await one.rows(noted)
        assert (await known(one)).read == (ALL,)
        await one.must_stand("not corroborated")
        await one.book("account_log", [line(rows[1])], scope="UNIFIED")
        await one.prove("orders", "linear", ALL)  # any proof makes facts count
        assert [] == await one.rows(noted)
        await one.must_stand("corroborated")


async def test_disputes_do_not_depend_on_what_came_first(database_url: str) -> None:
    """Windows and pages of both witnesses in any order, some rows left out by either."""
    chance = random.Random(11)
    rows = fills(24)
    cut = START + 11 * HOUR
    halves = (Window(START, cut), Window(cut, END))
    told_pages = [("executions", row) for row in rows if chance.random() < 0.8]
    log = [("account_log", line(row)) for row in rows if chance.random() < 0.8]
    hashes = set()
    for _ in range(6):
        steps: list[tuple[object, ...]] = [("book", *page) for page in (*told_pages, *log)]
        steps += [("prove", "executions", "linear", half) for half in halves]
        steps += [("prove", "account_log", "UNIFIED", half) for half in halves]
        chance.shuffle(steps)
        async with told(database_url) as one:
            for act, stream, what, *window in steps:
                if act == "book":
                    await one.book(str(stream), [what])  # type: ignore[list-item]
                else:
                    await one.prove(str(stream), str(what), window[0])  # type: ignore[arg-type]
            await one.must_stand("any order")
            await one.prove("orders", "linear", ALL)
            hashes.add(await one.hash())
            assert (await known(one)).disputed

    assert len(hashes) == 1


async def test_a_forged_dispute_is_named(database_url: str) -> None:
    """Verify makes disputes again and compares."""
    async with told(database_url) as one:
        await one.book("executions", fills(2))
        await one.prove("executions", "linear", ALL)
        await one.rows(
            "INSERT INTO derived.disputes VALUES (%s, 'linear', %s, gen_random_uuid(),"
            " 'executions')", one.account_id, START
        )  # fmt: skip
        said = [str(finding) for finding in (await one.verify()).findings]

        assert any("derived.disputes" in text for text in said)
