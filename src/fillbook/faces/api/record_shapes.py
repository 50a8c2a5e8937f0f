"""The shapes of answers about the record itself: restatements, statements, bots, client ids."""

from datetime import datetime

from pydantic import Field

from fillbook.faces.api.shapes import Amount, Answered, Shape


class RestatementShape(Shape):
    """A trade that says something else than it did."""

    account: str
    category: str
    symbol: str
    leg: str
    trade_id: str
    restated_at: datetime
    cause: str
    stated_by: str | None
    stated_reason: str | None
    caused_by: int
    before_bot_id: str | None
    after_bot_id: str | None
    before_exit_time: datetime | None
    after_exit_time: datetime | None
    before_qty: Amount | None
    after_qty: Amount | None
    before_net_pnl: Amount | None
    after_net_pnl: Amount | None
    before_exit_reason: str | None
    after_exit_reason: str | None


class RestatementsShape(Answered):
    """Restatements, newest first."""

    rows: list[RestatementShape]


class StatementShape(Shape):
    """One statement, in words."""

    account: str
    statement_id: int
    kind: str
    subject: str
    said: str
    stated_at: datetime
    stated_by: str
    reason: str
    state: str
    restated: int


class StatementsShape(Answered):
    """Statements, newest first."""

    rows: list[StatementShape]


class KnownBotShape(Shape):
    """A bot, how it is known, and what it has done."""

    bot_id: str
    bot_name: str
    bot_type: str
    status: str
    deployment_mode: str
    known_as: str
    executions: int
    trades: int
    first_seen: datetime | None
    last_seen: datetime | None
    unread_tags: int


class BotsShape(Answered):
    """Every bot, by name."""

    rows: list[KnownBotShape]


class UnreadTagsShape(Shape):
    """Executions of a symbol whose client id nothing reads."""

    account: str
    symbol: str
    executions: int
    first_at: datetime
    last_at: datetime


class SampleShape(Shape):
    """A client id that nothing reads."""

    account: str
    symbol: str
    client_order_id: str
    executions: int
    last_at: datetime


class TagsShape(Answered):
    """Client ids that nothing reads: counts, and samples."""

    rows: list[UnreadTagsShape]
    samples: list[SampleShape]
    total: int


class SlowWindowShape(Shape):
    """A window, and what it took."""

    account: str
    exchange: str
    stream: str
    scope: str
    starts_at: datetime = Field(serialization_alias="from")
    ends_at: datetime = Field(serialization_alias="to")
    pages: int
    row_count: int
    seconds: Amount
    not_proven: str | None = Field(description="Why it could not be read to its end.")
    sync_type: str | None
    run_id: str
    noted_at: datetime


class SlowestShape(Answered):
    """The slowest first."""

    windows: list[SlowWindowShape]
