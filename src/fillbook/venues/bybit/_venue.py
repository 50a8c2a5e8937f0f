"""One key's connection to Bybit: the venue contract, answered by the modules of this folder."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from fillbook.domain.account import KeyFacts
from fillbook.domain.execution import Reading
from fillbook.domain.instrument import ContractTerms, Mark
from fillbook.domain.raw import Page
from fillbook.domain.window import Window
from fillbook.errors import UsageError
from fillbook.venues._contract import StreamRules
from fillbook.venues.bybit.key import key_facts
from fillbook.venues.bybit.marks import marks
from fillbook.venues.bybit.pages import question, read_page
from fillbook.venues.bybit.parse import parse_execution
from fillbook.venues.bybit.session import Session
from fillbook.venues.bybit.terms import contract_terms

EXECUTIONS = StreamRules(
    name="executions",
    scopes=("linear",),
    window_max=timedelta(days=7, minutes=-1),
    page_rows_max=100,
    bound_slack=timedelta(milliseconds=1),
    overlap=timedelta(minutes=30),
    lateness=timedelta(hours=48),
    retention=timedelta(days=730, minutes=-5),
)


class BybitVenue:
    """Bybit, seen by one key."""

    name = "bybit"
    streams: tuple[StreamRules, ...] = (EXECUTIONS,)

    def __init__(self, session: Session, *, environment: str) -> None:
        self.environment = environment
        self.extra_fee_rows = 0  # rows seen whose costs beyond the fee are in no reading yet
        self._session = session

    @property
    def requests(self) -> int:
        """Requests made so far, retries included."""
        return self._session.requests

    async def pages(self, stream: str, scope: str, window: Window, cursor: str | None) -> Page:
        """One page of a window, newest rows first."""
        rules = _rules(stream, scope)
        if window.length > rules.window_max:
            raise UsageError(f"Bybit answers windows up to {rules.window_max}, not {window.length}")
        asked = question(rules, scope, window, cursor)
        read = await self._session.ask(asked, lambda result: read_page(scope, window, result))
        self.extra_fee_rows += read.extra_fee_rows
        return read.page

    def parse(self, stream: str, scope: str, body: bytes) -> Reading:
        """Read one raw record. Pure and total."""
        _rules(stream, scope)
        return parse_execution(scope, body)

    async def server_time(self) -> datetime:
        """The venue's own clock."""
        return await self._session.time_now()

    async def key_facts(self) -> KeyFacts:
        """Whose key it is and what it may do."""
        return await key_facts(self._session)

    async def contract_terms(self) -> Sequence[ContractTerms]:
        """The contracts that the venue lists now."""
        return await contract_terms(self._session)

    async def marks(self, scope: str) -> Sequence[Mark]:
        """The mark prices of a scope now."""
        return await marks(self._session, scope)

    async def close(self) -> None:
        """Give connections back."""
        await self._session.http.close()


def _rules(stream: str, scope: str) -> StreamRules:
    if stream != EXECUTIONS.name or scope not in EXECUTIONS.scopes:
        raise UsageError(f"Bybit has no stream {stream!r} of {scope!r} here")
    return EXECUTIONS
