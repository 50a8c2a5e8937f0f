"""The venue's words with few values, as the store numbers them.

The columns of the store hold places in these tuples, so that a tuple may only grow at its end.
"""

EXEC_TYPES = (
    "Trade",
    "Funding",
    "BustTrade",
    "AdlTrade",
    "Delivery",
    "Settle",
    "SessionSettlePnL",
    "BlockTrade",
    "MovePosition",
    "FutureSpread",
    "CorporateAction",
    "UNKNOWN",
    "",
)
(
    TRADE, FUNDING, BUST_TRADE, ADL_TRADE, DELIVERY, SETTLE, SESSION, BLOCK_TRADE, MOVE_POSITION,
) = range(9)  # fmt: skip
# These change cash alone.
PAYMENTS = frozenset({FUNDING, SESSION})

ORDER_TYPES = ("Market", "Limit", "UNKNOWN")
MARKET, LIMIT, NO_ORDER = range(3)

CREATE_TYPES = (
    "CreateByUser",
    "",
    "CreateByClosing",
    "CreateByLiq",
    "CreateByTakeOver_PassThrough",
    "CreateByAdl_PassThrough",
    "CreateByStopLoss",
    "CreateByPartialStopLoss",
    "CreateByTakeProfit",
    "CreateByPartialTakeProfit",
    "CreateByTrailingStop",
    "CreateBySettle",
    "CreateByStopOrder",
    "CreateByTrailingProfit",
    "CreateByBlock_PassThrough",
    "CreateByBlockTradeMovePosition_PassThrough",
    "CreateByMmRateClose",
    "CreateByAdminClosing",
    "CreateByFutureSpread",
)
STOP_ORDER_TYPES = (
    "UNKNOWN",
    "StopLoss",
    "PartialStopLoss",
    "TakeProfit",
    "PartialTakeProfit",
    "TrailingStop",
    "",
    "Stop",
    "tpslOrder",
    "BidirectionalTpslOrder",
    "OcoOrder",
    "MmRateClose",
)
ORDER_STATUSES = (
    "",
    "New",
    "PartiallyFilled",
    "Untriggered",
    "Rejected",
    "PartiallyFilledCanceled",
    "Filled",
    "Cancelled",
    "Triggered",
    "Deactivated",
)
(
    NO_STATUS, NEW, PARTIALLY_FILLED, UNTRIGGERED, REJECTED, PARTIALLY_FILLED_CANCELED, FILLED,
    CANCELLED, TRIGGERED, DEACTIVATED,
) = range(10)  # fmt: skip
OPEN_STATUSES = frozenset({NEW, PARTIALLY_FILLED, UNTRIGGERED})

CANCEL_TYPES = (
    "UNKNOWN",
    "CancelByUser",
    "CancelByReduceOnly",
    "CancelByPrepareLiq",
    "CancelAllBeforeLiq",
    "CancelByPrepareAdl",
    "CancelAllBeforeAdl",
    "CancelByAdmin",
    "CancelBySettle",
    "CancelByTpSlTsClear",
    "CancelBySmp",
    "CancelByDelivery",
    "CancelByOCOTpCanceledBySlTriggered",
    "CancelByOCOSlCanceledByTpTriggered",
    "CancelByCannotAffordOrderCost",
)
NOT_CANCELLED, BY_USER, BY_REDUCE_ONLY = range(3)

TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "PostOnly", "RPI")
GTC, IOC, FOK, POST_ONLY, RPI = range(5)

MARKET_UNITS = ("", "baseCoin", "quoteCoin")
OCO_TRIGGERS = ("", "OcoTriggerByUnknown", "OcoTriggerByTp", "OcoTriggerBySl")

# Coins that fees are paid in; a coin that is missing here cannot be one.
COINS = (
    "USDT", "USDC", "BTC", "ETH", "SOL", "XRP", "DOGE", "MNT", "ADA", "LINK",
)  # fmt: skip
