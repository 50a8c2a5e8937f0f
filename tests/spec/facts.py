"""From the tables of a case to the facts of an account, as venues and people would tell them.

Any engine starts from these: the kernel lays those in force, a ledger books them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fillbook.domain.execution import CashFlow, Execution, completed
from fillbook.domain.instrument import ContractKind
from fillbook.domain.money import EXACT, amount, required
from fillbook.domain.order import Order
from fillbook.domain.raw import digest_key
from fillbook.domain.statement import Statement, Terms
from tests.spec.stated import LEGS, statements
from tests.spec.tables import Case, Row
from tests.spec.times import STARTED, instant

# Who sent an order that carries no bot's tag: execution type, what created it.
UNTAGGED = {
    "manual": ("Trade", "CreateByClosing"),
    "stop_loss": ("Trade", "CreateByStopLoss"),
    "take_profit": ("Trade", "CreateByTakeProfit"),
    "liquidation": ("BustTrade", ""),
    "adl": ("AdlTrade", ""),
    "delivery": ("Delivery", ""),
    "unknown": ("Trade", ""),
}
KINDS: dict[str, ContractKind] = {
    "linear": "linear", "inverse": "inverse", "quanto": "quanto", "spot": "spot",
    "option": "option",
}  # fmt: skip
INSTRUMENT = {"": "BTCUSDT", "kind": "linear", "base": "BTC", "quote": "USDT", "settle": "USDT"}


@dataclass(frozen=True, slots=True)
class Told:
    """All facts of a case."""

    terms: Terms
    currency: str  # in which the leg's money is kept
    executions: tuple[Execution, ...]  # each telling of each, in order
    flows: tuple[CashFlow, ...]
    orders: tuple[Order, ...]
    statements: tuple[Statement, ...]

    @property
    def latest(self) -> list[Execution]:
        """Each execution as it was told last; what a telling leaves out is kept."""
        found: dict[object, Execution] = {}
        for told in self.executions:
            before = found.get(told.execution_key)
            after = completed(before, told) if before else told
            assert isinstance(after, Execution)
            found[told.execution_key] = after
        return list(found.values())


def facts(case: Case) -> Told:
    """The facts that a case tells."""
    row = INSTRUMENT | case.row("instrument")
    kind = KINDS[row["kind"]]
    terms = Terms(
        category="linear" if kind == "quanto" else kind,
        symbol=row[""],
        kind=kind,
        base=row["base"],
        multiplier=amount(row.get("multiplier")) or Decimal(1),
        qty_min=amount(row.get("qty_min")),
    )
    currency = row["quote"] if kind == "spot" else row["settle"]
    return Told(
        terms=terms,
        currency=currency,
        executions=tuple(_executions(case, terms, currency)),
        flows=tuple(_payment(row, terms, currency) for row in case.rows("funding")),
        orders=tuple(_order(row, terms) for row in case.rows("orders")),
        statements=tuple(statements(case, terms, currency)),
    )


def _executions(case: Case, terms: Terms, currency: str) -> list[Execution]:
    """Closed sizes are filled in where no column prints them; spot has none."""
    positions: dict[str, Decimal] = {}
    closed: dict[str, Decimal | None] = {}
    found = []
    for row in case.rows("executions"):
        leg, name = row.get("leg", "net"), row[""]
        if name not in closed:
            position = positions.get(leg, Decimal(0))
            closed[name], positions[leg] = _step(row, position, leg)
        printed = None if terms.kind == "spot" else closed[name]
        if "closed" in row:
            printed = amount(row["closed"])
        found.append(_execution(row, (terms, currency), printed))
    return found


def _step(row: Row, position: Decimal, leg: str) -> tuple[Decimal, Decimal]:
    """How much of a fill closes, and the position after it."""
    qty, side = required(row["qty"], "qty"), 1 if row["side"] == "buy" else -1
    before = position.copy_negate() if side > 0 else position
    closed = min(qty, max(Decimal(0), before))
    after = (EXACT.add if side > 0 else EXACT.subtract)(position, qty)
    flipped = (leg == "long" and after < 0) or (leg == "short" and after > 0)
    return closed, Decimal(0) if flipped else after


def _execution(row: Row, contract: tuple[Terms, str], closed: Decimal | None) -> Execution:
    terms, currency = contract
    who = row.get("who", "")
    exec_type, create_type = UNTAGGED.get(who, ("Trade", "CreateByUser"))
    tag = "" if who in ("", *UNTAGGED) else f"{who.replace(' ', ':')}:1700000000"
    fee, _, coin = row.get("fee", "0").partition(" ")
    side: Literal["Buy", "Sell"] = "Buy" if row["side"] == "buy" else "Sell"
    return Execution(
        execution_key=digest_key(row[""]),
        executed_at=instant(row["at"]),
        venue_seq=int(row["seq"]) if row.get("seq") else None,  # else the chain alone tells ties
        category=terms.category,
        symbol=terms.symbol,
        leg=LEGS[row.get("leg", "net")],
        execution_id=row[""],
        order_id=row.get("order", row[""]),
        client_order_id=row.get("client id", tag),
        side=side,
        price=required(row["price"], "price"),
        qty=required(row["qty"], "qty"),
        value=amount(row.get("value")),
        closed_qty=closed,
        fee=amount(fee),
        fee_currency=coin or currency,
        fee_inferred=False,
        currency=currency,
        is_maker=None,
        exec_type=row.get("exec type", exec_type),
        order_type="Market",
        create_type=row.get("create type", create_type),
        stop_type=row.get("stop type", ""),
        mark_price=None,
    )


def _payment(row: Row, terms: Terms, currency: str) -> CashFlow:
    paid, _, coin = row["amount"].partition(" ")
    return CashFlow(
        cash_key=digest_key(row[""]),
        occurred_at=instant(row["at"]),
        kind="funding",
        category=terms.category,
        symbol=terms.symbol,
        leg=LEGS[row.get("leg", "net")],
        flow_id=row[""],
        amount=required(paid, "amount"),
        currency=coin or currency,
        position_qty=None,
        price=None,
    )


def _order(row: Row, terms: Terms) -> Order:
    flags = {"": None, "yes": True, "no": False}
    return Order(
        order_key=digest_key("order", terms.category, terms.symbol, row[""]),
        ordered_at=STARTED,
        category=terms.category,
        symbol=terms.symbol,
        leg=None,
        order_id=row[""],
        client_order_id=row.get("client id", ""),
        parent_client_order_id=row.get("parent", ""),
        side=row.get("side", "").capitalize(),
        create_type=row.get("create type", ""),
        stop_type=row.get("stop type", ""),
        cancel_type=row.get("cancel type", ""),
        reduce_only=flags[row.get("reduce only", "")],
        close_on_trigger=flags[row.get("close on trigger", "")],
        trigger_price=amount(row.get("trigger")),
        base_price=amount(row.get("base")),
        oco_trigger=row.get("oco", ""),
    )


def shuffled(rows: Sequence[Execution]) -> list[Execution]:
    """The same executions in another order of arrival: every other one, then the rest backwards."""
    return [*rows[::2], *rows[1::2][::-1]]
