"""What may be asked for in an address: the parts of a query, with the spelling of the API."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from fillbook.reports._report import ROWS_MAX, ROWS_USUAL, WORD_LENGTH_MAX, Part, Period, Query

DATE_LENGTH = len("2026-01-31")


def _instant(value: object) -> object:
    """ISO 8601 only: a bare number is not taken for seconds. A date is its midnight in UTC."""
    if not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("not a time in ISO 8601, such as 2026-01-31T12:00:00Z") from None
    if at.tzinfo is None:
        if len(value) > DATE_LENGTH:
            raise ValueError("a time needs a time zone: end it with Z for UTC")
        at = at.replace(tzinfo=UTC)
    return at


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_in_utc)]
Word = Annotated[str, Field(min_length=1, max_length=WORD_LENGTH_MAX)]

_TIME = "ISO 8601 with a time zone; a date alone is its midnight in UTC."
_PARTS: dict[Part, tuple[Any, Any]] = {
    "account": (Word | None, Field(None, description="Only this account, by its name.")),
    "bot": (Word | None, Field(None, description="Only this bot; `unassigned` is nobody's.")),
    "symbol": (Word | None, Field(None, description="Only this symbol.")),
    "exit_reason": (Word | None, Field(None, description="Only trades left for this reason.")),
    "currency": (Word | None, Field(None, description="The currency that sums are made in.")),
    "trade": (Word | None, Field(None, description="Only this trade, by its `trade_id`.")),
    "since": (
        Instant | None,
        Field(None, alias="from", description=f"Not before this time. {_TIME}"),
    ),
    "until": (
        Instant | None,
        Field(None, alias="to", description=f"Before this time, which is left out. {_TIME}"),
    ),
    "as_of": (Instant | None, Field(None, description=f"As things stood then. {_TIME}")),
    "by": (Period | None, Field(None, description="What is summed up; `day` when not said.")),
    "zone": (
        Word | None,
        Field(None, description="The IANA time zone whose days are meant; UTC when not said."),
    ),
    "limit": (
        int | None,
        Field(None, ge=1, le=ROWS_MAX, description=f"How many rows; {ROWS_USUAL} when not said."),
    ),
    "cursor": (
        Word | None,
        Field(None, description="`next_cursor` of the page before, to go on after it."),
    ),
}


def asked_by(name: str, takes: frozenset[Part]) -> type[BaseModel]:
    """The parameters of a report: those that it heeds, and no others."""
    parts: dict[str, Any] = {part: _PARTS[part] for part in _PARTS if part in takes}
    title = "".join(word.title() for word in name.split("_"))
    return create_model(f"{title}Asked", __config__=ConfigDict(extra="forbid"), **parts)


def query(asked: BaseModel) -> Query:
    """The query that the parameters spell."""
    return Query(**asked.model_dump())
