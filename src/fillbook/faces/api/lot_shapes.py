"""The shapes of answers about lots: what is open, what met, what happened, what it came to."""

from datetime import datetime

from pydantic import Field

from fillbook.faces.api.shapes import Amount, Answered, Shape


class LotShape(Shape):
    """What is left of one execution."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    side: str
    quantity: Amount
    price: Amount | None
    cost: Amount | None
    commission: Amount | None
    unrealized_pnl: Amount | None
    currency: str
    opened_at: datetime
    entry_reason: str
    entry_reason_evidence: str
    owner_evidence: str
    execution_id: str | None
    order_id: str | None


class LotsShape(Answered):
    """Open lots, oldest first within a book."""

    rows: list[LotShape]
    as_of: datetime
    is_cut: bool = Field(description="There are more than the limit lets through.")


class MatchShape(Shape):
    """Units under one entry and one exit."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    direction: str
    qty: Amount
    entry_price: Amount | None
    entry_time: datetime
    entry_reason: str
    entry_reason_evidence: str
    exit_price: Amount | None
    exit_time: datetime
    exit_reason: str
    exit_reason_evidence: str
    gross_pnl: Amount | None
    entry_commission: Amount | None
    exit_commission: Amount | None
    funding: Amount
    net_pnl: Amount | None
    currency: str
    trade_id: str | None
    entry_execution_id: str | None
    exit_execution_id: str | None


class MatchesShape(Answered):
    """A page of lot matches, newest first."""

    rows: list[MatchShape]
    next_cursor: str | None


class EventShape(Shape):
    """What one fill did to one owner's position."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    event: str
    at: datetime
    side: str
    qty: Amount
    price: Amount | None
    position_before: Amount
    position_after: Amount
    reason: str
    reason_evidence: str
    owner_evidence: str
    execution_id: str | None
    order_id: str | None


class EventsShape(Answered):
    """A page of position events, newest first."""

    rows: list[EventShape]
    next_cursor: str | None


class RoundTripShape(Shape):
    """From flat to flat, or to now."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str
    direction: str
    status: str
    opened_at: datetime
    closed_at: datetime | None
    quantity: Amount
    open_quantity: Amount | None
    entry_value: Amount | None
    exit_value: Amount | None
    gross_pnl: Amount | None
    total_commission: Amount | None
    funding: Amount
    net_pnl: Amount | None
    matches: int
    entry_reason: str
    exit_reason: str | None
    currency: str
    holding_seconds: int | None


class RoundTripsShape(Answered):
    """A page of round trips: those under way, then ended ones, newest first."""

    rows: list[RoundTripShape]
    next_cursor: str | None


class PeriodShape(Shape):
    """What a day, week or month came to."""

    period: str
    starts_at: datetime = Field(serialization_alias="from")
    ends_at: datetime = Field(serialization_alias="to")
    gross_pnl: Amount
    commission: Amount
    funding: Amount
    net_pnl: Amount
    matches: int
    unvalued: int


class CalendarShape(Answered):
    """Periods of a calendar in which anything was realised."""

    rows: list[PeriodShape]
    by: str
    zone: str
    currency: str
    other_currencies: list[str]
