"""Why an order was sent, and whose it was: a ladder of evidence, never a guess from prices.

1. An execution type that the venue forced always decides: liquidation, deleveraging, expiry.
2. The order's client tag.
3. Without a tag: what created the order, then the kind of stop.
4. Otherwise `unknown`.

The rung that decided is kept as the evidence. Words are the venue's own, as in Bybit's v5 API; a
venue with other words translates them in its parser.
"""

from dataclasses import dataclass

from fillbook.accounting.leg import UNASSIGNED, Cause
from fillbook.domain.client_tag import read_tag
from fillbook.domain.execution import Execution

_BY_EXEC_TYPE = {
    "BustTrade": "liquidation", "AdlTrade": "adl", "Delivery": "expiry", "Settle": "expiry",
    "MovePosition": "transfer", "BlockTrade": "transfer", "FutureSpread": "spread",
}  # fmt: skip

_BY_CREATE_TYPE = {
    "CreateByStopLoss": "stop_loss", "CreateByPartialStopLoss": "stop_loss",
    "CreateByTakeProfit": "take_profit", "CreateByPartialTakeProfit": "take_profit",
    "CreateByTrailingStop": "trailing_stop", "CreateByTrailingProfit": "trailing_tp",
    "CreateByLiq": "liquidation", "CreateByTakeOver_PassThrough": "liquidation",
    "CreateByAdl_PassThrough": "adl", "CreateBySettle": "expiry", "CreateByAdminClosing": "admin",
    "CreateByMmRateClose": "mm_close", "CreateByClosing": "manual",
    "CreateByStopOrder": "conditional", "CreateByBlock_PassThrough": "transfer",
    "CreateByBlockTradeMovePosition_PassThrough": "transfer", "CreateByFutureSpread": "spread",
}  # fmt: skip

_BY_STOP_TYPE = {
    "StopLoss": "stop_loss", "PartialStopLoss": "stop_loss", "TakeProfit": "take_profit",
    "PartialTakeProfit": "take_profit", "TrailingStop": "trailing_stop", "Stop": "conditional",
    "MmRateClose": "mm_close",
}  # fmt: skip

_FORCED = frozenset(("liquidation", "adl", "mm_close"))
_STOPS = frozenset(("stop_loss", "take_profit", "trailing_stop", "trailing_tp"))


@dataclass(frozen=True, slots=True)
class Explained:
    """Who sent an order and why, with the rung of the ladder that says so."""

    bot: str | None
    reason: str
    evidence: str
    cause: Cause


def explain(execution: Execution) -> Explained:
    """Climb the ladder for one execution."""
    forced = _BY_EXEC_TYPE.get(execution.exec_type)
    tag = read_tag(execution.client_order_id)
    if tag and tag.bot == UNASSIGNED:
        tag = None  # nobody's book is no bot's name
    if forced:
        return _explained(tag.bot if tag else None, forced, "exec_type")
    if tag:
        return _explained(tag.bot, tag.reason, "client_tag")
    created = _BY_CREATE_TYPE.get(execution.create_type)
    if created:
        return _explained(None, created, "create_type")
    stopped = _BY_STOP_TYPE.get(execution.stop_type)
    if stopped:
        return _explained(None, stopped, "stop_order_type")
    return _explained(None, "unknown", "none")


def _explained(bot: str | None, reason: str, evidence: str) -> Explained:
    if reason in _FORCED:
        cause = Cause.FORCED  # the venue takes from everybody, whatever the order's tag
    elif bot is not None:
        cause = Cause.TAGGED
    else:
        cause = Cause.STOP if reason in _STOPS else Cause.MANUAL
    return Explained(bot, reason, evidence, cause)
