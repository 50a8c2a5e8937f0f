"""Fills of a hedged account lie on the leg that orders name, whatever was told first."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from fillbook.domain.execution import CashFlow, Execution, Side
from fillbook.domain.execution import Told as AnyTold
from fillbook.domain.instrument import Leg
from fillbook.domain.order import Order
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window
from tests.ledger.handed_in import END
from tests.ledger.told import Told, told

SYMBOL = "BTCUSDT"
START = END - timedelta(days=3)
ALL = Window(START, END)
HALVES = (Window(START, START + timedelta(days=1)), Window(START + timedelta(days=1), END))
SEEDS = range(6)
ARRIVALS = 4


def fill(name: str, at: datetime, side: Side, qty: int, closed: int | None) -> Execution:
    order = "" if name.startswith("forced") else name
    return Execution(
        execution_key=digest_key("execution", name), executed_at=at, venue_seq=None,
        category="linear", symbol=SYMBOL, leg="net", execution_id=name, order_id=order,
        client_order_id="", side=side, price=Decimal(100), qty=Decimal(qty), value=None,
        closed_qty=None if closed is None else Decimal(closed), fee=Decimal("0.1"),
        fee_currency="USDT", fee_inferred=False, currency="USDT", is_maker=None,
        exec_type="Trade" if order else "BustTrade", order_type="Market", create_type="",
        stop_type="", mark_price=None,
    )  # fmt: skip


def order(name: str, at: datetime, side: Side, leg: Leg | None) -> Order:
    return Order(
        order_key=digest_key("order", "linear", SYMBOL, name), ordered_at=at, category="linear",
        symbol=SYMBOL, leg=leg, order_id=name, client_order_id="", parent_client_order_id="",
        side=side, create_type="", stop_type="", cancel_type="", reduce_only=None,
        close_on_trigger=None, trigger_price=None, base_price=None, oco_trigger="",
    )  # fmt: skip


def payment(name: str, at: datetime, held: int) -> CashFlow:
    return CashFlow(
        cash_key=digest_key("execution", name), occurred_at=at, kind="funding", category="linear",
        symbol=SYMBOL, leg="net", flow_id=name, amount=Decimal("0.01"), currency="USDT",
        position_qty=Decimal(held), price=Decimal(100),
    )  # fmt: skip


@dataclass(slots=True)
class Truth:
    """What happened, and which leg each row is on."""

    rows: list[Execution | CashFlow] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    legs: dict[str, str] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=lambda: {"net": 0, "long": 0, "short": 0})


def a_history(chance: random.Random, *, length: int = 40) -> Truth:
    """One-way first, hedged from the middle on; now and then a forced fill, or funding."""
    truth = Truth()
    for number in range(length):
        at = START + timedelta(minutes=60 * number + 1)
        hedged = number >= length // 2
        if number == length // 2 - 1 and truth.held["net"]:  # the mode changes only when flat
            _trade(truth, f"{number}", at, "net", -truth.held["net"])
        elif number == length // 2 - 1:
            _trade(truth, f"{number}", at, "net", 1)
            _trade(truth, f"{number}b", at + timedelta(minutes=1), "net", -1)
        elif hedged:
            leg = chance.choice(("long", "short"))
            sign = 1 if leg == "long" else -1
            if truth.held[leg] and chance.random() < 0.5:
                part = chance.randint(1, abs(truth.held[leg]))
                forced = "forced" if chance.random() < 0.4 else ""
                _trade(truth, f"{forced}{number}", at, leg, -sign * part)
            else:
                _trade(truth, f"{number}", at, leg, sign * chance.randint(1, 3))
        else:
            _trade(truth, f"{number}", at, "net", chance.choice((-2, -1, 1, 2)))
        for leg, held in truth.held.items():
            if held and chance.random() < 0.3:
                name = f"funding {number} {leg}"
                truth.rows.append(payment(name, at + timedelta(minutes=30), held))
                truth.legs[name] = leg
    return truth


def _trade(truth: Truth, name: str, at: datetime, leg: str, signed: int) -> None:
    held = truth.held[leg]
    closed = min(abs(signed), abs(held)) if held * signed < 0 else 0
    side: Side = "Buy" if signed > 0 else "Sell"
    truth.rows.append(fill(name, at, side, abs(signed), closed))
    truth.legs[name] = leg
    truth.held[leg] = held + signed
    if not name.startswith("forced"):
        on: Leg = "long" if leg == "long" else "short" if leg == "short" else "net"
        truth.orders.append(order(name, at - timedelta(seconds=5), side, on))


def pages(rows: Sequence[AnyTold], size: int) -> list[list[AnyTold]]:
    """Newest first, as the venue lists them."""
    newest = list(reversed(rows))
    return [newest[start : start + size] for start in range(0, len(newest), size)]


async def _legs(one: Told) -> dict[str, str]:
    fills = "SELECT execution_id, leg FROM facts.current_executions WHERE account_id = %s"
    flows = "SELECT flow_id, leg FROM facts.current_cash_flows WHERE account_id = %s"
    return dict([*await one.rows(fills, one.account_id), *await one.rows(flows, one.account_id)])


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_interleaving_gives_the_same_book(database_url: str, seed: int) -> None:
    """Pages of orders and of executions in any order, proofs in between: one ledger hash."""
    chance = random.Random(seed)
    truth = a_history(chance)
    hashes: set[str] = set()
    for arrival in range(ARRIVALS):
        told_pages: list[tuple[str, list[AnyTold]]] = [
            *(("orders", page) for page in pages(truth.orders, 7)),
            *(("executions", page) for page in pages(truth.rows, 9)),
        ]
        if arrival:
            chance.shuffle(told_pages)
        async with told(database_url) as one:
            for place, (stream, page) in enumerate(told_pages):
                await one.book(stream, page)
                if arrival > 1 and place == len(told_pages) // 2:
                    await one.prove("executions", "linear", chance.choice(HALVES))
            await one.prove("orders", "linear", ALL)
            await one.prove("executions", "linear", ALL)
            assert truth.legs == await _legs(one)
            hashes.add(await one.hash())
            if arrival in (0, ARRIVALS - 1):
                await one.must_stand(f"seed {seed}, arrival {arrival}")

    assert len(hashes) == 1


async def test_the_books_are_those_of_the_legs(database_url: str) -> None:
    """A long and a short at once are two books, and neither is netted against the other."""
    chance = random.Random(3)
    truth = a_history(chance)
    async with told(database_url) as one:
        await one.book("executions", truth.rows)
        await one.prove("executions", "linear", ALL)
        await one.book("orders", truth.orders)
        await one.prove("orders", "linear", ALL)
        held = await one.rows(
            "SELECT leg, quantity FROM trading.positions WHERE account_id = %s", one.account_id
        )

        assert {leg: int(qty) for leg, qty in held if qty} == {
            leg: abs(qty) for leg, qty in truth.held.items() if qty
        }
        alarms = "SELECT count(*) FROM derived.alarms WHERE kind = 'chain_break'"
        assert [(0,)] == await one.rows(alarms)


async def test_a_leg_that_arrives_is_a_completion(database_url: str) -> None:
    """No alarm: the fill is told again under the scope of its leg, from its own bytes."""
    at = START + timedelta(hours=1)
    async with told(database_url) as one:
        await one.book("executions", [fill("a", at, "Buy", 1, None)])
        booked = await one.book("orders", [order("a", at, "Buy", "long")])

        assert (booked.revisions, booked.rows_new) == (0, 1)
        assert [("linear", 0), ("linear.long", 2)] == await one.rows(
            "SELECT r.scope, r.chain_seq - 1 FROM facts.raw_records r"
            " WHERE stream = 'executions' ORDER BY chain_seq"
        )
        assert [("long", "completion")] == await one.rows(
            "SELECT leg, revision_reason FROM facts.current_executions"
        )
        again = await one.book("executions", [fill("a", at, "Buy", 1, None)])
        assert again.rows_new == 0
        changed = replace(fill("a", at, "Buy", 1, None), fee=Decimal("0.2"))
        assert (await one.book("executions", [changed])).revisions == 1
        assert [("long",)] == await one.rows("SELECT leg FROM facts.current_executions")
        await one.must_stand("told again")


async def test_an_account_that_never_hedged_stays_as_it_is(database_url: str) -> None:
    """Orders that name the net leg, or none, move nothing and tell nothing again."""
    at = START + timedelta(hours=1)
    async with told(database_url) as one:
        rows: list[AnyTold] = [
            fill("a", at, "Buy", 1, 0),
            fill("b", at, "Sell", 1, 1),
            payment("f", at, 1),
        ]
        await one.book("executions", rows)
        await one.book("orders", [order("a", at, "Buy", "net"), order("b", at, "Sell", None)])

        assert {"a": "net", "b": "net", "f": "net"} == await _legs(one)
        assert [(5,)] == await one.rows("SELECT count(*) FROM facts.raw_records")


async def test_what_nothing_decides_stays_net(database_url: str) -> None:
    """A block trade without a closed size, on a hedged symbol: a later telling decides it."""
    at = START + timedelta(hours=1)
    block = replace(fill("forced", at, "Sell", 1, None), exec_type="BlockTrade")
    async with told(database_url) as one:
        await one.book("orders", [order("a", at - timedelta(hours=1), "Buy", "long")])
        await one.book("executions", [block])
        assert {"forced": "net"} == await _legs(one)
        await one.book("executions", [replace(block, closed_qty=Decimal(1))])

        assert {"forced": "long"} == await _legs(one)
        await one.prove("executions", "linear", ALL)
        await one.must_stand("decided late")


@pytest.mark.parametrize("kind", ["BustTrade", "AdlTrade", "Settle", "Delivery"])
@pytest.mark.parametrize("closed", [None, 0, 1])
async def test_what_is_forced_closes(database_url: str, kind: str, closed: int | None) -> None:
    """A sale closes the long and a purchase the short, whatever size it says was closed."""
    at = START + timedelta(hours=2)
    async with told(database_url) as one:
        for place, (side, leg) in enumerate((("Buy", "long"), ("Sell", "short"))):
            name, made = f"o{place}", at - timedelta(hours=1) + timedelta(seconds=place)
            await one.book("orders", [order(name, made, side, leg)])  # type: ignore[arg-type]
            await one.book("executions", [fill(name, made, side, 1, 0)])  # type: ignore[arg-type]
        forced = [fill("forced1", at, "Sell", 1, closed), fill("forced2", at, "Buy", 1, closed)]
        await one.book("executions", [replace(row, exec_type=kind) for row in forced])
        await one.prove("executions", "linear", ALL)
        legs = await _legs(one)

        assert ("long", "short") == (legs["forced1"], legs["forced2"])
        held = "SELECT leg FROM trading.positions WHERE account_id = %s AND quantity <> 0"
        assert [] == await one.rows(held, one.account_id)
