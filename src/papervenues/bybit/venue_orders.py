"""Orders that no bot sent: stops of the position, closes by hand, liquidation, ADL.

They carry no client id, so that the reason must be read from the venue's own fields. They come
in a fixed rotation, so that every kind occurs even in a short history.
"""

from dataclasses import dataclass

from papervenues.bybit.exchange import TAKER_RATE_E8, OrderTerms
from papervenues.bybit.history import (
    ADL_TRADE,
    BUST_TRADE,
    CREATE_TYPES,
    MARKET,
    STOP_ORDER_TYPES,
    TRADE,
)

EXECUTIONS_PER_VENUE_ORDER = 350
VENUE_ORDERS_MIN = 12
VENUE_ORDERS_SHARE = 25


@dataclass(frozen=True, slots=True)
class VenueAction:
    """One kind of order, and the part of the net position it takes."""

    exec_type: int
    create_type: str
    stop_type: str
    percent_min: int
    percent_max: int
    rate_e8: int = TAKER_RATE_E8

    def terms(self, symbol: int, *, side: int, qty: int, price: int) -> OrderTerms:
        """The order as the venue records it."""
        return OrderTerms(
            symbol=symbol,
            side=side,
            qty=qty,
            price=price + side * (price * 3 // 100),
            order_type=MARKET,
            create_type=CREATE_TYPES.index(self.create_type),
            stop_type=STOP_ORDER_TYPES.index(self.stop_type),
        )


_STOP = VenueAction(TRADE, "CreateByStopLoss", "StopLoss", 100, 100)
_PART_STOP = VenueAction(TRADE, "CreateByPartialStopLoss", "PartialStopLoss", 30, 70)
_PROFIT = VenueAction(TRADE, "CreateByTakeProfit", "TakeProfit", 100, 100)
_PART_PROFIT = VenueAction(TRADE, "CreateByPartialTakeProfit", "PartialTakeProfit", 30, 70)
_TRAIL = VenueAction(TRADE, "CreateByTrailingStop", "TrailingStop", 100, 100)
_BY_HAND = VenueAction(TRADE, "CreateByClosing", "UNKNOWN", 100, 100)
_PART_BY_HAND = VenueAction(TRADE, "CreateByClosing", "UNKNOWN", 20, 80)
_LADDER = VenueAction(BUST_TRADE, "CreateByLiq", "UNKNOWN", 25, 60)
_TAKE_OVER = VenueAction(BUST_TRADE, "CreateByTakeOver_PassThrough", "UNKNOWN", 100, 100)
_ADL = VenueAction(ADL_TRADE, "CreateByAdl_PassThrough", "UNKNOWN", 10, 50, rate_e8=0)

VENUE_ACTIONS = (
    _STOP, _BY_HAND, _LADDER, _PROFIT, _PART_BY_HAND, _TRAIL, _ADL,
    _TAKE_OVER, _PART_STOP, _PART_PROFIT, _STOP, _PART_BY_HAND, _PROFIT, _TRAIL,
)  # fmt: skip


def venue_orders_wanted(executions: int) -> int:
    """How many such orders a history of this many executions has."""
    few = min(VENUE_ORDERS_MIN, executions // VENUE_ORDERS_SHARE)
    return max(few, executions // EXECUTIONS_PER_VENUE_ORDER)
