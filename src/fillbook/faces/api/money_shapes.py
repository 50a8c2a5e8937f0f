"""The shapes of answers about money: the account's log, its chain of balances, its movements."""

from datetime import datetime

from pydantic import Field

from fillbook.faces.api.shapes import Amount, Answered, Shape


class LoggedShape(Shape):
    """One line of the account log."""

    account: str
    exchange: str
    at: datetime
    kind: str
    category: str
    symbol: str
    side: str
    currency: str
    change: Amount
    balance: Amount | None
    cash_flow: Amount | None
    funding: Amount | None
    fee: Amount | None
    qty: Amount | None
    position: Amount | None
    execution_id: str
    order_id: str


class AccountLogShape(Answered):
    """Lines, newest first."""

    rows: list[LoggedShape]
    next_cursor: str | None


class ChainBreakShape(Shape):
    """An instant at which a balance does not follow from the one before."""

    account: str
    currency: str
    at: datetime
    expected: Amount
    told: Amount
    difference: Amount = Field(description="Positive: more is there than the lines explain.")


class ChainShape(Shape):
    """A stretch of proven log time, and whether its balances follow from each other."""

    account: str
    currency: str
    starts_at: datetime = Field(serialization_alias="from")
    ends_at: datetime = Field(serialization_alias="to")
    lines: int
    breaks: int


class CashChainShape(Answered):
    """Breaks, and the chains they are in."""

    rows: list[ChainBreakShape]
    chains: list[ChainShape]
    is_cut: bool


class MovedShape(Shape):
    """Money that came, went or was moved."""

    account: str
    exchange: str
    at: datetime
    kind: str
    currency: str
    amount: Amount
    fee: Amount | None
    status: str
    is_final: bool
    from_account: str
    to_account: str
    movement_id: str
    reference: str


class MovementsShape(Answered):
    """Movements, newest first."""

    rows: list[MovedShape]
    next_cursor: str | None
