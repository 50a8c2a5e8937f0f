"""Live trading on all accounts of a venue: who trades, and how time passes for them.

An account begins to trade live with its first order, or when an operator moves the clock; until
then nothing follows the end of its history, so that a history that is only read stays as it was
made. An order before the end of the bulk history is refused: the store is only ever appended to.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakKeyDictionary

from papervenues.bybit import live_time
from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.live_facts import position_facts
from papervenues.bybit.order_codes import NOT_TRADING
from papervenues.bybit.stream_hub import StreamHub
from papervenues.bybit.venue import Venue

TICK_SECONDS = 0.05


class LiveTrading:
    """The accounts of one venue that trade, and the private stream that tells of it."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.accounts: dict[int, LiveAccount] = {}
        self.hub = StreamHub(venue)
        self._revisions: dict[int, int] = {}

    def account(self, number: int, *, now_ms: int) -> LiveAccount:
        """The account with this number, at an instant; it trades live from now on."""
        if now_ms < self._venue.settings.end_ms:
            raise RefusalError(NOT_TRADING, "Trading begins where the history ends.")
        known = self.accounts.get(number)
        if known is None:
            known = self.accounts[number] = self._begin(number, since_ms=now_ms)
        self.catch_up(now_ms=now_ms)
        return known

    def wake(self, *, since_ms: int) -> None:
        """Let all accounts trade live from an instant, or from the end of history."""
        since_ms = max(since_ms, self._venue.settings.end_ms)
        for number in range(len(self._venue.pages)):
            if number not in self.accounts:
                self.accounts[number] = self._begin(number, since_ms=since_ms)

    def catch_up(self, *, now_ms: int) -> None:
        """Let everything happen up to now."""
        for number, account in self.accounts.items():
            if now_ms >= account.now_ms:
                live_time.pass_time(account, until_ms=now_ms)
            if self._revisions.get(number) != account.revision:
                self._revisions[number] = account.revision
                self._list_facts(number, account)

    def _list_facts(self, number: int, account: LiveAccount) -> None:
        extras = self._venue.position_extras
        for place in [place for place in extras if place[0] == number]:
            del extras[place]
        for (symbol, leg), row in position_facts(account).items():
            extras[number, symbol, leg] = row

    def _begin(self, number: int, *, since_ms: int) -> LiveAccount:
        pages = self._venue.pages[number]
        return LiveAccount(
            pages.history,
            paths=self._venue.paths,
            encoder=pages.encoder,
            book=self._venue.book(number, now_ms=since_ms),
            since_ms=since_ms,
        )


_TRADING: "WeakKeyDictionary[Venue, LiveTrading]" = WeakKeyDictionary()


def of(venue: Venue) -> LiveTrading:
    """The live trading of a venue; there is one."""
    known = _TRADING.get(venue)
    if known is None:
        known = _TRADING[venue] = LiveTrading(venue)
    return known


def catch_up(venue: Venue, *, now_ms: int) -> None:
    """Let everything happen up to now; nothing when nobody trades live."""
    known = _TRADING.get(venue)
    if known is not None:
        known.catch_up(now_ms=now_ms)


@asynccontextmanager
async def going_on(venue: Venue) -> AsyncIterator[None]:
    """Let the market move and the stream speak while the block runs."""
    trading = of(venue)
    ticking = asyncio.get_running_loop().create_task(_tick(trading, venue))
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        await trading.hub.close()


async def _tick(trading: LiveTrading, venue: Venue) -> None:
    while True:
        now_ms = venue.clock()
        trading.catch_up(now_ms=now_ms)
        await trading.hub.look(trading.accounts, now_ms=now_ms)
        await asyncio.sleep(TICK_SECONDS)
