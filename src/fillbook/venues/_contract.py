"""The whole venue contract. A new venue is one folder that answers these questions.

A venue is asked for *streams*: kinds of history that are read in windows, such as executions. Each
stream has scopes (product categories, coins) that are read one by one. Pages come newest first or
oldest first, as the venue likes; rows are handed on verbatim and read by `parse`, which is pure and
total: what it cannot read is `Unreadable` with the reason, never an exception.

A page is accepted only from a validated success envelope. Anything else raises an error of
`fillbook.errors`: `VenueUnavailable` and its children are worth another try, the others are not;
`VenueNotOffered` says that the account does not have this product at all.

What a venue shows of the present (positions, balances, marks, candles) are observations: they are
compared with the book and never booked.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from fillbook.domain.account import KeyFacts
from fillbook.domain.execution import Reading
from fillbook.domain.instrument import ContractTerms, Mark
from fillbook.domain.observed import Balance, Candle, HeldPosition, OrderTotal
from fillbook.domain.raw import Page, RawRecord
from fillbook.domain.window import Window


@dataclass(frozen=True, slots=True)
class StreamRules:
    """How a venue serves one kind of history."""

    name: str  # "executions"
    scopes: tuple[str, ...]  # ("linear",)
    window_max: timedelta  # the longest window that may be asked
    page_rows_max: int
    bound_slack: timedelta  # how far to ask beyond a bound whose inclusion is not documented
    overlap: timedelta  # every sync reads this much again
    lateness: timedelta  # rows may appear this late; read again after it, a window is settled
    retention: timedelta  # what is older is gone, margin included
    is_essential: bool = True  # without permission for it a pass is refused


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message of a venue's private stream tells: rows to book, or observations."""

    stream: str = ""  # "executions.live"; empty where nothing is to be booked
    scope: str = ""
    records: tuple[RawRecord, ...] = ()
    positions: tuple[HeldPosition, ...] = ()
    balances: tuple[Balance, ...] = ()
    left_out: int = 0  # rows of a kind of product that this version does not know


Listening = AbstractAsyncContextManager[AsyncIterator[Heard]]


class Venue(Protocol):
    """One connection to one account at one venue."""

    name: str
    environment: str
    streams: tuple[StreamRules, ...]

    @property
    def requests(self) -> int:
        """Requests made so far, retries included."""
        ...

    async def pages(self, stream: str, scope: str, window: Window, cursor: str | None) -> Page:
        """One page of a window. Retries what is worth it, within bounds; then raises."""
        ...

    async def orders_by_id(self, category: str, order_ids: Sequence[str]) -> Page:
        """Rows of the stream `orders` for orders that are named, whatever their age.

        Those that the venue does not have are left out; nothing follows the page.
        """
        ...

    def learn(self, category: str, symbols: Iterable[str]) -> None:
        """These contracts were met elsewhere: from now on histories of theirs are read as well.

        For venues that list some histories by coin and do not say which coins there are.
        """
        ...

    def parse(self, stream: str, scope: str, body: bytes) -> Reading:
        """Read one raw record. Pure and total."""
        ...

    def order_total(self, body: bytes) -> OrderTotal | None:
        """What an order says that it has filled: a raw record of `orders`, or None. Pure."""
        ...

    async def server_time(self) -> datetime:
        """The venue's own clock."""
        ...

    async def key_facts(self) -> KeyFacts:
        """Whose key it is and what it may do."""
        ...

    async def contract_terms(self) -> Sequence[ContractTerms]:
        """The contracts that the venue lists now."""
        ...

    async def marks(self, scope: str) -> Sequence[Mark]:
        """The mark prices of a scope now."""
        ...

    async def positions(self) -> Sequence[HeldPosition]:
        """What the venue says that is held now, over all categories."""
        ...

    async def balances(self) -> Sequence[Balance]:
        """What the venue says that is in the wallets now."""
        ...

    async def candles(
        self, category: str, symbol: str, *, interval: timedelta, window: Window
    ) -> Sequence[Candle]:
        """The candles that begin in a window, oldest first."""
        ...

    def stream(self) -> Listening:
        """What happens from now on, as the venue pushes it; nothing is told twice on purpose.

        Entering means: the venue has confirmed the subscription. A line that closes, or falls
        silent, raises `VenueUnavailable`; what was missed meanwhile is to be read from history.
        """
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
