"""Following an account: settings become a follower that listens until it is stopped."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.domain.window import Window
from fillbook.ledger._pool import Pool
from fillbook.settings import Login, Settings
from fillbook.sync.engine import Engine, Limits
from fillbook.sync.live import Follower, State


@asynccontextmanager
async def follower(
    pool: Pool,
    settings: Settings,
    *,
    login: Login,
    window: Callable[[Account], Awaitable[Window]],
    on_state: Callable[[State], None],
) -> AsyncIterator[Follower]:
    """A follower of one account, with its connection."""
    async with wiring.connected(pool, login, settings) as found:
        await wiring.state_settings(pool, found.account, settings)
        engine = Engine(
            pool=pool,
            venue=found.venue,
            account=found.account,
            clock=wiring.now,
            limits=Limits(window_max=settings.window_max, overlap_min=settings.overlap_min),
        )

        async def asked() -> Window:
            return await window(found.account)

        yield Follower(engine, asked, on_state=on_state)
