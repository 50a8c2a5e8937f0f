"""From rows of a specification table to executions and payments, as a venue would print them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.money import EXACT, amount, required, text
from fillbook.domain.raw import digest_key
from tests.spec.tables import Case, Row

STARTED = datetime(2024, 1, 1, tzinfo=UTC)

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


def instant(milliseconds: str) -> datetime:
    """Times are milliseconds after the start."""
    return STARTED + timedelta(milliseconds=int(milliseconds))


def executions(case: Case) -> list[Execution]:
    """The executions of a case; closed sizes are filled in where no column prints them."""
    position, found = Decimal(0), []
    for row in case.rows("executions"):
        side: Literal["Buy", "Sell"] = "Buy" if row["side"] == "buy" else "Sell"
        qty = required(row["qty"], "qty")
        before = position.copy_negate() if side == "Buy" else position
        closed = min(qty, max(Decimal(0), before))
        position = (EXACT.add if side == "Buy" else EXACT.subtract)(position, qty)
        found.append(_execution(row, side, amount(row.get("closed", text(closed)))))
    return found


def _execution(row: Row, side: Literal["Buy", "Sell"], closed: Decimal | None) -> Execution:
    exec_type, create_type = UNTAGGED.get(row["who"], ("Trade", "CreateByUser"))
    tag = "" if row["who"] in UNTAGGED else f"{row['who'].replace(' ', ':')}:1700000000"
    fee, _, coin = row.get("fee", "0").partition(" ")
    return Execution(
        execution_key=digest_key(row[""]),
        executed_at=instant(row["at"]),
        venue_seq=None,  # simultaneous executions are told apart by the chain alone
        category="linear",
        symbol="BTCUSDT",
        leg="net",
        execution_id=row[""],
        order_id=row.get("order", row[""]),
        client_order_id=tag,
        side=side,
        price=required(row["price"], "price"),
        qty=required(row["qty"], "qty"),
        value=None,
        closed_qty=closed,
        fee=amount(fee),
        fee_currency=coin or "USDT",
        fee_inferred=False,
        currency="USDT",
        is_maker=None,
        exec_type=exec_type,
        order_type="Market",
        create_type=create_type,
        stop_type="",
        mark_price=None,
    )


def payments(case: Case) -> list[CashFlow]:
    """The funding of a case."""
    return [_payment(row) for row in case.rows("funding")]


def _payment(row: Row) -> CashFlow:
    return CashFlow(
        cash_key=digest_key(row[""]),
        occurred_at=instant(row["at"]),
        kind="funding",
        category="linear",
        symbol="BTCUSDT",
        leg="net",
        flow_id=row[""],
        amount=required(row["amount"], "amount"),
        currency="USDT",
        position_qty=None,
        price=None,
    )


def shuffled(rows: Sequence[Execution]) -> list[Execution]:
    """The same executions in another order of arrival: every other one, then the rest backwards."""
    return [*rows[::2], *rows[1::2][::-1]]
