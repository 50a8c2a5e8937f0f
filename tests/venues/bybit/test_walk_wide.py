"""The connector against a whole paper Bybit: every stream of every category, hedged or not."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from fillbook.domain.closed_pnl import ClosedPnl
from fillbook.domain.execution import CashFlow, Execution, Told, Unreadable
from fillbook.domain.log_entry import LogEntry
from fillbook.domain.movement import Movement
from fillbook.domain.order import Order
from fillbook.domain.window import Window, from_milliseconds
from fillbook.errors import VenueRequestError
from fillbook.venues._contract import StreamRules
from fillbook.venues.bybit import BybitVenue
from papervenues.bybit.server import RunningVenue
from papervenues.bybit.settings import Settings
from papervenues.bybit.switches import QUESTIONS, Switches
from papervenues.faults import FaultPlan, parse_fault
from tests.venues.bybit.test_walk import DAYS, END, RESTARTS_MAX, both

CATEGORIES = ("linear", "inverse", "spot", "option")
LEGS = {0: "net", 1: "long", 2: "short"}


@dataclass(slots=True)
class Walked:
    """Everything that every stream told, and what truly happened."""

    by_key: dict[tuple[str, UUID], Told] = field(default_factory=dict)
    truth: dict[str, Any] = field(default_factory=dict)
    untimed_deposits: bool = False  # some may be under way, or have failed

    def of(self, kind: type) -> list[Any]:
        """What was told of one kind."""
        return [one for one in self.by_key.values() if type(one) is kind]


def wide(*, hedge: bool, executions: int = 1_200, switches: str = "", faults: str = "") -> Settings:
    return Settings(
        end_ms=int(END.timestamp()) * 1000,
        days=DAYS,
        executions=executions,
        categories=CATEGORIES,
        hedge=hedge,
        switches=Switches.of(switches.split()),
        faults=FaultPlan(tuple(parse_fault(fault) for fault in faults.split())),
    )


async def walk_all(
    venue: BybitVenue, paper: RunningVenue, made: Settings, *, untimed_deposits: bool = False
) -> Walked:
    """Every stream and scope, window by window, each to its end."""
    walked = Walked(untimed_deposits=untimed_deposits)
    for rules in venue.streams:
        for scope in rules.scopes:
            await walk_scope(venue, walked, rules, scope, made)
    async with aiohttp.ClientSession() as session, session.get(f"{paper.url}/paper/truth") as told:
        walked.truth = dict(await told.json())
    return walked


async def walk_scope(
    venue: BybitVenue, walked: Walked, rules: StreamRules, scope: str, made: Settings
) -> None:
    starts_at = from_milliseconds(made.start_ms)
    while starts_at < END:
        window = Window(starts_at, min(END, starts_at + rules.window_max))
        for _ in range(RESTARTS_MAX):
            try:
                await walk_window(venue, walked, rules, scope, window)
                break
            except VenueRequestError as error:
                if "cursor" not in str(error):  # one had expired: the window begins anew
                    raise
        else:
            raise AssertionError("a window was never read to its end")
        starts_at = window.ends_at


async def walk_window(
    venue: BybitVenue, walked: Walked, rules: StreamRules, scope: str, window: Window
) -> None:
    cursor: str | None = None
    while True:
        page = await venue.pages(rules.name, scope, window, cursor)
        for record in page.records:
            reading = venue.parse(rules.name, scope, record.body)
            if isinstance(reading, Unreadable) and walked.untimed_deposits:
                assert rules.name == "deposits"
                assert "has no time yet" in reading.reason
                continue
            assert not isinstance(reading, Unreadable), (rules.name, scope, reading)
            walked.by_key[rules.name, record.record_key] = reading
        cursor = page.next_cursor
        if cursor is None:
            return


@pytest.mark.parametrize("hedge", [False, True])
async def test_every_stream_agrees_with_the_truth_and_with_the_others(hedge: bool) -> None:  # noqa: FBT001
    """Executions are the truth's, the log names each of them, and what is held adds up."""
    made = wide(hedge=hedge)
    async with both(made) as (paper, venue):
        walked = await walk_all(venue, paper, made)
        held = await venue.positions()
        balances = await venue.balances()

    fills: list[Execution] = walked.of(Execution)
    happened = walked.truth["executions"]
    assert Counter((one.category, one.execution_id) for one in fills) + Counter(
        (one.category, one.flow_id) for one in walked.of(CashFlow)
    ) == Counter((row["category"], row["execId"]) for row in happened)
    assert {one.category for one in fills} == set(CATEGORIES)

    lines: list[LogEntry] = walked.of(LogEntry)
    named = {line.execution_key for line in lines if line.kind != "SETTLEMENT"}
    assert {fill.execution_key for fill in fills} == named - {None}
    for line in lines:
        parts = (line.cash_flow or Decimal(0)) + (line.funding or Decimal(0))
        assert line.change == parts - (line.fee or Decimal(0))

    leg_of = {row["execId"]: LEGS[row["positionIdx"]] for row in happened}
    sums: Counter[tuple[str, str, str]] = Counter()
    for fill in fills:
        if fill.category != "spot":
            signed = fill.qty if fill.side == "Buy" else -fill.qty
            sums[fill.category, fill.symbol, leg_of[fill.execution_id]] += signed  # type: ignore[assignment]
    assert {key: qty for key, qty in sums.items() if qty} == {
        (one.category, one.symbol, one.leg): one.qty for one in held if one.qty
    }
    owned = {
        (one["wallet"], one["coin"]): Decimal(one["balance"]) for one in walked.truth["balances"]
    }
    told = {(one.wallet, one.currency): one.balance - (one.borrowed or 0) for one in balances}
    assert {key: amount for key, amount in owned.items() if amount} == {
        key: amount for key, amount in told.items() if amount
    }


# The first says how long an address is shut out, the others speak of the private stream.
NOT_OF_A_WALK = ("ban_minutes", "ack_ms", "ws_auth_failure")
NUMBERS = {"cursor_lifetime_ms": "250", "asset_kept_days": "10"}
OTHERWISE = [
    f"{name}={choice}"
    for name, question in QUESTIONS.items()
    for choice in question.choices or (NUMBERS.get(name, ""),)
    if name not in NOT_OF_A_WALK and choice != str(getattr(Switches(), name)).lower()
]


@pytest.mark.parametrize("switches", [*OTHERWISE, "start_bound=exclusive end_bound=exclusive"])
async def test_open_questions_may_be_answered_either_way(switches: str) -> None:
    """Whatever the manual leaves open, every execution and every line of the log arrives."""
    made = wide(hedge=False, executions=400, switches=switches)
    async with both(made) as (paper, venue):
        walked = await walk_all(venue, paper, made, untimed_deposits="passing" in switches)
        balances = await venue.balances()

    told = [*walked.of(Execution), *walked.of(CashFlow)]
    assert len(told) == len(walked.truth["executions"])
    sums: dict[str, Decimal] = {}
    for line in walked.of(LogEntry):
        sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.change
    counted = {row["currency"]: Decimal(0) for row in walked.truth["log"]}
    for row in walked.truth["log"]:
        counted[row["currency"]] += Decimal(row["change"])
    assert sums == counted
    assert {one.currency for one in balances if one.wallet == "UNIFIED"} >= set(sums)


async def test_orders_closed_profits_and_movements_belong_to_executions() -> None:
    """Fills of hedged symbols have orders that name their leg, and money arrives in every way."""
    made = wide(hedge=True)
    async with both(made) as (paper, venue):
        walked = await walk_all(venue, paper, made)

    orders = {(one.category, one.order_id): one for one in walked.of(Order)}
    legs = {row["execId"]: LEGS[row["positionIdx"]] for row in walked.truth["executions"]}
    named = [
        (orders[fill.category, fill.order_id].leg, legs[fill.execution_id])
        for fill in walked.of(Execution)
        if (fill.category, fill.order_id) in orders
    ]
    assert len(named) > len(walked.of(Execution)) // 2
    assert all(said == true for said, true in named)
    assert {said for said, _ in named} == {"net", "long", "short"}

    executed = {fill.order_id for fill in walked.of(Execution)}
    assert {one.order_id for one in walked.of(ClosedPnl)} <= executed
    kinds = {one.kind for one in walked.of(Movement)}
    assert kinds == {"deposit", "internal_deposit", "withdrawal", "transfer"}


async def test_candles_and_marks_are_read() -> None:
    """Hour by hour, oldest first; every category has marks."""
    made = wide(hedge=False)
    window = Window(END - timedelta(hours=5), END)
    async with both(made) as (_, venue):
        hours = await venue.candles("linear", "BTCUSDT", interval=timedelta(hours=1), window=window)
        marks = {category: await venue.marks(category) for category in CATEGORIES}
        terms = {(one.category, one.symbol) for one in await venue.contract_terms()}

    assert [one.starts_at for one in hours] == [
        window.starts_at + timedelta(hours=n) for n in range(5)
    ]
    assert all(
        one.low <= one.open <= one.high and one.low <= one.close <= one.high for one in hours
    )
    for category, found in marks.items():
        assert found
        assert {(category, mark.symbol) for mark in found} <= terms
