"""From readings to what the kernel lays: executions become fills, cash flows become funding.

Every amount of a fill is in the leg's currency. A fee in another coin is valued at a stated price,
or it is unknown. On a spot market the fee may be taken out of what is traded: then that much less
arrives, or more leaves, and the fee is worth what the fill's own price says.
"""

from decimal import Decimal

from fillbook.accounting.known import Known
from fillbook.accounting.leg import Fill, Funding
from fillbook.accounting.reasons import explain, order_key_of
from fillbook.accounting.valuation import valued
from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.money import EXACT

__all__ = ["as_fill", "as_funding", "order_key_of"]

_SEQUENCE_UNKNOWN = -1


def as_fill(execution: Execution, known: Known) -> Fill:
    """The fill behind an execution."""
    explained = explain(execution, known)
    sequence, kind = execution.venue_seq, known.terms.kind
    qty, fee = execution.qty, execution.fee
    if fee and execution.fee_currency != execution.currency:
        if kind == "spot" and execution.fee_currency == _traded_coin(execution, known):
            qty, fee = _net_of_fee(execution, fee)
        else:
            fee = valued(
                fee,
                execution.fee_currency,
                currency=execution.currency,
                prices=known.prices,
                at=execution.executed_at,
            )
    return Fill(  # by position: names cost a sixth more, and a rebuild makes millions of them
        execution.execution_key,
        order_key_of(execution),
        execution.executed_at,
        (
            _SEQUENCE_UNKNOWN if sequence is None else sequence,
            execution.order_id,
            execution.execution_id,
        ),
        1 if execution.side == "Buy" else -1,
        qty,
        execution.price,
        fee,
        execution.closed_qty,
        explained.cause,
        explained.bot,
        explained.reason,
        explained.evidence,
        execution.value if kind == "inverse" else None,
        explained.owner_evidence,
        explained.tag_unread,
    )


def _traded_coin(execution: Execution, known: Known) -> str:
    """What a spot market trades: a market that is no longer listed says it by its symbol alone."""
    return known.terms.base or execution.symbol.removesuffix(execution.currency)


def _net_of_fee(execution: Execution, fee: Decimal) -> tuple[Decimal, Decimal | None]:
    """What came in or went out, and what the fee was worth: the fee is in the traded coin.

    A fee that leaves nothing of the fill is no part of it: then the quantity stands as printed, and
    what the fee was worth is unknown.
    """
    net = (EXACT.subtract if execution.side == "Buy" else EXACT.add)(execution.qty, fee)
    if net <= 0:
        return execution.qty, None
    return net, EXACT.multiply(fee, execution.price)


def as_funding(flow: CashFlow, known: Known, currency: str) -> Funding:
    """The funding payment behind a cash flow, in the leg's currency."""
    return Funding(
        key=flow.cash_key,
        at=flow.occurred_at,
        amount=valued(
            flow.amount,
            flow.currency,
            currency=currency,
            prices=known.prices,
            at=flow.occurred_at,
        ),
    )
