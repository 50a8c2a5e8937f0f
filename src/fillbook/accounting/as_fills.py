"""From readings to what the kernel lays: executions become fills, cash flows become funding."""

from decimal import Decimal

from fillbook.accounting.leg import Fill, Funding
from fillbook.accounting.reasons import explain
from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.raw import digest_key

_SEQUENCE_UNKNOWN = -1


def as_fill(execution: Execution) -> Fill:
    """The fill behind an execution. An execution without an order is its own order."""
    explained = explain(execution)
    order = execution.order_id or execution.execution_id
    sequence = execution.venue_seq
    return Fill(
        key=execution.execution_key,
        order_key=digest_key("order", execution.category, execution.symbol, order),
        at=execution.executed_at,
        tie=(
            _SEQUENCE_UNKNOWN if sequence is None else sequence,
            execution.order_id,
            execution.execution_id,
        ),
        side=1 if execution.side == "Buy" else -1,
        qty=execution.qty,
        price=execution.price,
        fee=_fee(execution),
        closed=execution.closed_qty,
        cause=explained.cause,
        bot=explained.bot,
        reason=explained.reason,
        evidence=explained.evidence,
    )


def _fee(execution: Execution) -> Decimal | None:
    """The fee in the leg's currency; none is none in any coin."""
    same = execution.fee_currency == execution.currency
    return execution.fee if same or execution.fee == 0 else None


def as_funding(flow: CashFlow) -> Funding:
    """The funding payment behind a cash flow."""
    return Funding(key=flow.cash_key, at=flow.occurred_at, amount=flow.amount)
