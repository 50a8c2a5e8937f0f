"""The shapes of answers. Amounts are decimal text, exact to the last digit; times are UTC.

A report without a shape of its own is answered as tables of text, so that a new report needs
nothing here.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fillbook.reports._report import Answer, Kind, cell


def _amount(value: object) -> object:
    return cell(value, "amount") if isinstance(value, Decimal) else value


def _percent(value: object) -> object:
    return cell(value, "percent") if isinstance(value, Decimal) else value


Amount = Annotated[str, BeforeValidator(_amount), Field(examples=["-12.5"])]
Percent = Annotated[str, BeforeValidator(_percent), Field(examples=["51.30"])]


class Shape(BaseModel):
    """Read from the frozen rows of a report."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class BasisShape(Shape):
    """What an answer rests on."""

    percent: Percent | None = Field(description="Of the requested time that is read.")
    gaps: int
    alarms: int = Field(description="Fills that do not fit: each a sign that one is missing.")
    read_until: datetime | None
    age_seconds: int | None
    newest_fact: datetime | None
    not_fresh: str | None = Field(description="Why it is older than it should be.")


class Answered(Shape):
    """Every report says what it rests on."""

    coverage: BasisShape = Field(validation_alias="basis")


class TradeShape(Shape):
    """A completed trade."""

    trade_id: str
    account: str
    exchange: str
    bot_id: str
    category: str
    symbol: str
    direction: str
    entry_side: str
    entry_price: Amount | None
    entry_qty: Amount
    entry_time: datetime
    entry_reason: str
    entry_reason_evidence: str
    exit_side: str
    exit_price: Amount | None
    exit_qty: Amount
    exit_time: datetime
    exit_reason: str
    exit_reason_evidence: str
    gross_pnl: Amount | None
    net_pnl: Amount | None
    pnl_pct: Amount | None
    total_commission: Amount | None
    funding: Amount
    currency: str
    holding_duration_seconds: int
    fee_unvalued: bool = Field(description="A fee has no known value, so the net figure has none.")
    leg: str


class TradesShape(Answered):
    """A page of trades, newest first."""

    rows: list[TradeShape]
    next_cursor: str | None
    total: int


class PositionShape(Shape):
    """What one book holds."""

    account: str
    exchange: str
    category: str
    symbol: str
    leg: str
    bot_id: str | None
    side: str = Field(description="Buy is long, Sell is short; `unknown` when it is not known.")
    quantity: Amount | None
    avg_entry_price: Amount | None
    cost: Amount | None
    unrealized_pnl: Amount | None
    mark_price: Amount | None
    mark_at: datetime | None
    opened_at: datetime | None
    updated_at: datetime | None
    currency: str | None
    opening_evidence: str
    proven_until: datetime | None
    realized_pnl: Amount | None = Field(description="What is known; see `unvalued`.")
    is_provisional: bool | None = Field(description="The newest fill is heard, not proven yet.")
    kind: str | None
    unvalued: int | None = Field(description="Matches without a known net profit.")


class PositionsShape(Answered):
    """Positions of every book."""

    rows: list[PositionShape]
    as_of: datetime


class NetPositionShape(Shape):
    """What an account holds of a symbol, all bots together."""

    account: str
    exchange: str
    category: str
    symbol: str
    side: str
    quantity: Amount | None
    long_quantity: Amount | None
    short_quantity: Amount | None
    unrealized_pnl: Amount | None
    books: int


class NetPositionsShape(Answered):
    """Net positions."""

    rows: list[NetPositionShape]
    as_of: datetime


class StretchShape(Shape):
    """A stretch of time of one stream and scope."""

    account: str
    stream: str
    scope: str
    starts_at: datetime = Field(serialization_alias="from")
    ends_at: datetime = Field(serialization_alias="to")


class CoveredShape(StretchShape):
    """Proven time."""

    grade: str


class GapShape(StretchShape):
    """Time that was asked for and is not proven."""

    reason: str


class MisfitsShape(Shape):
    """Fills of a symbol that do not fit their position chain."""

    account: str
    symbol: str
    kind: str
    count: int
    first_at: datetime
    last_at: datetime


class CoverageShape(Answered):
    """What is proven, what is missing, and why."""

    rows: list[CoveredShape]
    gaps: list[GapShape]
    requested: list[StretchShape]
    alarms: list[MisfitsShape]
    percent: Percent | None
    read_at: datetime | None


class DayShape(Shape):
    """A day of the curve."""

    day: str = Field(description="Its date in UTC.")
    at: datetime = Field(description="The end of the day, in UTC.")
    net_pnl: Amount
    cumulative: Amount
    drawdown: Amount
    unvalued: int


class EquityShape(Answered):
    """Realised net PnL by day."""

    rows: list[DayShape]
    currency: str
    other_currencies: list[str]
    unvalued: int


class BotShape(Shape):
    """The trades of one bot."""

    bot_id: str
    trades: int
    wins: int
    losses: int
    unvalued: int
    win_rate: Percent | None
    net_pnl: Amount
    avg_pnl: Amount | None
    avg_holding_seconds: int | None


class ReasonShape(Shape):
    """The trades that were left for one reason."""

    exit_reason: str
    trades: int
    wins: int
    losses: int
    unvalued: int
    win_rate: Percent | None
    net_pnl: Amount
    avg_pnl: Amount | None
    avg_holding_seconds: int | None


class TotalsShape(Shape):
    """All trades together."""

    executions_total: int
    trades: int
    wins: int
    losses: int
    unvalued: int
    quarantined: int
    win_rate: Percent | None
    gross_pnl: Amount
    net_pnl: Amount
    commission: Amount
    funding: Amount
    unattached_funding: Amount | None
    profit_factor: Amount | None
    expectancy: Amount | None
    max_drawdown: Amount | None
    avg_holding_seconds: int | None
    first_at: datetime | None
    last_at: datetime | None
    currency: str
    synced_at: datetime | None
    unattached_fees: Amount | None
    unattached_unvalued: int | None
    unread_tags: int | None


class SummaryShape(TotalsShape, Answered):
    """Totals, and their parts."""

    bots: list[BotShape]
    exit_reasons: list[ReasonShape]
    other_currencies: list[str]


class RunShape(Shape):
    """A sync run."""

    account: str
    exchange: str
    run_id: str
    kind: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: int | None
    requests: int
    pages: int
    rows_seen: int
    rows_new: int
    trades_new: int
    quarantined: int
    revisions: int
    error: str | None


class RunsShape(Answered):
    """Runs, newest first."""

    rows: list[RunShape]


class ColumnShape(Shape):
    """One column of a table."""

    name: str
    title: str
    kind: Kind


class TableShape(Shape):
    """A table of a report: each cell is text, or null where it is not known."""

    name: str
    columns: list[ColumnShape]
    rows: list[list[str | None]]


class TablesShape(Answered):
    """Any report as tables."""

    tables: list[TableShape]


class StateShape(Shape):
    """That the server answers."""

    status: str


def as_tables(answer: Answer) -> TablesShape:
    """An answer as tables of text."""
    tables = [
        TableShape(
            name=table.name,
            columns=[ColumnShape.model_validate(column) for column in table.columns],
            rows=[
                [cell(getattr(row, column.name), column.kind) for column in table.columns]
                for row in table.rows
            ],
        )
        for table in answer.tables()
    ]
    return TablesShape.model_validate({"basis": answer.basis, "tables": tables})
