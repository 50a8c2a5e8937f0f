"""Why an order was sent, and whose it was: a ladder of evidence, never a guess from prices.

1. A person's word.
2. An execution type that the venue forced: liquidation, deleveraging, expiry.
3. An intent that was registered for the order's client id.
4. The client id itself, read as a tag.
5. What created the order, then the kind of stop.
6. The order history: the order's own client id and types, the triggers of spot orders, whether it
   could only reduce, and what its cancellation tells.
7. Otherwise `unknown`.

The first rung that speaks decides, and is kept as the evidence. The owner is found by the same
rungs, but on its own: a stop that is attached to a bot's order belongs to that bot, whatever says
that it is a stop. A rung that says `unknown`, or names nobody, does not speak.

Words are the venue's own, as in Bybit's v5 API; a venue with other words translates them in its
parser.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from fillbook.accounting.known import Known
from fillbook.accounting.leg import UNASSIGNED, Cause
from fillbook.domain.client_tag import read_tag, reason_word
from fillbook.domain.execution import Execution
from fillbook.domain.order import Order

_UNKNOWN = "unknown"

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
    # A venue's bot or a kind of order: it says how the order came about, not why.
    "CreateByFGridBot": "other", "CloseByFGridBot": "other", "CreateByMartingaleBot": "other",
    "CloseByMartingaleBot": "other", "CreateByTWAP": "other", "CreateByIceBerg": "other",
    "CreateByChaseOrder": "other", "CreateByTVSignal": "other", "CreateByBboOrder": "other",
    "CreateByArbitrage": "other", "CreateByDdh": "other",
}  # fmt: skip

_BY_STOP_TYPE = {
    "StopLoss": "stop_loss", "PartialStopLoss": "stop_loss", "TakeProfit": "take_profit",
    "PartialTakeProfit": "take_profit", "TrailingStop": "trailing_stop", "Stop": "conditional",
    "MmRateClose": "mm_close",
}  # fmt: skip

_SPOT_STOP_TYPES = frozenset(("tpslOrder", "BidirectionalTpslOrder"))

_BY_OCO_TRIGGER = {
    "OcoTriggerByTp": "take_profit", "OcoTriggerBySl": "stop_loss",
    "OcoTriggerByBySl": "stop_loss",
}  # fmt: skip

# A cancellation says why the rest of an order was not executed. That a liquidation took the rest
# away is no reason for the part that was executed before; these few tell what the order was.
_BY_CANCEL_TYPE = {
    "CancelByReduceOnly": "reduce",
    "CancelByOCOTpCanceledBySlTriggered": "take_profit",
    "CancelByOCOSlCanceledByTpTriggered": "stop_loss",
}

_FORCED = frozenset(("liquidation", "adl", "mm_close"))
_STOPS = frozenset(("stop_loss", "take_profit", "trailing_stop", "trailing_tp"))

_REMEMBERED = 4096  # of what repeats: what ids say, and the orders of several fills


@dataclass(frozen=True, slots=True)
class Explained:
    """Who sent an order and why, with the rungs of the ladder that say so."""

    bot: str | None
    reason: str
    evidence: str
    cause: Cause
    owner_evidence: str = ""  # empty when nothing names a bot
    tag_unread: bool = False  # it has a client id that neither an intent nor a dialect knows


_SILENT = Explained(None, _UNKNOWN, "none", Cause.MANUAL)
_UNREAD = Explained(None, _UNKNOWN, "none", Cause.MANUAL, tag_unread=True)


def explain(execution: Execution, known: Known) -> Explained:
    """Climb the ladder for one execution."""
    told = _told(execution.client_order_id, known)
    if told.reason == _UNKNOWN or execution.exec_type in _BY_EXEC_TYPE:
        told = _concluded(execution, told, known)
    if known.assigned:
        said = known.assigned.get(execution.execution_key)
        if said is not None and said.bot is not None:
            return _as_assigned(said.bot, said.reason, told)
    return told


def order_key_of(execution: Execution) -> UUID:
    """The order behind an execution. An execution without an order is its own order."""
    order = execution.order_id or execution.execution_id
    return _order_key(execution.category, execution.symbol, order)


@lru_cache(_REMEMBERED)
def _order_key(category: str, symbol: str, order: str) -> UUID:
    """`digest_key("order", category, symbol, order)`, cheaper where most words repeat."""
    words = f"{_order_words(category, symbol)}{len(order)}:{order}"
    return UUID(int=int.from_bytes(sha256(words.encode(errors="surrogatepass")).digest()[:16]))


@lru_cache(_REMEMBERED)
def _order_words(category: str, symbol: str) -> str:
    return "".join(f"{len(word)}:{word}" for word in ("order", category, symbol))


def _told(client_order_id: str, known: Known) -> Explained:
    """What a client id says, by its intent or by itself."""
    if not client_order_id:
        return _SILENT
    intent = known.intents.get(client_order_id) if known.intents else None
    if intent is not None:
        return _by_bot(intent.bot, reason_word(intent.reason), "intent_registry")
    tag = read_tag(client_order_id, known.tag_pattern)
    return _UNREAD if tag is None else _by_bot(tag.bot, tag.reason, "client_tag")


def _as_assigned(bot: str, reason: str | None, found: Explained) -> Explained:
    """A person said whose it is, and why unless they left that as found."""
    return Explained(
        bot=bot,
        reason=reason_word(reason) if reason else found.reason,
        evidence="assigned" if reason else found.evidence,
        cause=Cause.ASSIGNED,
        owner_evidence="assigned",
        tag_unread=found.tag_unread,
    )


@lru_cache(_REMEMBERED)
def _by_bot(bot: str, reason: str, evidence: str) -> Explained:
    """What somebody says who names a bot. Nobody's book is no bot's name.

    The cause is the bot even if it calls its order a liquidation: only the venue can force one.
    """
    if bot == UNASSIGNED:
        return _SILENT
    return Explained(bot, reason, evidence, Cause.TAGGED, evidence)


def _concluded(execution: Execution, told: Explained, known: Known) -> Explained:
    """The venue's rungs: the order was forced, or its client id does not say why it was sent."""
    order = known.orders.get(order_key_of(execution)) if known.orders else None
    own = _SILENT if order is None else _told(order.client_order_id, known)
    bot, owner_evidence = _owner(told, own, order, known)
    unread = told.tag_unread or (own.tag_unread and not execution.client_order_id)
    reason, evidence = _by_types(execution)
    if reason is None and own.reason != _UNKNOWN:
        cause = Cause.TAGGED
        return Explained(bot, own.reason, "order_history", cause, owner_evidence, unread)
    if reason is None and order is not None:
        reason, evidence = _by_history(execution, order), "order_history"
    return _by_venue(bot, reason, evidence, owner_evidence, tag_unread=unread)


def _owner(
    told: Explained, own: Explained, order: Order | None, known: Known
) -> tuple[str | None, str]:
    """The bot that the order's client id names, or else its parent's; and what says so."""
    if told.bot is not None or order is None:
        return told.bot, told.owner_evidence
    bot = own.bot or _told(order.parent_client_order_id, known).bot
    return bot, "" if bot is None else "order_history"


def _by_types(execution: Execution) -> tuple[str | None, str]:
    """What the venue's words mean, and the rung that speaks first."""
    if reason := _BY_EXEC_TYPE.get(execution.exec_type):
        return reason, "exec_type"
    if reason := _BY_CREATE_TYPE.get(execution.create_type):
        return reason, "create_type"
    return _BY_STOP_TYPE.get(execution.stop_type), "stop_order_type"


def _by_history(execution: Execution, order: Order) -> str | None:
    """What the order history says of an order whose execution says nothing."""
    return (
        _BY_CREATE_TYPE.get(order.create_type)
        or _BY_STOP_TYPE.get(order.stop_type)
        or _by_trigger(execution, order)
        or ("reduce" if order.reduce_only or order.close_on_trigger else None)
        or _BY_CANCEL_TYPE.get(order.cancel_type)
    )


def _by_trigger(execution: Execution, order: Order) -> str | None:
    """Which side of a spot order's pair was triggered: prices that were set, not prices that came.

    A sale set below the price of its day limits a loss, above it takes a profit; a purchase the
    other way round.
    """
    stop_type = execution.stop_type or order.stop_type
    if stop_type == "OcoOrder":
        return _BY_OCO_TRIGGER.get(order.oco_trigger)
    trigger, base = order.trigger_price, order.base_price
    if stop_type not in _SPOT_STOP_TYPES or trigger is None or base is None or trigger == base:
        return None
    is_loss = (trigger < base) == (execution.side == "Sell")
    return "stop_loss" if is_loss else "take_profit"


@lru_cache(_REMEMBERED)
def _by_venue(
    bot: str | None, reason: str | None, evidence: str, owner_evidence: str, *, tag_unread: bool
) -> Explained:
    """The venue says why, or nothing does; the bot was found before, or there is none."""
    if reason in _FORCED:
        cause = Cause.FORCED  # the venue takes from everybody, whatever the order's tag
    elif bot is not None:
        cause = Cause.TAGGED
    else:
        cause = Cause.STOP if reason in _STOPS else Cause.MANUAL
    if reason is None:
        reason, evidence = _UNKNOWN, "none"
    return Explained(bot, reason, evidence, cause, owner_evidence, tag_unread)
