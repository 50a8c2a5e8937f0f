"""The store of what truly happened on one account: columns of integers, appended once.

An *order* row holds what all fills of an order share; an *execution* row holds one fill, one
funding payment or one session settlement. Both are numbered in true order, and rows are only
ever appended at or after the time of the last one. About 90 bytes an execution, so that a
million of them fit easily. Text fields with few values are indexes into the tuples of
`vocabulary`; symbols are indexes into the run's instruments.

Prices are in ticks and quantities in units of the instrument. Side is 1 for Buy and -1 for
Sell. A payment and a delivery have no order at the venue: they refer to a *stand-in*, an order
row whose status is `NO_STATUS`.
"""

from array import array
from dataclasses import dataclass, field

from papervenues.bybit.vocabulary import NO_STATUS
from papervenues.market import INSTRUMENTS, Instrument

NO_BOT = -1


def _bytes_column() -> "array[int]":
    return array("b")


def _ints_column() -> "array[int]":
    return array("i")


def _longs_column() -> "array[int]":
    return array("q")


@dataclass(frozen=True, slots=True)
class Orders:
    """One row for each order, and one for each stand-in.

    `price` and `qty` are what was ordered; a spot market order counted in the quote coin
    (`market_unit` 2) has its `qty` in units of 10^-8 of that coin. Prices of 0 mean none.
    """

    symbol: "array[int]" = field(default_factory=_bytes_column)
    side: "array[int]" = field(default_factory=_bytes_column)
    order_type: "array[int]" = field(default_factory=_bytes_column)
    create_type: "array[int]" = field(default_factory=_bytes_column)
    stop_type: "array[int]" = field(default_factory=_bytes_column)
    bot: "array[int]" = field(default_factory=_bytes_column)
    price: "array[int]" = field(default_factory=_longs_column)
    qty: "array[int]" = field(default_factory=_longs_column)
    link_id: list[str] = field(default_factory=list)
    time_ms: "array[int]" = field(default_factory=_longs_column)
    updated_ms: "array[int]" = field(default_factory=_longs_column)
    status: "array[int]" = field(default_factory=_bytes_column)
    cancel_type: "array[int]" = field(default_factory=_bytes_column)
    time_in_force: "array[int]" = field(default_factory=_bytes_column)
    position_idx: "array[int]" = field(default_factory=_bytes_column)
    reduce_only: "array[int]" = field(default_factory=_bytes_column)
    close_on_trigger: "array[int]" = field(default_factory=_bytes_column)
    is_leverage: "array[int]" = field(default_factory=_bytes_column)
    market_unit: "array[int]" = field(default_factory=_bytes_column)
    trigger_direction: "array[int]" = field(default_factory=_bytes_column)
    oco_trigger: "array[int]" = field(default_factory=_bytes_column)
    trigger_price: "array[int]" = field(default_factory=_longs_column)
    base_price: "array[int]" = field(default_factory=_longs_column)
    take_profit: "array[int]" = field(default_factory=_longs_column)
    stop_loss: "array[int]" = field(default_factory=_longs_column)
    parent_link_id: list[str] = field(default_factory=list)

    def is_stand_in(self, order: int) -> bool:
        """Whether the row stands for an order that the venue never had."""
        return self.status[order] == NO_STATUS


@dataclass(frozen=True, slots=True)
class Executions:
    """One row for each fill or payment. Side is 1 for Buy, -1 for Sell, on the order."""

    order: "array[int]" = field(default_factory=_ints_column)
    time_ms: "array[int]" = field(default_factory=_longs_column)
    seq: "array[int]" = field(default_factory=_longs_column)
    price: "array[int]" = field(default_factory=_longs_column)
    qty: "array[int]" = field(default_factory=_longs_column)
    leaves: "array[int]" = field(default_factory=_longs_column)
    closed: "array[int]" = field(default_factory=_longs_column)
    fee_e8: "array[int]" = field(default_factory=_longs_column)
    fee_rate_e8: "array[int]" = field(default_factory=_ints_column)
    fee_coin: "array[int]" = field(default_factory=_bytes_column)
    mark: "array[int]" = field(default_factory=_longs_column)
    exec_type: "array[int]" = field(default_factory=_bytes_column)
    is_maker: "array[int]" = field(default_factory=_bytes_column)


@dataclass(frozen=True, slots=True)
class CashEvent:
    """Money that came to or left a wallet other than by trading, fees and funding.

    `kind` is a type of the transaction log, which moves the unified wallet, or one of
    `FUND_KINDS`, which moves the FUND wallet alone. A transfer moves both, oppositely.
    """

    time_ms: int
    kind: str
    change_e8: int
    coin: str = "USDT"
    sub_kind: str = ""
    reference: str = ""

    @property
    def is_fund_only(self) -> bool:
        """Whether the unified wallet does not see it."""
        return self.kind in FUND_KINDS


FUND_KINDS = frozenset({"DEPOSIT", "INTERNAL_DEPOSIT", "WITHDRAWAL"})


@dataclass(frozen=True, slots=True)
class Holding:
    """What one bot (`NO_BOT`: nobody) holds of one symbol.

    Signed, in units; of a spot pair in 10^-8 of its base coin.
    """

    bot: int
    symbol: int
    qty: int
    position_idx: int = 0


@dataclass(frozen=True, slots=True)
class RowExtra:
    """What few executions have: the underlying's price of an option, a block trade's id."""

    underlying: str = ""
    block_trade_id: str = ""


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """Everything that truly happened on one account.

    The venue names no fee coin on derivatives' rows before `fee_coins_from_ms`. A row among the
    `twins` has the execution id of another row.
    """

    seed: int
    user_id: int
    bots: tuple[str, ...]
    orders: Orders = field(default_factory=Orders)
    executions: Executions = field(default_factory=Executions)
    cash: list[CashEvent] = field(default_factory=list)
    holdings_at_end: list[Holding] = field(default_factory=list)
    instruments: tuple[Instrument, ...] = INSTRUMENTS
    is_hedged: bool = False
    fee_coins_from_ms: int = 0
    extras: dict[int, RowExtra] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.executions.order)

    def side_of(self, row: int) -> int:
        """1 when the row's order buys (or the funded position is long), else -1."""
        return self.orders.side[self.executions.order[row]]

    def symbol_of(self, row: int) -> int:
        """The row's symbol, as an index into the instruments."""
        return self.orders.symbol[self.executions.order[row]]

    def instrument_of(self, row: int) -> Instrument:
        """The row's instrument."""
        return self.instruments[self.symbol_of(row)]
