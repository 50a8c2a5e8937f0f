"""One reconciled pass over an account: look, read, compare."""

from collections.abc import Awaitable, Callable

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.domain.window import Window
from fillbook.ledger._pool import Pool
from fillbook.settings import Login, Settings
from fillbook.sync.engine import Passed, Progress
from fillbook.sync.reconcile import Reconciled, reconciled_pass


async def reconcile(
    pool: Pool,
    settings: Settings,
    *,
    login: Login,
    window: Callable[[Account], Awaitable[Window]],
    progress: Progress = lambda _: None,
) -> tuple[Passed, Reconciled | None]:
    """Ask the venue what it holds, read history up to that, and compare."""
    async with wiring.engine(pool, settings, login, progress=progress) as engine:
        return await reconciled_pass(engine, "manual", await window(engine.account))
