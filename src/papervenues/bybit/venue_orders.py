"""Orders that no bot sent: stops of the position, closes by hand, liquidation, ADL.

They carry no client id, so that the reason must be read from the venue's own fields. They come
in a fixed rotation, so that every kind occurs even in a short history.
"""

from dataclasses import dataclass, field

from papervenues.bybit.exchange import TAKER_RATE_E8
from papervenues.bybit.settings import Settings
from papervenues.bybit.terms import NET, OrderTerms
from papervenues.bybit.vocabulary import (
    ADL_TRADE,
    BLOCK_TRADE,
    BUST_TRADE,
    CREATE_TYPES,
    MARKET,
    MOVE_POSITION,
    STOP_ORDER_TYPES,
    TRADE,
)
from papervenues.market import Instrument

EXECUTIONS_PER_VENUE_ORDER = 350
WIDE_EXECUTIONS_PER_VENUE_ORDER = 80
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

    def block_trade_id(self, order: int) -> str:
        """The id of the block trade that an order of this kind belongs to."""
        return f"paper-block-{order}" if self.exec_type == BLOCK_TRADE else ""

    def terms(self, symbol: int, *, side: int, qty: int, price: int, leg: int = NET) -> OrderTerms:
        """The order as the venue records it."""
        return OrderTerms(
            symbol=symbol,
            side=side,
            qty=qty,
            price=price + side * (price * 3 // 100),
            order_type=MARKET,
            create_type=CREATE_TYPES.index(self.create_type),
            stop_type=STOP_ORDER_TYPES.index(self.stop_type),
            position_idx=leg,
            reduce_only=True,
            close_on_trigger=self.stop_type != "UNKNOWN",
            trigger_price=price if self.stop_type != "UNKNOWN" else 0,
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
_BLOCK = VenueAction(BLOCK_TRADE, "CreateByBlock_PassThrough", "UNKNOWN", 20, 60)
_MOVE = VenueAction(
    MOVE_POSITION, "CreateByBlockTradeMovePosition_PassThrough", "UNKNOWN", 30, 100, rate_e8=0
)

VENUE_ACTIONS = (
    _STOP, _BY_HAND, _LADDER, _PROFIT, _PART_BY_HAND, _TRAIL, _ADL,
    _TAKE_OVER, _PART_STOP, _PART_PROFIT, _STOP, _PART_BY_HAND, _PROFIT, _TRAIL,
)  # fmt: skip

# In a wide history each category of contracts goes through these in turn.
CONTRACT_ACTIONS = (_LADDER, _ADL, _STOP, _MOVE, _TAKE_OVER, _BLOCK, _BY_HAND, *VENUE_ACTIONS)
OPTION_ACTIONS = (_LADDER, _ADL, _BLOCK, _MOVE, _TAKE_OVER, _BY_HAND)


def actions_of(category: str) -> tuple[VenueAction, ...]:
    """The rotation of one category of a wide history."""
    return OPTION_ACTIONS if category == "option" else CONTRACT_ACTIONS


def venue_orders_wanted(executions: int) -> int:
    """How many such orders a history of this many executions has."""
    few = min(VENUE_ORDERS_MIN, executions // VENUE_ORDERS_SHARE)
    return max(few, executions // EXECUTIONS_PER_VENUE_ORDER)


@dataclass(slots=True)
class VenueTurns:
    """Whose turn it is: which kind of order comes next, and on which positions."""

    wanted: int
    categories: tuple[str, ...]
    is_wide: bool
    done: int = 0
    asked: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, *, executions: int) -> "VenueTurns":
        """The turns of one account."""
        categories = tuple(one for one in settings.categories if one != "spot")
        wanted = venue_orders_wanted(executions)
        if settings.is_wide:
            wanted = max(wanted, executions // WIDE_EXECUTIONS_PER_VENUE_ORDER)
        return cls(wanted if categories else 0, categories, settings.is_wide)

    def next(
        self, legs: list[tuple[int, int]], instruments: tuple[Instrument, ...]
    ) -> tuple[VenueAction, list[tuple[int, int]]] | None:
        """The next kind and the positions that it may strike; None when all is flat."""
        if not self.is_wide:
            return (VENUE_ACTIONS[self.done % len(VENUE_ACTIONS)], legs) if legs else None
        for _ in self.categories:
            category = self.categories[self.asked % len(self.categories)]
            self.asked += 1
            open_legs = [leg for leg in legs if instruments[leg[0]].category == category]
            if open_legs:
                actions, turn = actions_of(category), self.taken.get(category, 0)
                self.taken[category] = turn + 1
                return actions[turn % len(actions)], open_legs
        return None
