"""The store of what truly happened on one account: columns of integers, appended once.

An *order* row holds what all fills of an order share; an *execution* row holds one fill or one
funding payment. Both are numbered in true order. About 90 bytes an execution, so that a
million of them fit easily. Text fields with few values are indexes into the tuples below.
"""

from array import array
from dataclasses import dataclass, field

EXEC_TYPES = ("Trade", "Funding", "BustTrade", "AdlTrade")
TRADE, FUNDING, BUST_TRADE, ADL_TRADE = range(4)

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
)
STOP_ORDER_TYPES = (
    "UNKNOWN",
    "StopLoss",
    "PartialStopLoss",
    "TakeProfit",
    "PartialTakeProfit",
    "TrailingStop",
)
NO_BOT = -1


def _bytes_column() -> "array[int]":
    return array("b")


def _ints_column() -> "array[int]":
    return array("i")


def _longs_column() -> "array[int]":
    return array("q")


@dataclass(frozen=True, slots=True)
class Orders:
    """One row for each order, and one for each funding payment's stand-in."""

    symbol: "array[int]" = field(default_factory=_bytes_column)
    side: "array[int]" = field(default_factory=_bytes_column)
    order_type: "array[int]" = field(default_factory=_bytes_column)
    create_type: "array[int]" = field(default_factory=_bytes_column)
    stop_type: "array[int]" = field(default_factory=_bytes_column)
    bot: "array[int]" = field(default_factory=_bytes_column)
    price: "array[int]" = field(default_factory=_longs_column)
    qty: "array[int]" = field(default_factory=_longs_column)
    link_id: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Executions:
    """One row for each fill or funding payment. Side is 1 for Buy, -1 for Sell, on the order."""

    order: "array[int]" = field(default_factory=_ints_column)
    time_ms: "array[int]" = field(default_factory=_longs_column)
    seq: "array[int]" = field(default_factory=_longs_column)
    price: "array[int]" = field(default_factory=_longs_column)
    qty: "array[int]" = field(default_factory=_longs_column)
    leaves: "array[int]" = field(default_factory=_longs_column)
    closed: "array[int]" = field(default_factory=_longs_column)
    fee_e8: "array[int]" = field(default_factory=_longs_column)
    fee_rate_e8: "array[int]" = field(default_factory=_ints_column)
    mark: "array[int]" = field(default_factory=_longs_column)
    exec_type: "array[int]" = field(default_factory=_bytes_column)
    is_maker: "array[int]" = field(default_factory=_bytes_column)


@dataclass(frozen=True, slots=True)
class CashEvent:
    """Money that came to or left the account other than by trading, fees and funding."""

    time_ms: int
    kind: str
    change_e8: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What one bot holds of one symbol: signed, in units."""

    bot: int
    symbol: int
    qty: int


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """Everything that truly happened on one account."""

    seed: int
    user_id: int
    bots: tuple[str, ...]
    orders: Orders = field(default_factory=Orders)
    executions: Executions = field(default_factory=Executions)
    cash: list[CashEvent] = field(default_factory=list)
    holdings_at_end: list[Holding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.executions.order)

    def side_of(self, row: int) -> int:
        """1 when the row's order buys (or the funded position is long), else -1."""
        return self.orders.side[self.executions.order[row]]

    def symbol_of(self, row: int) -> int:
        """The row's symbol, as an index into the instruments."""
        return self.orders.symbol[self.executions.order[row]]
