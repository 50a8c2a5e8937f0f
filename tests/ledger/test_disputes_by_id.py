"""A row that was listed is no row left out: printed otherwise in the log, or not readable."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.raw import digest_key
from fillbook.reports import coverage as coverage_report
from fillbook.reports._report import Query, ask
from tests.ledger.handed_in import END
from tests.ledger.test_disputes import ALL, HOUR, MS, START, fills, instant, known, line
from tests.ledger.test_legs import fill, payment
from tests.ledger.told import Told, told

SECOND = timedelta(seconds=1)


async def noted(one: Told) -> list[tuple[object, ...]]:
    """The disputes of this account."""
    return await one.rows(
        "SELECT at, missing_in FROM derived.disputes WHERE account_id = %s ORDER BY at, missing_in",
        one.account_id,
    )


def other_words(row: Execution, words: str, *, later: timedelta = timedelta()) -> LogEntry:
    """The line of a fill as a log may print it: of another side, another order, or of neither."""
    said = line(row)
    key = digest_key("execution", row.execution_id, words)
    if "side" in words:
        said = replace(said, side="Sell" if row.side == "Buy" else "Buy", execution_key=key)
    if "order" in words:
        said = replace(said, order_id="another", execution_key=key)
    if words == "none":
        said = replace(said, side="", order_id="", execution_key=None)
    return replace(said, occurred_at=said.occurred_at + later)


async def witness(one: Told, rows: list[Execution], lines: list[LogEntry], *, first: str) -> None:
    """Tell and prove both lists, one of them first."""
    lists: list[tuple[str, str, Sequence[Execution | LogEntry]]] = [
        ("executions", "linear", rows),
        ("account_log", "UNIFIED", lines),
    ]
    for stream, scope, what in sorted(lists, key=lambda told: told[0] != first):
        await one.book(stream, what, scope=scope)
        await one.prove(stream, scope, ALL)


@pytest.mark.parametrize("first", ["executions", "account_log"])
@pytest.mark.parametrize("words", ["side", "order", "side and order", "none"])
async def test_lines_of_another_side_or_order_are_answered_by_their_id(
    database_url: str, words: str, first: str
) -> None:
    """Within a second of the fill; both directions are content, and stay so when told again."""
    rows = fills(4)
    lines = [other_words(row, words, later=MS * 900 * (place % 2)) for place, row in
             enumerate(rows)]  # fmt: skip
    async with told(database_url) as one:
        await witness(one, rows, lines, first=first)

        assert [] == await noted(one)
        assert (await known(one)).read == (ALL,)
        await one.must_stand(words)


async def test_an_id_answers_within_a_second_only(database_url: str) -> None:
    """The same id a minute away, or on another symbol, is another fill."""
    rows = fills(3)
    lines = [
        other_words(rows[0], "side", later=2 * SECOND),
        replace(other_words(rows[1], "side"), symbol="ETHUSDT"),
        line(rows[2]),
    ]
    async with told(database_url) as one:
        await witness(one, rows, lines, first="executions")

        assert await noted(one) == [
            (rows[0].executed_at, "account_log"),
            (rows[0].executed_at + 2 * SECOND, "executions"),
            (rows[1].executed_at, "account_log"),
            (rows[1].executed_at, "executions"),
        ]
        await one.must_stand("too far apart")


async def test_a_trade_with_oneself_is_two_fills(database_url: str) -> None:
    """Both sides share an id: one of them does not answer for the other, in either list."""
    bought = fill("self", START + HOUR, "Buy", 1, 0)
    sold = replace(bought, side="Sell", execution_key=digest_key("execution", "self", "Sell"))
    lines = [line(bought), replace(line(sold), entry_key=digest_key("line", "sold"))]
    for rows, said, missing_in in (
        ([bought], lines, "executions"),
        ([bought, sold], lines[1:], "account_log"),
    ):
        for first in ("executions", "account_log"):
            async with told(database_url) as one:
                await witness(one, rows, said, first=first)

                assert [(bought.executed_at, missing_in)] == await noted(one)
                await one.must_stand(f"missing in {missing_in}, {first} first")


async def test_both_coins_of_a_spot_trade_are_of_one_fill(database_url: str) -> None:
    """The line of the second coin may name the other side; the first one does not use it up."""
    rows = [replace(row, category="spot") for row in fills(2)]
    lines = [line(row) for row in rows]
    coins = [
        replace(other_words(row, "side"), currency="BTC", entry_key=digest_key("coin", name))
        for row, name in zip(rows, "ab", strict=True)
    ]
    async with told(database_url) as one:
        await one.book("executions", rows, scope="spot")
        await one.book("account_log", [*lines, *coins], scope="UNIFIED")
        await one.prove("account_log", "UNIFIED", ALL)
        await one.prove("executions", "spot", ALL)

        assert [] == await noted(one)
        await one.must_stand("two coins")


async def test_a_payment_is_known_by_its_id_as_well(database_url: str) -> None:
    """A settlement line a moment after the payment that it names by its id."""
    paid = payment("f", START + 5 * HOUR, 1)
    settled = replace(
        line(fills(1)[0], kind="SETTLEMENT"), entry_key=digest_key("line", "f"),
        occurred_at=paid.occurred_at + 7 * MS, execution_id="f",
    )  # fmt: skip
    for order in (0, 1):
        steps: list[tuple[str, str, CashFlow | LogEntry]] = [
            ("executions", "linear", paid),
            ("account_log", "UNIFIED", settled),
        ]
        async with told(database_url) as one:
            for stream, scope, what in steps[::-1] if order else steps:
                await one.book(stream, [what], scope=scope)
                await one.prove(stream, scope, ALL)

            assert [] == await noted(one)
            await one.must_stand("paid")


async def test_what_answers_what_does_not_depend_on_order(database_url: str) -> None:
    """Rows and lines of few ids close together, in other words or not, told in any order."""
    chance = random.Random(5)
    rows, lines = [], []
    for place in range(18):
        row = fill(f"x{place}", START + HOUR + place // 6 * 400 * MS,
                   chance.choice(["Buy", "Sell"]), 1, 0)  # fmt: skip
        row = replace(row, execution_id=f"id{place % 9}")
        said = other_words(row, chance.choice(["", "", "", "side", "none"]))
        lines.append(replace(said, entry_key=digest_key("line", str(place))))
        rows.append(row)
    pages: list[tuple[str, str, Execution | LogEntry]] = [
        *(("executions", "linear", row) for row in rows if chance.random() < 0.7),
        *(("account_log", "UNIFIED", said) for said in lines if chance.random() < 0.7),
    ]
    found = set()
    for _ in range(5):
        chance.shuffle(pages)
        async with told(database_url) as one:
            await one.prove("executions", "linear", ALL)
            await one.prove("account_log", "UNIFIED", ALL)
            for place, (stream, scope, what) in enumerate(pages):
                await one.book(stream, [what], scope=scope)
                if place % 5 == 0:
                    await one.prove(stream, scope, ALL)
            await one.prove("orders", "linear", ALL)
            found.add(tuple(await noted(one)))
            await one.must_stand("in any words and order")

    assert len(found) == 1
    assert {"executions", "account_log"} == {missing for _, missing in found.pop()}


@pytest.mark.parametrize("first", ["executions", "account_log"])
async def test_a_listed_row_that_cannot_be_read_is_no_dispute(
    database_url: str, first: str
) -> None:
    """It is not asked for again, and does not count as read until a row that can be read comes."""
    rows = fills(3)
    missing = instant(rows[1].executed_at)
    async with told(database_url) as one:
        if first == "executions":
            await one.set_aside("executions", rows[1].execution_key)
        await witness(one, [rows[0], rows[2]], [line(row) for row in rows], first=first)
        if first == "account_log":
            assert ((missing,), ()) == ((await known(one)).disputed, (await known(one)).unreadable)
            await one.set_aside("executions", rows[1].execution_key)
            await one.prove("executions", "linear", ALL)
        found = await known(one)
        assert ((ALL,), (ALL,)) == (found.read, found.settled)
        assert ((), (missing,)) == (found.disputed, found.unreadable)
        assert [(rows[1].executed_at, "readings")] == await noted(one)
        await one.must_stand("set aside")

        await one.book("executions", [rows[1]])
        await one.prove("executions", "linear", ALL)
        assert () == (await known(one)).unreadable
        assert [] == await noted(one)
        await one.must_stand("read after all")


async def test_a_row_set_aside_under_another_key_stays_a_dispute(database_url: str) -> None:
    """A damaged identity does not say which fill it was."""
    rows = fills(2)
    async with told(database_url) as one:
        await one.set_aside("executions", digest_key("unread", "x"))
        await one.set_aside("orders", rows[1].execution_key)
        await witness(one, rows[:1], [line(row) for row in rows], first="executions")

        assert (instant(rows[1].executed_at),) == (await known(one)).disputed


async def test_reports_do_not_count_what_cannot_be_read(database_url: str) -> None:
    """A gap of a millisecond with its reason, neither corroborated nor read."""
    rows = fills(2)
    at = rows[1].executed_at
    async with told(database_url) as one:
        await one.set_aside("executions", rows[1].execution_key)
        await witness(one, rows[:1], [line(row) for row in rows], first="executions")
        await one.rows(
            "INSERT INTO ops.wanted VALUES (%s, 'executions', 'linear',"
            " tstzmultirange(tstzrange(%s, %s)))", one.account_id, START, END,
        )  # fmt: skip
        said = await ask(one.pool, coverage_report.REPORT, Query(), now=END)

        assert isinstance(said, coverage_report.Coverage)
        mine = [gap for gap in said.gaps if gap.account.startswith("told-")]
        assert [(at, at + MS)] == [(gap.starts_at, gap.ends_at) for gap in mine][-1:]
        assert "not readable by this version" in mine[-1].reason
        assert said.basis.gaps == len(said.gaps)
