"""One key's connection to Bybit: the venue contract, answered by the modules of this folder."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from fillbook.domain.account import KeyFacts
from fillbook.domain.execution import Reading
from fillbook.domain.instrument import ContractTerms, Mark
from fillbook.domain.observed import Balance, Candle, HeldPosition, OrderTotal
from fillbook.domain.raw import Page
from fillbook.domain.window import Window
from fillbook.errors import UsageError
from fillbook.venues._contract import Listening
from fillbook.venues.bybit.balances import balances
from fillbook.venues.bybit.candles import candles
from fillbook.venues.bybit.histories import Chosen, History
from fillbook.venues.bybit.hosts import stream_url_of
from fillbook.venues.bybit.key import key_facts
from fillbook.venues.bybit.marks import marks
from fillbook.venues.bybit.named_orders import orders_by_id
from fillbook.venues.bybit.option_walk import BaseCoins
from fillbook.venues.bybit.order_totals import total_of
from fillbook.venues.bybit.pages import OPTION, ask_page
from fillbook.venues.bybit.parse import parse_record
from fillbook.venues.bybit.positions import positions
from fillbook.venues.bybit.session import Session
from fillbook.venues.bybit.stream import StreamLimits, listen
from fillbook.venues.bybit.terms import contract_terms


class BybitVenue:
    """Bybit, seen by one key."""

    name = "bybit"

    def __init__(
        self,
        session: Session,
        *,
        environment: str,
        chosen: Chosen,
        stream_limits: StreamLimits | None = None,
        stream_url: str | None = None,
    ) -> None:
        self.environment = environment
        self.streams = chosen.rules
        self._chosen = chosen
        self._option_coins = BaseCoins()
        self._session = session
        self._stream_limits = stream_limits or StreamLimits()
        self._stream_url = stream_url

    @property
    def requests(self) -> int:
        """Requests made so far, retries included."""
        return self._session.requests

    async def pages(self, stream: str, scope: str, window: Window, cursor: str | None) -> Page:
        """One page of a window, newest rows first."""
        history = self._history(stream, scope)
        longest = history.rules.window_max
        if window.length > longest:
            raise UsageError(f"Bybit answers windows up to {longest}, not {window.length}")
        coins = self._option_coins
        return await ask_page(self._session, history, scope, window, cursor, coins=coins)

    async def orders_by_id(self, category: str, order_ids: Sequence[str]) -> Page:
        """Orders by their ids, whatever their age; those that the venue has not are left out."""
        if category not in self._chosen.categories:
            raise UsageError(f"Bybit has no orders of {category!r} here")
        return Page(await orders_by_id(self._session, category, order_ids), None)

    def learn(self, category: str, symbols: Iterable[str]) -> None:
        """These contracts were met: of options, the base coins are walked from now on."""
        if category == OPTION:
            self._option_coins.learn(symbols)

    def parse(self, stream: str, scope: str, body: bytes) -> Reading:
        """Read one raw record. Pure and total."""
        return parse_record(stream, scope, body)

    def order_total(self, body: bytes) -> OrderTotal | None:
        """What an order says that it has filled."""
        return total_of(body)

    async def server_time(self) -> datetime:
        """The venue's own clock."""
        return await self._session.time_now()

    async def key_facts(self) -> KeyFacts:
        """Whose key it is and what it may do."""
        return await key_facts(self._session)

    async def contract_terms(self) -> Sequence[ContractTerms]:
        """The contracts that the venue lists now."""
        return await contract_terms(
            self._session, self._chosen.categories, option_coins=self._option_coins.all
        )

    async def marks(self, scope: str) -> Sequence[Mark]:
        """The mark prices of a scope now."""
        return await marks(self._session, scope, option_coins=self._option_coins.all)

    async def positions(self) -> Sequence[HeldPosition]:
        """What the venue says that is held now, over all categories."""
        return await positions(self._session, self._chosen.categories)

    async def balances(self) -> Sequence[Balance]:
        """What the venue says that is in the wallets now."""
        return await balances(self._session)

    async def candles(
        self, category: str, symbol: str, *, interval: timedelta, window: Window
    ) -> Sequence[Candle]:
        """The candles that begin in a window, oldest first."""
        return await candles(self._session, category, symbol, interval=interval, window=window)

    def stream(self) -> Listening:
        """Executions, orders, positions and wallet from now on, as the venue pushes them."""
        url = stream_url_of(self._session.http.base_url, self._stream_url)
        return listen(self._session, url, self._stream_limits)

    async def close(self) -> None:
        """Give connections back."""
        await self._session.http.close()

    def _history(self, stream: str, scope: str) -> History:
        history = self._chosen.by_name.get(stream)
        if history is None or scope not in history.rules.scopes:
            raise UsageError(f"Bybit has no stream {stream!r} of {scope!r} here")
        return history
