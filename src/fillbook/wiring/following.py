"""Following an account: settings become a follower that listens until it is stopped.

The venue is asked about the key before each pass, and the ledger whether the account is still to be
followed: a follower may run for months, and a key may be paused, removed or changed meanwhile.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.domain.window import Window
from fillbook.errors import Refused
from fillbook.ledger._pool import Pool
from fillbook.settings import Login, Settings
from fillbook.sync.engine import Passed
from fillbook.sync.live import Follower, State
from fillbook.wiring.keys import admit


class KeyChanged(Refused):
    """The account has another key now: begin with that."""


@asynccontextmanager
async def follower(
    pool: Pool,
    settings: Settings,
    *,
    login: Login,
    window: Callable[[Account], Awaitable[Window]],
    on_state: Callable[[State], None],
    on_lost: Callable[[str], None],
    on_passed: Callable[[Passed], None],
) -> AsyncIterator[Follower]:
    """A follower of one account, with its connection."""
    async with wiring.engine(pool, settings, login) as engine:

        async def asked() -> Window:
            return await window(engine.account)

        async def before_pass() -> None:
            way = next(iter(await wiring.ways(pool, settings, login.name)))
            if way.opened().key != login.key:
                raise KeyChanged(f"The key of {login.name} was changed.")
            key = await engine.venue.key_facts()
            await admit(pool, login, key, now=wiring.now())

        yield Follower(
            engine,
            asked,
            before_pass=before_pass,
            on_state=on_state,
            on_lost=on_lost,
            on_passed=on_passed,
        )
