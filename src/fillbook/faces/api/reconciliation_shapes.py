"""The shape of the answer about what differs from the venue."""

from datetime import datetime

from pydantic import Field

from fillbook.faces.api.shapes import Amount, Answered, Shape


class DifferenceShape(Shape):
    """A difference between the book and the venue, open or healed."""

    account: str
    exchange: str
    state: str = Field(description="open or healed.")
    way: str = Field(description="position, closed_pnl, cash or counts.")
    measure: str
    category: str
    symbol: str
    leg: str
    currency: str
    reference: str = Field(description="An order's id, where it is about one.")
    ours: Amount | None
    theirs: Amount | None
    difference: Amount | None = Field(description="Positive: the venue tells more.")
    cause: str = Field(description="Likely cause.")
    why: str
    tried: str
    starts_at: datetime | None = Field(serialization_alias="from")
    ends_at: datetime | None = Field(serialization_alias="to")
    first_seen_at: datetime
    last_seen_at: datetime
    times_seen: int
    healed_at: datetime | None
    next_step: str


class ComparisonShape(Shape):
    """The last time that a leg, a coin or a symbol was compared."""

    account: str
    way: str
    measure: str
    category: str
    symbol: str
    leg: str
    currency: str
    verdict: str = Field(description="agrees, differs, deferred or not_compared.")
    ours: Amount | None
    theirs: Amount | None
    items: int
    why: str
    matched_at: datetime
    agreed_at: datetime | None


class LastComparedShape(Shape):
    """When an account was compared last, and what that came to."""

    account: str
    exchange: str
    matched_at: datetime | None
    agreed: int | None
    differed: int | None
    deferred: int | None
    not_compared: int | None
    unkept_differences: int
    open_breaks: int
    age_seconds: int | None


class ReconciliationShape(Answered):
    """What differs, what was compared, and when."""

    rows: list[DifferenceShape]
    accounts: list[LastComparedShape]
    compared: list[ComparisonShape]
