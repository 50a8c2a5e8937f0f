"""The account log as reports show it: its lines, money moved, and whether balances add up."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from fillbook.accounting.cash_chain import Break, Step, breaks
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.movement import Movement
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window
from fillbook.errors import UsageError
from fillbook.ledger import coverage as ledger_coverage
from fillbook.reports import account_log, cash_chain, coverage, movements
from fillbook.reports._report import Query, ask
from tests.ledger.handed_in import END
from tests.ledger.test_disputes import fills, line
from tests.ledger.told import told

AT = datetime(2026, 2, 20, tzinfo=UTC)
ALL = Window(AT, END)
MS = timedelta(milliseconds=1)
LINES_MANY = 20_000
SECONDS_MAX = 5.0


def log(name: str, at: datetime, change: str, balance: str | None, coin: str = "USDT") -> LogEntry:
    return LogEntry(
        entry_key=digest_key("line", name), occurred_at=at, kind="TRADE", category="", symbol="",
        side="", currency=coin, change=Decimal(change),
        balance=None if balance is None else Decimal(balance), cash_flow=None, funding=None,
        fee=None, qty=None, position=None, execution_id="", order_id="", execution_key=None,
    )  # fmt: skip


def step(second: int, change: str, balance: str | None) -> Step:
    told = None if balance is None else Decimal(balance)
    return Step(AT + timedelta(seconds=second), Decimal(change), told)


@pytest.mark.parametrize(
    ("told", "broken"),
    [
        ([(0, "1", "1"), (1, "2", "3"), (2, "-3", "0")], []),
        # One instant, in the wrong order, and in a circle.
        ([(0, "1", "1"), (1, "-1", "2"), (1, "2", "3"), (2, "1", "3")], []),
        ([(0, "1", "1"), (1, "-2", "1"), (1, "2", "3"), (2, "1", "2")], []),
        ([(1, "-2", "1"), (1, "2", "3"), (2, "1", "2")], []),
        ([(1, "-2", "1"), (1, "2", "3"), (2, "1", "4")], []),
        # A line is missing: before an instant with one line, and before one with several.
        ([(0, "1", "1"), (1, "1", "5"), (2, "1", "6")], [(1, "2", "5")]),
        ([(0, "1", "1"), (1, "1", "6"), (1, "1", "5"), (2, "1", "7")], [(1, "3", "6")]),
        # The lines of an instant do not hang together: the break is inside of it.
        ([(0, "1", "1"), (1, "1", "2"), (1, "1", "9"), (2, "1", "10")], [(1, "3", "2")]),
        # A line without a balance is carried along; what it says counts.
        ([(0, "1", "1"), (1, "1", None), (2, "1", "3")], []),
        ([(0, "1", "1"), (1, "1", None), (2, "1", "4")], [(2, "3", "4")]),
        # The documented example.
        ([(0, "0", "5086.56192602"), (1, "-0.003676", "5086.55825002")], []),
    ],
)  # fmt: skip
def test_a_break_is_where_balances_do_not_follow(
    told: list[tuple[int, str, str | None]], broken: list[tuple[int, str, str]]
) -> None:
    """Expected is what the lines explain; an instant's lines may come in any order."""
    found = list(breaks(step(*one) for one in told))

    assert found == [
        Break(
            AT + timedelta(seconds=at - 1),
            AT + timedelta(seconds=at),
            Decimal(expected),
            Decimal(says),
        )
        for at, expected, says in broken
    ]


def test_a_true_log_never_breaks_and_a_gap_in_it_does() -> None:
    """Any walk, shuffled within its instants, adds up; without one line it does not."""
    for seed in range(200):
        chance = random.Random(seed)
        balance, steps = Decimal(0), []
        for _ in range(30):
            change = Decimal(chance.choice((-2, -1, 1, 2, 3)))
            balance += change
            steps.append(Step(AT + timedelta(seconds=chance.randint(0, 8)), change, balance))
        times = sorted(one.at for one in steps)
        steps = [replace(one, at=at) for one, at in zip(steps, times, strict=True)]
        shuffled = sorted(steps, key=lambda one: (one.at, chance.random()))
        assert list(breaks(shuffled)) == []

        apart = [at for at, after in pairwise(times) if at != after]
        inner = [one for one in steps if times.count(one.at) == 1 and one.at in apart[1:-1]]
        for gone in inner[:1]:
            assert list(breaks(one for one in shuffled if one is not gone)) != []


async def test_only_read_time_is_added_up(database_url: str) -> None:
    """A gap in the log is no break; inside what is read each coin is a chain of its own."""
    middle = AT + timedelta(days=2)
    lines = [
        log("a", AT + MS, "100", "100"), log("b", AT + 2 * MS, "-1", "99"),
        log("c", AT + 3 * MS, "2", "2", coin="BTC"), log("d", AT + 4 * MS, "1", "90"),
        log("e", middle + MS, "1", "200"),
    ]  # fmt: skip
    async with told(database_url) as one:
        await one.book("account_log", lines, scope="UNIFIED")
        await one.prove("account_log", "UNIFIED", Window(AT, AT + timedelta(days=1)))
        await one.prove("account_log", "UNIFIED", Window(middle, END))
        said = await ask(one.pool, cash_chain.REPORT, Query(), now=END)
        coin = await ask(one.pool, cash_chain.REPORT, Query(currency="BTC"), now=END)

    assert [
        (row.currency, row.at, row.expected, row.told, row.difference) for row in said.rows
    ] == [("USDT", AT + 4 * MS, Decimal(100), Decimal(90), Decimal(-10))]
    assert [(row.currency, row.lines, row.breaks) for row in said.chains] == [
        ("BTC", 1, 0), ("USDT", 3, 1), ("USDT", 1, 0),
    ]  # fmt: skip
    assert [(row.currency, row.lines) for row in coin.chains] == [("BTC", 1)]


async def test_a_long_log_is_added_up_quickly(database_url: str) -> None:
    """Some ten thousand lines in a moment, several of them in one instant."""
    balance, lines = Decimal(0), []
    for number in range(LINES_MANY):
        balance += Decimal(number % 7 - 3)
        at = AT + MS * (number // 3)
        lines.append(log(f"{number}", at, str(number % 7 - 3), str(balance)))
    async with told(database_url) as one:
        await one.book("account_log", lines, scope="UNIFIED")
        await one.prove("account_log", "UNIFIED", ALL)
        started = datetime.now(UTC)
        said = await ask(one.pool, cash_chain.REPORT, Query(), now=END)
        took = (datetime.now(UTC) - started).total_seconds()

    assert (said.rows, [row.lines for row in said.chains]) == ((), [LINES_MANY])
    assert took < SECONDS_MAX


async def test_lines_come_in_pages_newest_first(database_url: str) -> None:
    """Every line once, those of one instant too, whatever the size of a page."""
    lines = [log(f"{number}", AT + MS * (number // 4), "1", None) for number in range(23)]
    async with told(database_url) as one:
        await one.book("account_log", lines, scope="UNIFIED")
        seen: list[account_log.Logged] = []
        cursor: str | None = None
        while True:
            page = await ask(one.pool, account_log.REPORT, Query(limit=5, cursor=cursor), now=END)
            seen += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
        with pytest.raises(UsageError, match="cursor"):
            await ask(one.pool, account_log.REPORT, Query(cursor="MXwyfDM"), now=END)

    assert [row.at for row in seen] == sorted((one.occurred_at for one in lines), reverse=True)


async def test_movements_show_their_last_status(database_url: str) -> None:
    """A deposit that was taken back is shown as such."""
    deposit = Movement(
        movement_key=digest_key("d"), moved_at=AT, kind="deposit", movement_id="1",
        currency="BTC", amount=Decimal("0.5"), fee=None, status="3", is_final=True,
        from_account="", to_account="FUND", reference="0x1",
    )  # fmt: skip
    other = replace(deposit, movement_key=digest_key("e"), currency="USDT", movement_id="2")
    async with told(database_url) as one:
        await one.book("deposits", [deposit, other])
        await one.book("deposits", [replace(deposit, status="70011", is_final=False)])
        said = await ask(one.pool, movements.REPORT, Query(currency="BTC"), now=END)
        first = await ask(one.pool, movements.REPORT, Query(limit=1), now=END)
        rest = await ask(
            one.pool, movements.REPORT, Query(limit=1, cursor=first.next_cursor), now=END
        )

    assert [(row.status, row.is_final, row.amount) for row in said.rows] == [
        ("70011", False, Decimal("0.5"))
    ]
    assert {row.movement_id for row in (*first.rows, *rest.rows)} == {"1", "2"}
    assert rest.next_cursor is None


async def test_coverage_says_what_two_witnesses_agree_on(database_url: str) -> None:
    """Corroborated where both tell the same; a gap where only the log does; else merely read."""
    rows = fills(3)
    before, whole = rows[0].executed_at, Window(rows[0].executed_at - timedelta(hours=1), END)
    async with told(database_url) as one:
        await ledger_coverage.want(one.pool, one.account_id, "executions", "linear", whole)
        await one.book("executions", [rows[0], rows[2]])
        await one.book("account_log", [line(rows[0]), line(rows[1])], scope="UNIFIED")
        await one.prove("executions", "linear", whole)
        await one.prove("account_log", "UNIFIED", Window(before, END))
        said = await ask(one.pool, coverage.REPORT, Query(), now=END)

    listed = [row for row in said.rows if row.stream == "executions"]
    assert [(row.grade, row.starts_at, row.ends_at) for row in listed] == [
        ("settled", whole.starts_at, before),
        ("corroborated", before, rows[1].executed_at),
        ("corroborated", rows[1].executed_at + MS, rows[2].executed_at),
        ("settled", rows[2].executed_at, rows[2].executed_at + MS),
        ("corroborated", rows[2].executed_at + MS, END),
    ]
    assert [(gap.starts_at, gap.ends_at, gap.reason) for gap in said.gaps] == [
        (
            rows[1].executed_at, rows[1].executed_at + MS,
            "the account log tells a fill at this instant that the executions leave out",
        )
    ]  # fmt: skip
    assert (said.percent, said.basis.gaps) == (Decimal("99.99"), 1)


def test_rounding_is_no_break() -> None:
    """Balances and changes are printed with eight decimals: their last digit may be off by two."""
    told = [(0, "1", "1"), (1, "1", "2.00000002"), (2, "1", "3.00000005")]

    assert [one.at for one in breaks(step(*line) for line in told)] == [AT + timedelta(seconds=2)]
