"""An account of a day: its exchange, what truly happens on it, and when the ledger knew."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, LiteralString

import msgspec

from fillbook.domain.window import from_milliseconds
from papervenues.bybit import live_trading
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.pages import AccountPages
from papervenues.bybit.pipeline import Pipeline
from papervenues.bybit.settings import ApiKey
from papervenues.bybit.stream_session import Session
from papervenues.bybit.venue import history_of
from papervenues.faults import EventLuck, FaultPlan, RequestLuck, parse_fault
from tests.simulation.connections import Stock
from tests.simulation.day_plan import ACCOUNTS, DayPlan, Kind
from tests.simulation.exchange import Exchange

LOOK_SECONDS: Final = 0.2  # how often the exchange tells what happened
PAYMENTS: Final = frozenset(("Funding", "SessionSettlePnL"))
LAID: LiteralString = """
SELECT e.execution_id FROM facts.executions e JOIN derived.lines l USING (account_id, execution_key)
WHERE e.account_id = %s AND e.executed_at >= %s AND l.executed_at >= %s AND e.execution_id = ANY(%s)
"""


class _True(msgspec.Struct):
    execId: str  # noqa: N815 - the venue's own spelling
    execType: str  # noqa: N815


@dataclass(slots=True)
class Fill:
    """A fill that truly happened during the day."""

    at: float  # seconds since the day began
    is_live: bool  # the feed was live, and told what happened
    laid_at: float | None = None

    @property
    def seconds(self) -> float | None:
        """From the fill to the book."""
        return None if self.laid_at is None else self.laid_at - self.at


@dataclass(slots=True, eq=False)
class DayAccount:
    """One account at an exchange of its own."""

    number: int
    plan: DayPlan
    clock: Callable[[], int]
    exchange: Exchange = field(init=False)
    account_id: int | None = None
    feed: Callable[[], str] = lambda: ""  # how the service calls its feed now
    is_spoilt: bool = False  # the stream is played with
    is_unheard: bool = False  # nobody could write down what is told
    fills: dict[str, Fill] = field(default_factory=dict)
    open: dict[str, Fill] = field(default_factory=dict)  # not laid yet
    _seen: int = 0
    _key: ApiKey | None = None

    def __post_init__(self) -> None:
        """Open the exchange, with the faults of rows that last all day."""
        faults = FaultPlan(tuple(map(parse_fault, self.plan.row_faults)))
        settings = self.plan.settings(self.number)
        history = history_of(settings)
        self.exchange = Exchange(
            replace(history, settings=replace(settings, faults=faults)), self.clock
        )
        self._seen = len(history.accounts[0].executions.order)

    @property
    def kind(self) -> Kind:
        """What it trades."""
        return ACCOUNTS[self.number]

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return self.kind.name

    @property
    def trading(self) -> LiveAccount:
        """The exchange's own books of the account."""
        return live_trading.of(self.exchange.venue).account(0, now_ms=self.clock())

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Connections of the private stream."""
        return tuple(live_trading.of(self.exchange.venue).hub.sessions)

    async def go_on(self) -> None:
        """Let the market move and the stream speak until it is cancelled."""
        loop, trading = asyncio.get_running_loop(), live_trading.of(self.exchange.venue)
        _ = self.trading  # it trades live from the beginning
        start_ms = self.clock() - round(loop.time() * 1_000)
        while True:
            now_ms = self.clock()
            trading.catch_up(now_ms=now_ms)
            self._write_down(start_ms)
            await trading.hub.look(trading.accounts, now_ms=now_ms)
            await asyncio.sleep(LOOK_SECONDS)

    def weather(self, *faults: str) -> None:
        """From now on these faults strike requests and messages, and no others of their kind."""
        venue = self.exchange.venue
        plan = FaultPlan(tuple(map(parse_fault, (*self.plan.row_faults, *faults))))
        venue.settings = replace(venue.settings, faults=plan)
        venue.luck = RequestLuck(plan, seed=plan_seed(self))
        live_trading.of(venue).hub.luck = EventLuck(plan, seed=plan_seed(self))

    def be_sound(self) -> None:
        """No faults any more, and every row is shown."""
        venue = self.exchange.venue
        venue.settings = replace(venue.settings, faults=FaultPlan())
        venue.luck = RequestLuck(FaultPlan(), seed=0)
        live_trading.of(venue).hub.luck = EventLuck(FaultPlan(), seed=0)
        venue.pages = tuple(AccountPages(one.history, faults=FaultPlan()) for one in venue.pages)
        self.exchange.pipeline = Pipeline(venue)

    def cut_lines(self) -> int:
        """Break what is connected."""
        self.interrupted()
        return live_trading.of(self.exchange.venue).hub.break_off()

    def refuse_key(self) -> None:
        """The key that reads is not known any more."""
        venue = self.exchange.venue
        self._key = next(key for key in venue.keys.values() if key.kind == "read")
        del venue.keys[self._key.key]
        self.cut_lines()

    def accept_key(self) -> None:
        """It is known again."""
        assert self._key is not None
        self.exchange.venue.keys[self._key.key] = self._key

    def see_what_is_laid(self, stock: Stock, now: float) -> None:
        """Which of the fills that are not laid yet are laid now?"""
        if not self.open or self.account_id is None:
            return
        first = min(fill.at for fill in self.open.values())
        since = from_milliseconds(self.clock() - round((now - first) * 1_000) - 1)
        for (known,) in stock.ask(LAID, self.account_id, since, since, list(self.open)):
            fill = self.open.pop(known, None)
            if fill is not None:
                fill.laid_at = now

    def interrupted(self) -> None:
        """What was told a moment ago may be lost with whoever was told."""
        for fill in self.open.values():
            fill.is_live = False

    @property
    def _is_told(self) -> bool:
        """Whether somebody is told what happens, and without tricks."""
        return not (self.is_spoilt or self.is_unheard) and any(
            session.topics and not session.is_silent and getattr(session.socket, "is_open", True)
            for session in self.sessions
        )

    def _write_down(self, start_ms: int) -> None:
        """What happened since the last look."""
        pages = self.exchange.venue.pages[0]
        rows = pages.history.executions
        is_live = self._is_told and self.feed() == "live"
        for row in range(self._seen, len(rows.order)):
            told = msgspec.json.decode(pages.encoder.row(row), type=_True)
            if told.execType not in PAYMENTS:
                fill = Fill((rows.time_ms[row] - start_ms) / 1_000, is_live)
                self.fills[told.execId] = self.open[told.execId] = fill
        self._seen = len(rows.order)


def plan_seed(account: DayAccount) -> int:
    """Another luck for each change of the weather."""
    return account.plan.seed * 1_000 + account.clock() // 60_000 % 1_000
