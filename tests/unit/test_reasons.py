"""The ladder of evidence: who sent an order and why, rung by rung."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fillbook.accounting.known import Known
from fillbook.accounting.leg import Cause
from fillbook.accounting.reasons import Explained, explain, order_key_of
from fillbook.domain.client_tag import compiled
from fillbook.domain.execution import Execution
from fillbook.domain.order import Order
from fillbook.domain.raw import digest_key
from fillbook.domain.statement import Assign, Intent, Terms
from tests.unit.executions import EXECUTION

TAG = "alpha:take_profit:1700000000"
PARENT = "beta-entry-1700000000"
FORCED, MANUAL, STOP, TAGGED = Cause.FORCED, Cause.MANUAL, Cause.STOP, Cause.TAGGED

NOTHING = Known(Terms("linear", "BTCUSDT"))
ORDER = Order(
    order_key=digest_key("order", "linear", "BTCUSDT", "order-1"),
    ordered_at=EXECUTION.executed_at, category="linear", symbol="BTCUSDT", leg=None,
    order_id="order-1", client_order_id="", parent_client_order_id="", side="", create_type="",
    stop_type="", cancel_type="", reduce_only=None, close_on_trigger=None, trigger_price=None,
    base_price=None, oco_trigger="",
)  # fmt: skip


def remembered(order: Order) -> Known:
    """What is known when the order history has told this order."""
    return replace(NOTHING, orders={order.order_key: order})


def intending(client_order_id: str, bot: str, reason: str) -> Known:
    """What is known when one intent is registered."""
    return replace(NOTHING, intents={client_order_id: Intent(client_order_id, bot, reason)})


def said(client_order_id: str = "", **fields: str) -> Execution:
    """An execution with these words of the venue."""
    words: dict[str, Any] = {"exec_type": "Trade", "create_type": "", "stop_type": ""} | fields
    return replace(EXECUTION, client_order_id=client_order_id, **words)


EXEC_TYPES = {
    "BustTrade": ("liquidation", FORCED), "AdlTrade": ("adl", FORCED),
    "Delivery": ("expiry", MANUAL), "Settle": ("expiry", MANUAL),
    "MovePosition": ("transfer", MANUAL), "BlockTrade": ("transfer", MANUAL),
    "FutureSpread": ("spread", MANUAL),
}  # fmt: skip

CREATE_TYPES = {
    "CreateByStopLoss": ("stop_loss", STOP), "CreateByPartialStopLoss": ("stop_loss", STOP),
    "CreateByTakeProfit": ("take_profit", STOP), "CreateByPartialTakeProfit": ("take_profit", STOP),
    "CreateByTrailingStop": ("trailing_stop", STOP),
    "CreateByTrailingProfit": ("trailing_tp", STOP), "CreateByLiq": ("liquidation", FORCED),
    "CreateByTakeOver_PassThrough": ("liquidation", FORCED),
    "CreateByAdl_PassThrough": ("adl", FORCED), "CreateBySettle": ("expiry", MANUAL),
    "CreateByAdminClosing": ("admin", MANUAL), "CreateByMmRateClose": ("mm_close", FORCED),
    "CreateByClosing": ("manual", MANUAL), "CreateByStopOrder": ("conditional", MANUAL),
    "CreateByBlock_PassThrough": ("transfer", MANUAL),
    "CreateByBlockTradeMovePosition_PassThrough": ("transfer", MANUAL),
    "CreateByFutureSpread": ("spread", MANUAL), "CreateByFGridBot": ("other", MANUAL),
    "CloseByFGridBot": ("other", MANUAL), "CreateByMartingaleBot": ("other", MANUAL),
    "CloseByMartingaleBot": ("other", MANUAL), "CreateByTWAP": ("other", MANUAL),
    "CreateByIceBerg": ("other", MANUAL), "CreateByChaseOrder": ("other", MANUAL),
    "CreateByTVSignal": ("other", MANUAL), "CreateByBboOrder": ("other", MANUAL),
    "CreateByArbitrage": ("other", MANUAL), "CreateByDdh": ("other", MANUAL),
}  # fmt: skip

STOP_TYPES = {
    "StopLoss": ("stop_loss", STOP), "PartialStopLoss": ("stop_loss", STOP),
    "TakeProfit": ("take_profit", STOP), "PartialTakeProfit": ("take_profit", STOP),
    "TrailingStop": ("trailing_stop", STOP), "Stop": ("conditional", MANUAL),
    "MmRateClose": ("mm_close", FORCED),
}  # fmt: skip

WORDS = [
    *((said(exec_type=word), "exec_type", meant) for word, meant in EXEC_TYPES.items()),
    *((said(create_type=word), "create_type", meant) for word, meant in CREATE_TYPES.items()),
    *((said(stop_type=word), "stop_order_type", meant) for word, meant in STOP_TYPES.items()),
    *((said(create_type="CreateByUser", stop_type=word), "none", ("unknown", MANUAL))
      for word in ("", "UNKNOWN", "tpslOrder", "BidirectionalTpslOrder", "OcoOrder", "new")),
]  # fmt: skip


@pytest.mark.parametrize(("execution", "evidence", "meant"), WORDS)
def test_each_word_of_the_venue_means_a_reason(
    execution: Execution, evidence: str, meant: tuple[str, Cause]
) -> None:
    """Every type of execution, creation and stop, and who takes part by it."""
    reason, cause = meant

    assert Explained(None, reason, evidence, cause) == explain(execution, NOTHING)


SILENT = (None, "unknown", "none", MANUAL, "", False)
RUNGS = {
    "forced, whatever the tag says": (
        said(TAG, exec_type="AdlTrade"),
        ("alpha", "adl", "exec_type", FORCED, "client_tag", False),
    ),
    "an expiry of a bot's order is the bot's": (
        said(TAG, exec_type="Settle"),
        ("alpha", "expiry", "exec_type", TAGGED, "client_tag", False),
    ),
    "the tag before what created the order": (
        said(TAG, create_type="CreateByStopLoss"),
        ("alpha", "take_profit", "client_tag", TAGGED, "client_tag", False),
    ),
    "what created the order before the kind of stop": (
        said(create_type="CreateByTrailingProfit", stop_type="TrailingStop"),
        (None, "trailing_tp", "create_type", STOP, "", False),
    ),
    "somebody else's id": (
        said("web-7", create_type="CreateByStopLoss"),
        (None, "stop_loss", "create_type", STOP, "", True),
    ),
    "an id that nobody reads": (said("web-7"), (None, "unknown", "none", MANUAL, "", True)),
    "a forced order with such an id": (
        said("web-7", exec_type="BustTrade"),
        (None, "liquidation", "exec_type", FORCED, "", True),
    ),
    "nothing at all": (said(), SILENT),
    "nobody's book is no bot": (said("unassigned:exit:1700000000"), SILENT),
    "a word that is none of ours": (
        said("alpha:because:1700000000"),
        ("alpha", "other", "client_tag", TAGGED, "client_tag", False),
    ),
    "a tag that does not know why": (
        said("alpha:unknown:1700000000", stop_type="StopLoss"),
        ("alpha", "stop_loss", "stop_order_type", TAGGED, "client_tag", False),
    ),
    "and nobody else does": (
        said("alpha:unknown:1700000000"),
        ("alpha", "unknown", "none", TAGGED, "client_tag", False),
    ),
    "a bot cannot force anything": (
        said("alpha:liquidation:1700000000"),
        ("alpha", "liquidation", "client_tag", TAGGED, "client_tag", False),
    ),
}


@pytest.mark.parametrize("rung", RUNGS)
def test_the_first_rung_that_speaks_decides(rung: str) -> None:
    """Who and why, and the rungs that say so."""
    execution, expected = RUNGS[rung]

    assert Explained(*expected) == explain(execution, NOTHING)


INTENTS = {
    "before the tag": (
        (TAG, "gamma", "time_exit"),
        ("gamma", "time_exit", "intent_registry", TAGGED, "intent_registry", False),
    ),
    "an id that is no tag is not unread": (
        ("9f3c", "gamma", "SL"),
        ("gamma", "stop_loss", "intent_registry", TAGGED, "intent_registry", False),
    ),
    "a word that is none of ours": (
        ("9f3c", "gamma", "hunch"),
        ("gamma", "other", "intent_registry", TAGGED, "intent_registry", False),
    ),
    "without a reason the lower rungs say why": (
        ("9f3c", "gamma", ""),
        ("gamma", "manual", "create_type", TAGGED, "intent_registry", False),
    ),
    "nobody's book is no bot": (
        (TAG, "unassigned", "exit"),
        (None, "manual", "create_type", MANUAL, "", False),
    ),
}


@pytest.mark.parametrize("case", INTENTS)
def test_an_intent_says_what_an_id_means(case: str) -> None:
    """It comes before anything that can be read out of the id."""
    (client_order_id, bot, reason), expected = INTENTS[case]
    execution = said(client_order_id, create_type="CreateByClosing")

    assert Explained(*expected) == explain(execution, intending(client_order_id, bot, reason))


def test_an_intent_for_another_id_says_nothing() -> None:
    """The tag is read as if there were none."""
    known = intending("9f3c", "gamma", "exit")

    assert explain(said(TAG), NOTHING) == explain(said(TAG), known)


def test_an_account_writes_ids_its_own_way() -> None:
    """Its pattern is tried, and what it reads is a client tag."""
    known = replace(NOTHING, tag_pattern=compiled("(?P<bot>[a-z]+)#(?P<reason>[a-z]+)"))

    expected = Explained("grid", "stop_loss", "client_tag", TAGGED, "client_tag")
    assert expected == explain(said("grid#sl"), known)
    assert explain(said("grid#sl"), NOTHING).tag_unread


ASSIGNED = {
    "a bot, the reason as found": (
        Assign(EXECUTION.execution_key, "gamma"),
        ("gamma", "take_profit", "client_tag"),
    ),
    "a bot and a reason": (
        Assign(EXECUTION.execution_key, "gamma", "manual"),
        ("gamma", "manual", "assigned"),
    ),
    "nobody": (
        Assign(EXECUTION.execution_key, "unassigned"),
        ("unassigned", "take_profit", "client_tag"),
    ),
    "a word that is none of ours": (
        Assign(EXECUTION.execution_key, "gamma", "hunch"),
        ("gamma", "other", "assigned"),
    ),
}


@pytest.mark.parametrize("case", ASSIGNED)
def test_a_persons_word_comes_first(case: str) -> None:
    """Before tags and before what the venue forced; a reason left out stays as it was found."""
    assign, (bot, reason, evidence) = ASSIGNED[case]
    known = replace(NOTHING, assigned={assign.execution_key: assign})

    expected = Explained(bot, reason, evidence, Cause.ASSIGNED, "assigned")
    assert expected == explain(said(TAG), known)
    assert explain(said(exec_type="BustTrade"), known).cause is Cause.ASSIGNED


def test_a_word_that_was_taken_back_counts_for_nothing() -> None:
    """Nor does one about another execution."""
    for assign in (Assign(EXECUTION.execution_key, None, "manual"), Assign(digest_key(), "gamma")):
        known = replace(NOTHING, assigned={assign.execution_key: assign})

        assert explain(said(TAG), NOTHING) == explain(said(TAG), known)


def test_an_assigned_fill_may_have_an_unread_id() -> None:
    """Whose it is was said; how the bot writes its ids was not."""
    assign = Assign(EXECUTION.execution_key, "gamma")

    assert explain(said("web-7"), replace(NOTHING, assigned={assign.execution_key: assign})) == (
        Explained("gamma", "unknown", "none", Cause.ASSIGNED, "assigned", tag_unread=True)
    )


SPOT = replace(ORDER, trigger_price=Decimal(90), base_price=Decimal(100))
HISTORY = {
    "the order's own tag": (
        said(), replace(ORDER, client_order_id=TAG),
        ("alpha", "take_profit", "order_history", TAGGED, "order_history", False),
    ),
    "the order's own tag forces nothing": (
        said(), replace(ORDER, client_order_id="alpha:liq:1700000000", create_type="CreateByLiq"),
        ("alpha", "liquidation", "order_history", TAGGED, "order_history", False),
    ),
    "the order's own tag, and why by what created it": (
        said(create_type="CreateByStopOrder"), replace(ORDER, client_order_id=TAG),
        ("alpha", "conditional", "create_type", TAGGED, "order_history", False),
    ),
    "an expiry of an order with a tag": (
        said(exec_type="Delivery"), replace(ORDER, client_order_id=TAG),
        ("alpha", "expiry", "exec_type", TAGGED, "order_history", False),
    ),
    "an id that only the order has, and nobody reads": (
        said(), replace(ORDER, client_order_id="web-7"),
        (None, "unknown", "none", MANUAL, "", True),
    ),
    "an execution's id that was read": (
        said("alpha:unknown:1700000000"), replace(ORDER, client_order_id="web-7"),
        ("alpha", "unknown", "none", TAGGED, "client_tag", False),
    ),
    "the same id again": (
        said("web-7"), replace(ORDER, client_order_id="web-7"),
        (None, "unknown", "none", MANUAL, "", True),
    ),
    "a stop that hangs on a bot's order": (
        said(create_type="CreateByStopLoss"), replace(ORDER, parent_client_order_id=PARENT),
        ("beta", "stop_loss", "create_type", TAGGED, "order_history", False),
    ),
    "by its kind": (
        said(stop_type="TrailingStop"), replace(ORDER, parent_client_order_id=PARENT),
        ("beta", "trailing_stop", "stop_order_type", TAGGED, "order_history", False),
    ),
    "a parent's reason is not its child's": (
        said(), replace(ORDER, parent_client_order_id=PARENT),
        ("beta", "unknown", "none", TAGGED, "order_history", False),
    ),
    "an own id before the parent's": (
        said(), replace(ORDER, client_order_id=TAG, parent_client_order_id=PARENT),
        ("alpha", "take_profit", "order_history", TAGGED, "order_history", False),
    ),
    "the execution's id before the parent's": (
        said("alpha:unknown:1700000000"), replace(ORDER, parent_client_order_id=PARENT),
        ("alpha", "unknown", "none", TAGGED, "client_tag", False),
    ),
    "a parent that nobody reads is no unread id": (
        said(create_type="CreateByStopLoss"), replace(ORDER, parent_client_order_id="web-7"),
        (None, "stop_loss", "create_type", STOP, "", False),
    ),
    "a liquidation takes from everybody": (
        said(create_type="CreateByLiq"), replace(ORDER, parent_client_order_id=PARENT),
        ("beta", "liquidation", "create_type", FORCED, "order_history", False),
    ),
    "what created it, as the order tells": (
        said(), replace(ORDER, create_type="CreateByLiq"),
        (None, "liquidation", "order_history", FORCED, "", False),
    ),
    "the kind of stop, as the order tells": (
        said(), replace(ORDER, stop_type="TakeProfit"),
        (None, "take_profit", "order_history", STOP, "", False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HISTORY)
def test_the_order_history_is_the_last_rung(case: str) -> None:
    """Owners are found by the order's own id, then by its parent's; reasons by what it was."""
    execution, order, expected = HISTORY[case]

    assert Explained(*expected) == explain(execution, remembered(order))


SELLS, BUYS = replace(said(), side="Sell"), said()
ABOVE = Decimal(110)
ORDERS: dict[str, tuple[Execution, dict[str, Any], str]] = {
    "sale below": (SELLS, {"stop_type": "tpslOrder"}, "stop_loss"),
    "sale above": (SELLS, {"stop_type": "tpslOrder", "trigger_price": ABOVE}, "take_profit"),
    "purchase below": (BUYS, {"stop_type": "BidirectionalTpslOrder"}, "take_profit"),
    "purchase above": (BUYS, {"stop_type": "tpslOrder", "trigger_price": ABOVE}, "stop_loss"),
    "by the execution's stop": (said(stop_type="tpslOrder"), {}, "take_profit"),
    "at the price": (SELLS, {"stop_type": "tpslOrder", "base_price": Decimal("90.0")}, "unknown"),
    "no trigger": (SELLS, {"stop_type": "tpslOrder", "trigger_price": None}, "unknown"),
    "no price to compare": (SELLS, {"stop_type": "tpslOrder", "base_price": None}, "unknown"),
    "another kind": (SELLS, {"stop_type": "UNKNOWN"}, "unknown"),
    "a pair's profit": (BUYS, {"stop_type": "OcoOrder", "oco_trigger": "OcoTriggerByTp"},
                        "take_profit"),
    "a pair's stop": (BUYS, {"stop_type": "OcoOrder", "oco_trigger": "OcoTriggerBySl"},
                      "stop_loss"),
    "its other spelling": (said(stop_type="OcoOrder"), {"oco_trigger": "OcoTriggerByBySl"},
                           "stop_loss"),
    "neither of a pair": (SELLS, {"stop_type": "OcoOrder"}, "unknown"),
    "reduces only": (BUYS, {"reduce_only": True}, "reduce"),
    "closes when triggered": (BUYS, {"close_on_trigger": True}, "reduce"),
    "may do both": (BUYS, {"reduce_only": False, "close_on_trigger": False}, "unknown"),
    "would not reduce": (BUYS, {"cancel_type": "CancelByReduceOnly"}, "reduce"),
    "cancelled for its pair's stop": (
        BUYS, {"cancel_type": "CancelByOCOTpCanceledBySlTriggered"}, "take_profit"),
    "cancelled for its pair's profit": (
        BUYS, {"cancel_type": "CancelByOCOSlCanceledByTpTriggered"}, "stop_loss"),
    "before a liquidation": (BUYS, {"cancel_type": "CancelByPrepareLiq"}, "unknown"),
    "before all are liquidated": (BUYS, {"cancel_type": "CancelAllBeforeLiq"}, "unknown"),
    "cancelled by its user": (BUYS, {"cancel_type": "CancelByUser"}, "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", ORDERS)
def test_an_order_tells_why_by_what_it_was(case: str) -> None:
    """Triggers of spot orders, orders that only reduce, and what a cancellation gives away."""
    execution, fields, reason = ORDERS[case]
    order = replace(SPOT, **fields)
    evidence = "none" if reason == "unknown" else "order_history"
    cause = STOP if reason in ("stop_loss", "take_profit") else MANUAL

    assert Explained(None, reason, evidence, cause) == explain(execution, remembered(order))


def test_the_parents_intent_names_the_owner() -> None:
    """A parent's client id may mean what its bot said before."""
    known = replace(
        remembered(replace(ORDER, parent_client_order_id="9f3c")),
        intents={"9f3c": Intent("9f3c", "gamma", "entry")},
    )

    expected = Explained("gamma", "stop_loss", "create_type", TAGGED, "order_history")
    assert expected == explain(said(create_type="CreateByStopLoss"), known)


def test_another_order_says_nothing() -> None:
    """An execution finds its own order only."""
    known = remembered(replace(ORDER, order_key=digest_key("another"), reduce_only=True))

    assert Explained(*SILENT) == explain(said(), known)


@pytest.mark.parametrize("order_id", ["order-1", "", "1:2", "Ü", "\ud800", "7" * 300])
def test_an_order_key_is_the_digest_of_its_words(order_id: str) -> None:
    """An execution without an order is its own order."""
    execution = replace(EXECUTION, order_id=order_id, symbol="1:BTC")
    words = ("order", "linear", "1:BTC", order_id or "execution-1")

    assert digest_key(*words) == order_key_of(execution)
