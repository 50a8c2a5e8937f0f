"""The paper exchange of one seed: in process, on the world's clock, perhaps out of reach."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import msgspec

from papervenues.bybit import PaperHistory, Settings, live_trading
from papervenues.bybit.asked import LAST_MS
from papervenues.bybit.auth import sign
from papervenues.bybit.book_truth import book_parts
from papervenues.bybit.listings import Market, market_of
from papervenues.bybit.pipeline import Incoming, Pipeline
from papervenues.bybit.simulation import play
from papervenues.bybit.switches import Switches
from papervenues.bybit.truth import truth_chunks
from papervenues.bybit.venue import Venue
from papervenues.fault_table import HISTORY
from papervenues.faults import FaultPlan

LOOK_SECONDS = 0.25  # how often the stream tells what happened
MARKETS_KEPT = 64
SERVER = "127.0.0.1"


@lru_cache(maxsize=MARKETS_KEPT)
def _market(seed: int, start_ms: int, end_ms: int) -> Market:
    """Prices cost most of a history, and many histories share them."""
    return market_of(seed=seed, start_ms=start_ms, end_ms=end_ms)


def fresh_history(settings: Settings, *, made_with: int) -> PaperHistory:
    """A history of one's own; only faults that change what truly happens make it another one."""
    bare = replace(
        settings,
        seed=made_with,
        faults=FaultPlan(settings.faults.acting(HISTORY)),
        switches=Switches(self_trade_ids=settings.switches.self_trade_ids),
    )
    market = _market(bare.seed, bare.start_ms, bare.end_ms)
    accounts = tuple(play(bare, account=one, market=market) for one in range(bare.accounts))
    return PaperHistory(settings, market.paths, accounts, market.instruments)


@dataclass(slots=True, eq=False)
class Exchange:
    """A venue that answers in process."""

    history: PaperHistory
    clock: Callable[[], int]
    venue: Venue = field(init=False)
    pipeline: Pipeline = field(init=False)
    is_away: bool = False
    orders: int = 0
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Open it."""
        self.venue = Venue(self.history, clock=self.clock)
        self.pipeline = Pipeline(self.venue)

    def sound(self) -> "Exchange":
        """The same history behind an exchange without faults."""
        settings = replace(self.history.settings, faults=FaultPlan())
        return Exchange(replace(self.history, settings=settings), self.clock)

    def begin(self, doing: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """A task of the exchange."""
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def end(self) -> None:
        """End its tasks."""
        for task in tuple(self._tasks):
            task.cancel()

    def go_away(self) -> None:
        """Be out of reach from now on."""
        self.is_away = True

    async def go_on(self) -> None:
        """Let the market move and the stream speak until it is cancelled."""
        trading = live_trading.of(self.venue)
        while True:
            now_ms = self.clock()
            trading.catch_up(now_ms=now_ms)
            await trading.hub.look(trading.accounts, now_ms=now_ms)
            await asyncio.sleep(LOOK_SECONDS)

    def order(self, **words: object) -> str:
        """Trade as a bot would; what the exchange says to it."""
        key = next(one for one in self.venue.keys.values() if one.kind == "trade")
        self.orders += 1
        body, stamp, window = json.dumps(words), str(self.clock()), "60000"
        signed = sign(secret=key.secret, text=f"{stamp}{key.key}{window}{body}")
        headers = {
            "X-BAPI-API-KEY": key.key, "X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": signed,
        }  # fmt: skip
        incoming = Incoming("POST", "/v5/order/create", "", body.encode(), headers, SERVER)
        answer = self.pipeline.answer(incoming).answer
        try:
            told = json.loads(answer.body)
        except ValueError:  # a fault spoilt the answer; the order may have been filled
            return "?"
        return str(told.get("retMsg", "")) if isinstance(told, dict) else "?"

    def truth(self, *, whole: bool = False) -> dict[str, Any]:
        """What truly happened up to now, or what will have happened at the end of all."""
        if whole:
            chunks = truth_chunks(
                tuple(pages.encoder for pages in self.venue.pages), now_ms=LAST_MS
            )
        else:
            chunks = self.venue.truth(more=book_parts(self.venue))
        told: dict[str, Any] = msgspec.json.decode(b"".join(chunks))
        return told
